//! Changes of a group that would take too many seats at once, on both databases.

use provisioning::{roster, wipes};
use serde_json::{Value, json};

use crate::{
    group_roles::delete,
    people::{in_group, replace, seen, with},
    support::{Tenant, act, for_each_tenant, person},
};

/// Members of the group Members have the role `member`; a change that takes more than a third of its seats is held.
fn guarded(tenant: Tenant) -> Tenant {
    with(
        tenant,
        json!({
            "sources": [{ "groups": [{ "name": "Members", "role": "member" }] }],
            "protect": { "group_wipe_percent": 33 },
        }),
    )
}

async fn people(tenant: &Tenant, number: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for nth in 0..number {
        let body = json!({ "schemas": [scim_core::urn::USER], "userName": format!("user{nth}") });
        ids.push(tenant.create(body).await.unwrap().view.id().to_owned());
    }
    ids
}

async fn state(tenant: &Tenant, id: &str) -> (Option<String>, Option<String>, &'static str) {
    let person = seen(tenant, id).await;
    let license = person.license.unwrap();
    (person.role, license.granted, license.state)
}

fn is(role: &str, license: &str, state: &'static str) -> (Option<String>, Option<String>, &'static str) {
    (Some(role.into()), Some(license.into()), state)
}

/// What waits of a group: how many people.
async fn held(tenant: &Tenant, group: &str) -> Option<usize> {
    let (rules, group) = (tenant.rules.clone(), group.to_owned());
    let shown = tenant.read(move |tx| roster::group(tx, &rules, &group)).await;
    shown.held.map(|held| held.people)
}

async fn release(tenant: &Tenant, group: &str, is_dropped: bool) {
    let group = group.to_owned();
    tenant.write(move |tx, rules| wipes::release(tx, rules, &group, is_dropped, &act())).await.unwrap();
}

fn out(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") })).collect()
}

fn into(ids: &[String]) -> Value {
    let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    json!([{ "op": "add", "path": "members", "value": members }])
}

#[tokio::test]
async fn a_group_wipe_is_stored_and_its_effect_waits_until_staff_carry_it_out_and_single_leavers_pass() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = guarded(tenant);
        tenant.quotas(20, 20).await;
        let ids = people(&tenant, 12).await;
        let all: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = tenant.group("Members", &all).await.view.id().to_owned();
        let (member, lite) = (is("member", "member", "granted"), is("member_lite", "member_lite", "granted"));
        // More than 33 percent of twelve are four.
        for id in &ids[..2] {
            in_group(&tenant, &group, out(std::slice::from_ref(id))).await.unwrap();
            assert_eq!(state(&tenant, id).await, lite);
        }
        in_group(&tenant, &group, out(&ids[2..5])).await.unwrap();
        assert_eq!((state(&tenant, &ids[4]).await, held(&tenant, &group).await), (lite.clone(), None));
        in_group(&tenant, &group, into(&ids[..5])).await.unwrap();
        assert_eq!(state(&tenant, &ids[4]).await, member);
        // All of them: it is stored, and nobody loses anything.
        in_group(&tenant, &group, json!([{ "op": "remove", "path": "members" }])).await.unwrap();
        assert_eq!(held(&tenant, &group).await, Some(12));
        let kept = is("member", "member", "held");
        for id in &ids {
            assert_eq!(state(&tenant, id).await, kept);
            assert!(seen(&tenant, id).await.groups.is_empty());
        }
        tenant.assert_adds_up().await;
        // What else is sent of the person changes nothing of it, except that the person may not work.
        tenant.patch(&ids[0], replace("title", json!("Dr"))).await.unwrap();
        assert_eq!(state(&tenant, &ids[0]).await, kept);
        tenant.patch(&ids[1], replace("active", json!(false))).await.unwrap();
        assert_eq!(state(&tenant, &ids[1]).await.2, "suspended");
        // Who is in the group again is no case for staff any more.
        in_group(&tenant, &group, into(&ids[2..4])).await.unwrap();
        assert_eq!((state(&tenant, &ids[2]).await, held(&tenant, &group).await), (member.clone(), Some(9)));
        release(&tenant, &group, false).await;
        assert_eq!((state(&tenant, &ids[0]).await, held(&tenant, &group).await), (lite.clone(), None));
        assert_eq!((state(&tenant, &ids[3]).await, state(&tenant, &ids[11]).await), (member, lite));
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn a_group_wipe_that_staff_drop_takes_nobodys_seat_and_a_small_group_is_not_guarded() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = guarded(tenant);
        tenant.quotas(40, 40).await;
        let ids = people(&tenant, 11).await;
        let all: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = tenant.group("Members", &all).await.view.id().to_owned();
        let empty = json!([{ "op": "replace", "path": "members", "value": [] }]);
        in_group(&tenant, &group, empty.clone()).await.unwrap();
        assert_eq!(held(&tenant, &group).await, Some(11));
        release(&tenant, &group, true).await;
        assert_eq!(held(&tenant, &group).await, None);
        let member = is("member", "member", "granted");
        for id in &ids {
            assert_eq!(state(&tenant, id).await, member);
        }
        // An edit of something else does not take the seat later either.
        tenant.patch(&ids[0], replace("title", json!("Dr"))).await.unwrap();
        assert_eq!(state(&tenant, &ids[0]).await, member);
        tenant.assert_adds_up().await;
        in_group(&tenant, &group, into(&ids[..9])).await.unwrap();
        in_group(&tenant, &group, empty).await.unwrap();
        assert_eq!((held(&tenant, &group).await, state(&tenant, &ids[0]).await.2), (None, "granted"));
        assert_eq!(state(&tenant, &ids[0]).await.0.as_deref(), Some("member_lite"));
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn a_group_wipe_holds_back_the_deletion_of_people_without_a_group_and_ends_with_the_group() {
    for_each_tenant(async |tenant: Tenant| {
        let overrides = json!({
            "leaving": { "groupless": "delete", "groupless_after_minutes": 0 },
            "protect": { "group_wipe_percent": 50 },
        });
        let tenant = with(tenant, overrides);
        tenant.quotas(20, 20).await;
        let mut ids = Vec::new();
        for nth in 0..10 {
            let made = tenant.create(person(&format!("user{nth}"), "user")).await.unwrap();
            ids.push(made.view.id().to_owned());
        }
        let all: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = tenant.group("Crew", &all).await.view.id().to_owned();
        let tick = async |tenant: &Tenant| {
            let work = |tx: &mut store::WriteTx<'_>, rules: &provisioning::Rules| {
                provisioning::due::carry_out(tx, rules, 0, "tick")
            };
            tenant.write(work).await.unwrap().people
        };
        in_group(&tenant, &group, json!([{ "op": "remove", "path": "members" }])).await.unwrap();
        assert_eq!((held(&tenant, &group).await, tick(&tenant).await), (Some(10), 0));
        assert_eq!(state(&tenant, &ids[0]).await.2, "held");
        // With the group goes what waits for it: it is carried out.
        delete(&tenant, &group).await;
        assert_eq!(tick(&tenant).await, 10);
        assert!(tenant.delete(&ids[0]).await.is_err());
    })
    .await;
}
