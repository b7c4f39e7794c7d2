//! People of two origins under the policies that a profile can choose, on both databases.

use std::{collections::BTreeSet, sync::Arc};

use directory::{Origin, memberships::groupless as rows};
use profiles::{Overrides, Profile};
use provisioning::{
    Product, ProvisioningError, groupless,
    people::{self, NewPerson, PersonChange},
    roster::{self, Person},
    view::View,
};
use scim_core::{ResourceKind, ScimType, urn};
use serde_json::{Value, json};

use crate::support::{Done, Request, Tenant, act, context, for_each_tenant, patch_body, person};

/// The tenant under the default profile with these overrides.
pub(crate) fn with(mut tenant: Tenant, overrides: Value) -> Tenant {
    let Value::Object(overrides) = overrides else { panic!("overrides are an object") };
    let profile = Profile::built_in("default").unwrap().with(&Overrides(overrides)).unwrap();
    tenant.rules.product = Arc::new(Product::new(profile, 1).unwrap());
    tenant
}

/// Somebody whom staff add.
async fn local(tenant: &Tenant, user_name: &str, role: Option<&str>) -> Person {
    let new = NewPerson {
        user_name: user_name.to_owned(),
        role: role.map(str::to_owned),
        external_id: Some(format!("ext-{user_name}")),
        email: Some(format!("{user_name}@acme.example")),
    };
    tenant.write(move |tx, rules| people::add(tx, rules, &new, &act())).await.unwrap()
}

pub(crate) async fn set(tenant: &Tenant, id: &str, change: PersonChange) -> Person {
    let id = id.to_owned();
    tenant.write(move |tx, rules| people::set(tx, rules, &id, &change, &act())).await.unwrap()
}

async fn release(tenant: &Tenant, id: &str) -> Person {
    let id = id.to_owned();
    tenant.write(move |tx, rules| people::release(tx, rules, &id, &act())).await.unwrap()
}

fn role(role: &str) -> PersonChange {
    PersonChange { role: Some(role.to_owned()), active: None }
}

pub(crate) async fn seen(tenant: &Tenant, id: &str) -> Person {
    let (rules, id) = (tenant.rules.clone(), id.to_owned());
    tenant.read(move |tx| roster::person(tx, &rules, &id)).await
}

fn shown(tenant: &Tenant, view: &View) -> Value {
    Value::Object(provisioning::render::resource(&tenant.rules, view).unwrap())
}

pub(crate) fn replace(path: &str, value: Value) -> Value {
    json!([{ "op": "replace", "path": path, "value": value }])
}

pub(crate) async fn in_group(tenant: &Tenant, group: &str, operations: Value) -> Done<Vec<String>> {
    let request = Request::Patch(group.to_owned(), patch_body(&operations));
    let kind = ResourceKind::Group;
    tenant
        .write(move |tx, rules| Ok(request.run(tx, rules, kind, provisioning::Shown::Version)?.skipped))
        .await
}

#[track_caller]
fn refused<T: std::fmt::Debug>(done: Done<T>, keyword: ScimType) {
    match done {
        Err(ProvisioningError::Scim(error)) => {
            assert_eq!((error.status, error.scim_type), (403, Some(keyword)), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn cx20_who_was_assigned_before_is_found_by_user_name_then_external_id_then_address_and_linked() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant =
            with(tenant, json!({ "matching": { "adopt": ["userName", "externalId", "emails.value"] } }));
        tenant.quotas(9, 9).await;
        for (name, sent) in [
            ("ann", json!({ "userName": "ANN" })),
            ("bob", json!({ "userName": "robert", "externalId": "ext-bob" })),
            ("cid", json!({ "userName": "cedric", "emails": [{ "value": "CID@acme.example" }] })),
        ] {
            let before = local(&tenant, name, None).await;
            assert_eq!((before.origin, before.role_from.as_str()), ("LOCAL", "default"));
            let mut body = sent;
            body["userType"] = json!("user");
            let linked = tenant.create(body.clone()).await.unwrap();
            assert_eq!(linked.view.id(), before.id, "{name}");
            let now = seen(&tenant, &before.id).await;
            assert_eq!((now.origin, now.role.as_deref()), ("IDP", Some("member")));
            assert_eq!(json!(now.user_name), body["userName"]);
            let kinds: Vec<String> = tenant.changes(&before.id).await.into_iter().map(|c| c.kind).collect();
            assert_eq!(kinds, ["user.created", "user.linked"]);
        }
        // Two people of staff with one address: neither is taken over.
        for name in ["dee", "eve"] {
            local(&tenant, name, None).await;
        }
        let shared = json!([{ "value": "dee@acme.example" }, { "value": "eve@acme.example" }]);
        let new = tenant.create(json!({ "userName": "new", "emails": shared })).await.unwrap();
        assert_eq!(new.view.record.origin, Origin::Idp);
        assert_eq!(seen(&tenant, new.view.id()).await.user_name, "new");
        // Somebody of the identity provider is never taken over.
        assert!(tenant.create(json!({ "userName": "ann" })).await.is_err());
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn io18_cx24_who_is_deleted_is_archived_and_the_same_user_name_gets_the_old_id_back() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = with(tenant, json!({ "leaving": { "deleted": "archive", "recreate": "revive" } }));
        tenant.quotas(1, 9).await;
        let first = tenant.create(person("ann", "user")).await.unwrap();
        let id = first.view.id().to_owned();
        tenant.group("Crew", &[&id]).await;
        tenant.delete(&id).await.unwrap();
        assert!(matches!(tenant.delete(&id).await, Err(ProvisioningError::NotFound(_))));
        // The seat is free, and no list, total or key meets the archived person.
        let bob = tenant.create(person("bob", "user")).await.unwrap();
        assert_eq!(bob.seats[0].1, "granted");
        tenant.assert_adds_up().await;
        tenant.delete(bob.view.id()).await.unwrap();

        let again = tenant.create(person("ANN", "user")).await.unwrap();
        assert_eq!(again.view.id(), id);
        assert!(again.view.version() > first.view.version());
        assert_eq!(again.view.record.created_ms, first.view.record.created_ms);
        let now = seen(&tenant, &id).await;
        assert_eq!((now.user_name.as_str(), now.groups.len()), ("ANN", 0));
        assert_eq!(now.license.unwrap().state, "granted");
        let kinds: Vec<String> = tenant.changes(&id).await.into_iter().map(|c| c.kind).collect();
        assert_eq!(kinds, ["user.created", "user.deleted", "user.revived"]);
        // While the person lives the name is taken as ever.
        assert!(tenant.create(person("ann", "user")).await.is_err());
        tenant.assert_adds_up().await;

        // Under `new` the archived person stays away.
        tenant.delete(&id).await.unwrap();
        let anew = with(tenant.clone(), json!({ "leaving": { "deleted": "archive" } }));
        assert_ne!(anew.create(person("ann", "user")).await.unwrap().view.id(), id);
    })
    .await;
}

#[tokio::test]
async fn cx13_cx14_under_idp_the_next_write_that_carries_the_source_puts_the_role_back() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(9, 9).await;
        let ann = tenant.create(person("ann", "user")).await.unwrap();
        let id = ann.view.id().to_owned();
        let now = set(&tenant, &id, role("member_lite")).await;
        assert_eq!((now.role.as_deref(), now.role_from.as_str()), (Some("member_lite"), "local"));
        let sent = now.idp.unwrap();
        assert_eq!((sent.role.as_str(), sent.active), ("member", true));
        // A write that does not carry it leaves the role alone.
        let view = tenant.patch(&id, replace("title", json!("Dr"))).await.unwrap().view;
        assert!(view.version() > ann.view.version() + 1);
        let told = shown(&tenant, &view);
        assert_eq!((&told[urn::SEAT]["role"], &told["userType"]), (&json!("member_lite"), &json!("user")));
        assert!(told[urn::SEAT]["reason"].as_str().unwrap().contains("Staff"), "{told}");
        // One that does puts it back, with an equal value too, and once.
        let back = tenant.patch(&id, replace("userType", json!("user"))).await.unwrap();
        let now = seen(&tenant, &id).await;
        assert_eq!((now.role.as_deref(), now.role_from.as_str()), (Some("member"), "userType"));
        let again = tenant.put(&id, person("ann", "user")).await.unwrap();
        assert_eq!(again.view.version(), back.view.version() + 1, "the title is gone");
        // The same of active.
        let off = PersonChange { role: None, active: Some(false) };
        assert!(!set(&tenant, &id, off).await.active);
        assert_eq!(tenant.get(&id).await.record.parse().unwrap().bool("active"), Some(false));
        tenant.patch(&id, replace("active", json!(true))).await.unwrap();
        assert!(seen(&tenant, &id).await.active);
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn cx14_under_local_until_released_what_is_sent_is_echoed_the_role_stays_and_a_release_applies_it() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = with(tenant, json!({ "local": { "wins": "local_until_released" } }));
        tenant.quotas(9, 9).await;
        let id = tenant.create(person("ann", "user")).await.unwrap().view.id().to_owned();
        set(&tenant, &id, role("member_lite")).await;
        set(&tenant, &id, PersonChange { role: None, active: Some(false) }).await;
        let sent = json!({ "userName": "ann", "userType": "admin", "active": true });
        let told = shown(&tenant, &tenant.put(&id, sent).await.unwrap().view);
        assert_eq!((&told["userType"], &told["active"]), (&json!("admin"), &json!(true)));
        let seat = &told[urn::SEAT];
        assert_eq!((&seat["role"], &seat["state"]), (&json!("member_lite"), &json!("suspended")));
        assert!(seat["reason"].as_str().unwrap().contains("release"), "{seat}");
        tenant.assert_adds_up().await;
        let now = seen(&tenant, &id).await;
        assert!(!now.active && now.idp.unwrap().active);

        let now = release(&tenant, &id).await;
        assert_eq!((now.role.as_deref(), now.active, now.idp.is_none()), (Some("admin"), true, true));
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn cx22_and_cx23_deactivated_frees_the_seat_and_reactivated_comes_back_with_the_free_role_in_the_same_groups()
 {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = with(tenant, json!({ "leaving": { "on_reactivate": "lowest" } }));
        tenant.quotas(1, 9).await;
        let id = tenant.create(person("ann", "user")).await.unwrap().view.id().to_owned();
        tenant.group("Crew", &[&id]).await;
        tenant.patch(&id, replace("active", json!(false))).await.unwrap();
        let bob = tenant.create(person("bob", "user")).await.unwrap();
        assert_eq!(bob.seats[0].1, "granted", "CX22: the seat was free at once");
        tenant.delete(bob.view.id()).await.unwrap();

        let back = tenant.patch(&id, replace("active", json!(true))).await.unwrap();
        let told = shown(&tenant, &back.view);
        assert_eq!((&told["userType"], &told[urn::SEAT]["role"]), (&json!("user"), &json!("member_lite")));
        assert_eq!(told["groups"].as_array().map(Vec::len), Some(1), "memberships are kept");
        assert!(told[urn::SEAT]["reason"].is_string());
        assert_eq!(seen(&tenant, &id).await.role_from, "default");
        // Seated again, with the value that the document has.
        tenant.patch(&id, replace("userType", json!("user"))).await.unwrap();
        assert_eq!(seen(&tenant, &id).await.role.as_deref(), Some("member"));
        // With the source in the same request it is the one that is sent.
        tenant.patch(&id, replace("active", json!(false))).await.unwrap();
        tenant.put(&id, json!({ "userName": "ann", "userType": "user", "active": true })).await.unwrap();
        assert_eq!(seen(&tenant, &id).await.role.as_deref(), Some("member"));
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn io17_members_of_staff_are_skipped_and_named_and_the_rest_is_applied() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = with(tenant, json!({ "members": { "foreign_origin": "skip" } }));
        tenant.quotas(9, 9).await;
        let staff = local(&tenant, "staff", None).await.id;
        let ids: Vec<String> = {
            let mut ids = Vec::new();
            for name in ["a", "b", "c", "d"] {
                ids.push(tenant.create(person(name, "user")).await.unwrap().view.id().to_owned());
            }
            ids
        };
        let group = tenant.group("Crew", &[&ids[0], &staff]).await;
        let group = group.view.id().to_owned();
        let members = |ids: &[&String]| ids.iter().map(|id| json!({ "value": id })).collect::<Value>();
        let few = json!([{ "op": "add", "path": "members", "value": members(&[&staff, &ids[1]]) }]);
        assert_eq!(in_group(&tenant, &group, few).await.unwrap(), std::slice::from_ref(&staff));
        let many = members(&[&ids[1], &ids[2], &ids[3], &staff, &ids[0]]);
        let all = json!([{ "op": "replace", "path": "members", "value": many }]);
        assert_eq!(in_group(&tenant, &group, all).await.unwrap(), std::slice::from_ref(&staff));
        let rules = tenant.rules.clone();
        let shown = tenant.read(move |tx| roster::group(tx, &rules, &group)).await;
        let there: BTreeSet<String> = shown.members.unwrap().into_iter().map(|m| m.id).collect();
        assert_eq!(there, BTreeSet::from_iter(ids));
    })
    .await;
}

#[tokio::test]
async fn a_protected_person_is_never_deleted_lowered_or_suspended_and_what_is_sent_is_held() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = with(tenant, json!({ "protect": { "users": ["Root"] } }));
        tenant.quotas(9, 9).await;
        let id = tenant.create(person("root", "admin")).await.unwrap().view.id().to_owned();
        refused(tenant.delete(&id).await, ScimType::ProtectedUser);
        for sent in [replace("active", json!(false)), replace("userType", json!("member_lite"))] {
            let told = shown(&tenant, &tenant.patch(&id, sent).await.unwrap().view);
            let seat = &told[urn::SEAT];
            assert_eq!((&seat["state"], &seat["role"]), (&json!("held"), &json!("admin")), "{told}");
            assert_eq!((&told["active"], &seat["grantedLicense"]), (&json!(false), &json!("member")));
            assert!(seat["reason"].as_str().unwrap().contains("protected"));
            tenant.assert_adds_up().await;
        }
        assert_eq!(seen(&tenant, &id).await.license.unwrap().state, "held");
        let now = release(&tenant, &id).await;
        assert_eq!((now.active, now.role.as_deref()), (false, Some("member_lite")));
        assert_eq!(now.license.unwrap().state, "suspended");
        tenant.assert_adds_up().await;
        // Others are not protected, and the person may be raised and edited as ever.
        let other = tenant.create(person("other", "user")).await.unwrap();
        tenant.delete(other.view.id()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn mo11_the_last_admin_is_refused_to_go_and_nothing_is_written() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = with(tenant, json!({ "protect": { "last_admin": "refuse" } }));
        tenant.quotas(9, 9).await;
        let ann = tenant.create(person("ann", "admin")).await.unwrap().view.id().to_owned();
        let before = tenant.canonical().await;
        refused(tenant.delete(&ann).await, ScimType::LastAdmin);
        refused(tenant.patch(&ann, replace("active", json!(false))).await, ScimType::LastAdmin);
        refused(tenant.put(&ann, person("ann", "user")).await, ScimType::LastAdmin);
        assert_eq!(tenant.canonical().await, before);
        // With another one the first may go, and then that one is the last.
        let bob = tenant.create(person("bob", "admin")).await.unwrap().view.id().to_owned();
        tenant.put(&ann, person("ann", "user")).await.unwrap();
        refused(tenant.delete(&bob).await, ScimType::LastAdmin);
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn mo11_under_hold_the_last_admin_stays_until_there_is_another() {
    for_each_tenant(async |tenant: Tenant| {
        let tenant = with(tenant, json!({ "protect": { "last_admin": "hold" } }));
        tenant.quotas(9, 9).await;
        let ann = tenant.create(person("ann", "admin")).await.unwrap().view.id().to_owned();
        let told = shown(&tenant, &tenant.patch(&ann, replace("active", json!(false))).await.unwrap().view);
        assert_eq!((&told["active"], &told[urn::SEAT]["state"]), (&json!(false), &json!("held")));
        let now = seen(&tenant, &ann).await;
        assert_eq!(
            (now.role.as_deref(), now.license.unwrap().granted.as_deref()),
            (Some("admin"), Some("member"))
        );
        tenant.assert_adds_up().await;
        tenant.create(person("bob", "admin")).await.unwrap();
        let now = seen(&tenant, &ann).await;
        assert_eq!((now.active, now.license.unwrap().state), (false, "suspended"));
        let told = shown(&tenant, &tenant.get(&ann).await);
        assert_eq!(told[urn::SEAT]["state"], "suspended");
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn io11_io12_who_left_the_last_group_is_due_after_the_delay_and_nobody_else() {
    for_each_tenant(async |tenant: Tenant| {
        let overrides = json!({ "leaving": { "groupless": "delete" }, "protect": { "users": ["root"] } });
        let tenant = with(tenant, overrides);
        tenant.quotas(99, 99).await;
        let mut ids = Vec::new();
        for name in ["leaver", "mover", "stayer", "root", "never"] {
            ids.push(tenant.create(person(name, "user")).await.unwrap().view.id().to_owned());
        }
        let staff = local(&tenant, "staff", None).await.id;
        let in_it: Vec<&str> = ids[..4].iter().map(String::as_str).chain([staff.as_str()]).collect();
        let a = tenant.group("A", &in_it).await.view.id().to_owned();
        let b = tenant.group("B", &[&ids[2]]).await.view.id().to_owned();
        let rules = tenant.rules.clone();
        let next = |tenant: &Tenant| {
            let (tenant, rules) = (tenant.clone(), rules.clone());
            async move { tenant.read(move |tx| groupless::next_due(tx, &rules)).await }
        };
        assert_eq!(next(&tenant).await, None);
        in_group(&tenant, &a, json!([{ "op": "remove", "path": "members" }])).await.unwrap();
        let due_ms = next(&tenant).await.unwrap();
        let due = |tenant: &Tenant, now| {
            let (tenant, rules) = (tenant.clone(), rules.clone());
            async move { tenant.read(move |tx| groupless::due(tx, &rules, now)).await }
        };
        assert_eq!(due(&tenant, due_ms - 1).await, [""; 0]);
        // Moved from A to B within the delay: stays.
        let moved = json!([{ "op": "add", "path": "members", "value": [{ "value": ids[1] }] }]);
        in_group(&tenant, &b, moved).await.unwrap();
        let later = due_ms + 1000;
        let act = move |tx: &mut store::WriteTx<'_>, rules: &provisioning::Rules| {
            groupless::carry_out(tx, rules, later, "tick")
        };
        assert_eq!(
            tenant.write(act).await.unwrap().people,
            2,
            "the leaver, and the protected one, who is let off"
        );
        assert_eq!(next(&tenant).await, None);
        let wanted = roster::Wanted::default();
        let rules = tenant.rules.clone();
        let left = tenant.read(move |tx| roster::people(tx, &rules, &wanted, None, 99)).await;
        let names: BTreeSet<String> = left.into_iter().map(|p| p.user_name).collect();
        assert_eq!(names, ["mover", "stayer", "root", "never", "staff"].map(str::to_owned).into());

        // A deleted group lets its members go as well, and they can be suspended instead.
        let tenant = with(tenant, json!({ "leaving": { "groupless": "suspend" } }));
        let kind = ResourceKind::Group;
        let gone = Request::Delete(b);
        tenant
            .write(move |tx, rules| gone.run(tx, rules, kind, provisioning::Shown::Version).map(drop))
            .await
            .unwrap();
        let later = due_ms + 3_600_000;
        let act = move |tx: &mut store::WriteTx<'_>, rules: &provisioning::Rules| {
            groupless::carry_out(tx, rules, later, "tick")
        };
        assert_eq!(tenant.write(act).await.unwrap().people, 2);
        for id in &ids[1..3] {
            let now = seen(&tenant, id).await;
            assert_eq!((now.active, now.license.unwrap().state), (false, "suspended"));
        }
        assert_eq!(tenant.write(act).await.unwrap().people, 0);
        assert_eq!(tenant.read(|tx| Ok(rows::first_ms(tx)?)).await, None);
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test]
async fn a_bulk_that_takes_somebody_over_refers_to_the_old_id() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(9, 9).await;
        let ann = local(&tenant, "ann", None).await.id;
        let group =
            json!({ "schemas": [urn::GROUP], "displayName": "Crew", "members": [{ "value": "bulkId:ann" }] });
        let body = json!({
            "schemas": [urn::BULK_REQUEST],
            "Operations": [
                { "method": "POST", "path": "/Users", "bulkId": "ann", "data": person("ann", "user") },
                { "method": "POST", "path": "/Groups", "bulkId": "crew", "data": group },
            ],
        });
        let groups = tenant
            .write(move |tx, rules| {
                let mut context = context(rules);
                let request = scim_core::bulk::BulkRequest::parse(body, &mut context.tolerance);
                let mut bulk = provisioning::bulk::Bulk::new(request.unwrap());
                while bulk.goes_on() {
                    bulk.step(tx, &context, || false)?;
                    for (_, outcome) in bulk.take_step().outcomes {
                        outcome.result?;
                    }
                }
                roster::groups(tx, rules, None, 9)
            })
            .await
            .unwrap();
        let id = groups[0].id.clone();
        let rules = tenant.rules.clone();
        let crew = tenant.read(move |tx| roster::group(tx, &rules, &id)).await;
        assert_eq!(crew.members.unwrap()[0].id, ann);
    })
    .await;
}
