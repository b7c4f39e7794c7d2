//! Roles that groups give, on both databases.

use provisioning::{people::PersonChange, plan};
use scim_core::ResourceKind;
use seat_ledger::Policy;
use serde_json::{Value, json};

use crate::{
    people::{in_group, seen, set, with},
    support::{Request, Tenant, act, for_each_tenant, license, patch_body, person, write_group},
};

/// The tenant whose groups Admins and Members give roles, and the one with this external id.
fn by_groups(tenant: Tenant) -> Tenant {
    let groups = json!([
        { "name": "Admins", "role": "admin" },
        { "external_id": "00g-admins", "role": "admin" },
        { "name": "Members", "role": "member" },
    ]);
    with(tenant, json!({ "sources": [{ "groups": groups }] }))
}

/// People with no role of their own.
async fn people(tenant: &Tenant, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(
            tenant.create(json!({ "schemas": [scim_core::urn::USER], "userName": name })).await.unwrap(),
        );
    }
    ids.into_iter().map(|made| made.view.id().to_owned()).collect()
}

fn members<'i>(ids: impl IntoIterator<Item = &'i String>) -> Value {
    ids.into_iter().map(|id| json!({ "value": id })).collect()
}

fn change(op: &str, ids: &[&String]) -> Value {
    match op {
        "add" => json!([{ "op": "add", "path": "members", "value": members(ids.iter().copied()) }]),
        _ => {
            ids.iter().map(|id| json!({ "op": op, "path": format!("members[value eq \"{id}\"]") })).collect()
        }
    }
}

/// Role, license and state of a person, and what gives the role.
async fn standing(tenant: &Tenant, id: &str) -> [String; 4] {
    let person = seen(tenant, id).await;
    let license = person.license.unwrap();
    let granted = license.granted.unwrap_or_default();
    [person.role.unwrap(), granted, license.state.to_owned(), person.role_from]
}

async fn write(tenant: &Tenant, request: Request) {
    tenant.write(move |tx, rules| write_group(tx, rules, request)).await.unwrap();
}

pub(crate) async fn delete(tenant: &Tenant, group: &str) {
    let (kind, gone) = (ResourceKind::Group, Request::Delete(group.to_owned()));
    let work = move |tx: &mut store::WriteTx<'_>, rules: &provisioning::Rules| {
        gone.run(tx, rules, kind, provisioning::Shown::Version).map(drop)
    };
    tenant.write(work).await.unwrap();
}

#[tokio::test]
async fn s9_one_patch_with_100_members_and_60_seats_stores_all_grants_60_in_order_and_40_wait_under_refuse() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = by_groups(tenant);
        tenant.quotas(60, 100).await;
        tenant.write(|tx, _| plan::set_policy(tx, &license("member"), Policy::Refuse, &act())).await.unwrap();
        let mut ids = people(&tenant, (0..100).map(|n| format!("user{n}"))).await;
        // Not the order in which they were made.
        ids.reverse();
        let group = tenant.group("Members", &[]).await.view.id().to_owned();
        let patch = json!([{ "op": "add", "path": "members", "value": members(&ids) }]);
        let request = Request::Patch(group.clone(), patch_body(&patch));
        let done = tenant.write(move |tx, rules| write_group(tx, rules, request)).await.unwrap();
        let states = |state: &str| done.seats.iter().filter(|(_, told)| *told == state).count();
        assert_eq!((states("granted"), states("fallback"), done.seats.len()), (60, 40, 100));
        let from = format!("group:{group}");
        for (nth, id) in ids.iter().enumerate() {
            let expected = if nth < 60 {
                ["member", "member", "granted"]
            } else {
                ["member", "member_lite", "fallback"]
            };
            let told = standing(&tenant, id).await;
            assert_eq!((&told[..3], &told[3]), (&expected.map(str::to_owned)[..], &from), "{nth}");
        }
        tenant.assert_adds_up().await;

        // Who leaves has the default role again, and the first who waits gets the seat.
        in_group(&tenant, &group, change("remove", &[&ids[7]])).await.unwrap();
        assert_eq!(standing(&tenant, &ids[7]).await, ["member_lite", "member_lite", "granted", "default"]);
        assert_eq!(standing(&tenant, &ids[60]).await[1..3], ["member", "granted"]);
        assert_eq!(standing(&tenant, &ids[61]).await[2], "fallback");
        let record = tenant.changes(&ids[7]).await.pop().unwrap();
        assert_eq!(
            (record.kind.as_str(), record.detail.contains(&format!("\"group\":\"{group}\""))),
            ("user.changed", true)
        );
        // Sent again, it moves nobody.
        let again = json!([{ "op": "add", "path": "members", "value": members(&ids[..3]) }]);
        let before = tenant.canonical().await;
        in_group(&tenant, &group, again).await.unwrap();
        assert_eq!(tenant.canonical().await, before);
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn io14_a_renamed_group_keeps_its_rule_and_a_new_one_of_the_old_name_gets_it_when_the_group_is_gone() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = by_groups(tenant);
        tenant.quotas(9, 9).await;
        let ids = people(&tenant, ["ann", "bob", "cid"].map(str::to_owned)).await;
        let first = tenant.group("members", &[&ids[0]]).await.view.id().to_owned();
        let member =
            ["member".to_owned(), "member".to_owned(), "granted".to_owned(), format!("group:{first}")];
        assert_eq!(standing(&tenant, &ids[0]).await, member);
        tenant.rename(&first, "Everybody").await;
        in_group(&tenant, &first, change("add", &[&ids[1]])).await.unwrap();
        assert_eq!(standing(&tenant, &ids[0]).await, member);
        assert_eq!(standing(&tenant, &ids[1]).await, member);
        let second = tenant.group("Members", &[&ids[2]]).await.view.id().to_owned();
        assert_eq!(standing(&tenant, &ids[2]).await[3], "default", "the rule is the first one's");

        delete(&tenant, &first).await;
        assert_eq!(standing(&tenant, &ids[0]).await, ["member_lite", "member_lite", "granted", "default"]);
        // The next change of the second one binds the rule, and all who are in it have the role.
        in_group(&tenant, &second, change("add", &[&ids[1]])).await.unwrap();
        for id in &ids[1..] {
            assert_eq!(standing(&tenant, id).await[3], format!("group:{second}"));
        }
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn s9_of_two_groups_the_rule_that_stands_first_decides_and_a_group_that_takes_a_rules_name_gives_the_role()
 {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = by_groups(tenant);
        tenant.quotas(9, 9).await;
        let ids = people(&tenant, ["ann", "bob"].map(str::to_owned)).await;
        let both = [ids[0].as_str(), ids[1].as_str()];
        tenant.group("Members", &both).await;
        let admins = tenant.group("Bosses", &both[..1]).await.view.id().to_owned();
        assert_eq!(standing(&tenant, &ids[0]).await[0], "member");
        // By its external id, which it gets later; then by name, after the group is made anew.
        let known = json!([{ "op": "add", "path": "externalId", "value": "00g-admins" }]);
        write(&tenant, Request::Patch(admins.clone(), patch_body(&known))).await;
        assert_eq!(standing(&tenant, &ids[0]).await[0], "admin");
        assert_eq!(standing(&tenant, &ids[1]).await[0], "member");
        let rules = tenant.rules.clone();
        let id = admins.clone();
        let shown = tenant.read(move |tx| provisioning::roster::group(tx, &rules, &id)).await;
        assert_eq!(shown.role.as_deref(), Some("admin"));
        delete(&tenant, &admins).await;
        assert_eq!(standing(&tenant, &ids[0]).await[0], "member");
        let admins = tenant.group("Bosses", &both[..1]).await.view.id().to_owned();
        tenant.rename(&admins, "ADMINS").await;
        assert_eq!(standing(&tenant, &ids[0]).await[0], "admin");
        // An empty list sent as a whole takes everybody out.
        let body = json!({ "schemas": [scim_core::urn::GROUP], "displayName": "Admins", "members": [] });
        write(&tenant, Request::Replace(admins, body)).await;
        assert_eq!(standing(&tenant, &ids[0]).await[0], "member");
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn s9_an_attribute_that_stands_first_decides_and_a_choice_of_staff_ends_with_the_next_change_of_groups()
{
    for_each_tenant(async |tenant: Tenant| {
        let groups = json!([{ "name": "Admins", "role": "admin" }]);
        let values = json!({ "member": "member" });
        let sources = json!([{ "attribute": "userType", "values": values }, { "groups": groups }]);
        let tenant = with(tenant, json!({ "sources": sources }));
        tenant.quotas(9, 9).await;
        let ann = tenant.create(person("ann", "member")).await.unwrap().view.id().to_owned();
        let bob = people(&tenant, ["bob".to_owned()]).await.remove(0);
        let group = tenant.group("Admins", &[&ann, &bob]).await.view.id().to_owned();
        assert_eq!(standing(&tenant, &ann).await[3], "userType");
        assert_eq!(standing(&tenant, &bob).await[0], "admin");
        // The attribute goes, and the group's word holds; a change of something else asks nobody.
        let cleared = json!([{ "op": "remove", "path": "userType" }]);
        tenant.patch(&ann, cleared).await.unwrap();
        assert_eq!(standing(&tenant, &ann).await[0], "admin");
        let other = json!([{ "op": "add", "path": "title", "value": "Dr" }]);
        tenant.patch(&ann, other).await.unwrap();
        assert_eq!(standing(&tenant, &ann).await[0], "admin");

        set(&tenant, &bob, PersonChange { role: Some("member".into()), active: None }).await;
        assert_eq!(standing(&tenant, &bob).await[3], "local");
        in_group(&tenant, &group, change("remove", &[&ann])).await.unwrap();
        assert_eq!(standing(&tenant, &bob).await[3], "local", "nobody has said anything of bob");
        in_group(&tenant, &group, change("remove", &[&bob])).await.unwrap();
        assert_eq!(standing(&tenant, &bob).await, ["member_lite", "member_lite", "granted", "default"]);
        // Suspended, a person is in the group as before and takes no seat.
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        tenant.patch(&bob, off).await.unwrap();
        in_group(&tenant, &group, change("add", &[&bob])).await.unwrap();
        assert_eq!(standing(&tenant, &bob).await[1..3], ["", "suspended"]);
        let on = json!([{ "op": "replace", "path": "active", "value": true }]);
        tenant.patch(&bob, on).await.unwrap();
        assert_eq!(standing(&tenant, &bob).await[..3], ["admin", "member", "granted"]);
        tenant.assert_adds_up().await;
    })
    .await;
}
