//! A user and its seat change together or not at all.

use provisioning::{Preconditions, ProvisioningError, Rules, Shown, Write};
use scim_core::{ResourceKind, bulk::Method};
use seat_ledger::State;
use serde_json::{Value, json};
use store::WriteTx;

use crate::support::{Done, Tenant, context, for_each_tenant, is_full, license, person};

#[tokio::test(flavor = "multi_thread")]
async fn s4_a_create_that_gets_no_seat_leaves_nothing() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(1, 0).await;
        tenant.create(person("ann", "admin")).await.unwrap();
        let before = tenant.canonical().await;
        let mut body = person("bob", "admin");
        body["externalId"] = "E".into();
        body["emails"] = json!([{ "value": "bob@x", "type": "work" }]);
        assert!(is_full(&tenant.create(body.clone()).await));
        assert_eq!(tenant.canonical().await, before);
        tenant.quotas(2, 0).await;
        tenant.create(body).await.unwrap();
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_an_edit_that_gets_no_seat_changes_nothing_else_either() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(1, 1).await;
        tenant.create(person("ann", "admin")).await.unwrap();
        let bob = tenant.create(person("bob", "member_lite")).await.unwrap().view.record.id;
        let before = tenant.canonical().await;
        let wanted = json!([
            { "op": "replace", "path": "displayName", "value": "Robert" },
            { "op": "replace", "path": "userName", "value": "robert" },
            { "op": "add", "path": "emails", "value": [{ "value": "bob@x" }] },
            { "op": "replace", "path": "userType", "value": "admin" },
        ]);
        assert!(is_full(&tenant.patch(&bob, wanted).await));
        assert!(is_full(&tenant.put(&bob, person("robert", "admin")).await));
        assert_eq!(tenant.canonical().await, before);
        // Nor does a reactivation for which no seat is left.
        tenant.patch(&bob, json!([{ "op": "replace", "path": "active", "value": false }])).await.unwrap();
        tenant.create(person("eve", "member_lite")).await.unwrap();
        let before = tenant.canonical().await;
        let back = json!([{ "op": "replace", "value": { "active": "True", "title": "x" } }]);
        assert!(is_full(&tenant.patch(&bob, back).await));
        assert_eq!(tenant.canonical().await, before);
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_me16_me18_a_suspended_user_holds_no_seat_and_asks_again_when_it_returns() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(1, 1).await;
        let ann = tenant.create(person("ann", "member")).await.unwrap().view.record.id;
        let active = |value: &str| json!([{ "op": "Replace", "path": "active", "value": value }]);
        let gone = tenant.patch(&ann, active("False")).await.unwrap().view;
        assert_eq!(gone.seat.map(|seat| (seat.state, seat.granted)), Some((State::Suspended, None)));
        tenant.create(person("bob", "member")).await.unwrap();
        let back = tenant.patch(&ann, active("True")).await.unwrap().view;
        let seat = back.seat.unwrap();
        assert_eq!((seat.requested, seat.granted), (license("member"), Some(license("member_lite"))));
        assert_eq!(back.record.id, ann);
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s6_a_promoted_user_gets_a_new_version_and_a_change_record() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(1, 3).await;
        let ann = tenant.create(person("ann", "member")).await.unwrap().view.record.id;
        let mut waiting = Vec::new();
        for name in ["bob", "eve", "joe"] {
            waiting.push(tenant.create(person(name, "member")).await.unwrap().view.record.id);
        }
        // Each frees or adds one seat in another way.
        tenant
            .patch(&ann, json!([{ "op": "replace", "path": "userType", "value": "member_lite" }]))
            .await
            .unwrap();
        tenant.delete(&waiting[0]).await.unwrap();
        tenant.quotas(2, 3).await;
        for id in &waiting[1..] {
            let view = tenant.get(id).await;
            assert_eq!((view.record.version, view.seat.unwrap().state), (2, State::Granted));
            assert!(view.record.modified_ms >= view.record.created_ms);
            let changes = tenant.changes(id).await;
            assert_eq!((changes[1].kind.as_str(), changes[1].version), ("user.promoted", 2));
            let detail: serde_json::Value = serde_json::from_str(&changes[1].detail).unwrap();
            assert_eq!((&detail["license_granted"], &detail["state"]), (&json!("member"), &json!("granted")));
            assert_eq!(changes.len(), 2);
        }
        let kinds: Vec<_> = tenant.changes(&waiting[0]).await.into_iter().map(|change| change.kind).collect();
        assert_eq!(kinds, ["user.created", "user.promoted", "user.deleted"]);
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mo4_a_forced_sync_changes_nothing() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(1, 2).await;
        let mut all = Vec::new();
        for (name, class) in [("ann", "Member"), ("bob", "user"), ("eve", "Employee")] {
            let mut body = person(name, class);
            body["emails"] = json!([{ "value": "a@x", "type": "work", "primary": true }]);
            body["name"] = json!({ "givenName": name });
            all.push((tenant.create(body.clone()).await.unwrap().view.record.id, body));
        }
        let before = tenant.canonical().await;
        for (id, body) in &all {
            assert!(!tenant.put(id, body.clone()).await.unwrap().changed);
            let mut whole = body.clone();
            whole.as_object_mut().unwrap().remove("schemas");
            let written = tenant.patch(id, json!([{ "op": "replace", "value": whole }])).await.unwrap();
            assert!(!written.changed && written.seats.is_empty());
        }
        assert_eq!(tenant.canonical().await, before);
    })
    .await;
}

fn run(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    method: Method,
    id: &str,
    body: Value,
    conditions: &Preconditions,
) -> Done<provisioning::Done> {
    let context = &mut context(rules);
    Write::new(ResourceKind::User, method, Some(id.to_owned()), body, context)?.run(
        tx,
        Shown::Links,
        conditions,
        context,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_on_a_stale_version_changes_nothing() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(0, 2).await;
        let ann = tenant.create(person("ann", "")).await.unwrap().view.record.id;
        let before = tenant.canonical().await;
        let stale = Preconditions { if_match: Some("W/\"7\"".into()), if_none_match: None };
        let (id, conditions) = (ann.clone(), stale.clone());
        let deleted = tenant
            .write(move |tx, rules| run(tx, rules, Method::Delete, &id, Value::Null, &conditions))
            .await;
        assert!(
            matches!(deleted, Err(ProvisioningError::PreconditionFailed { current }) if current == "W/\"1\"")
        );
        let id = ann.clone();
        let edited = tenant.write(move |tx, rules| {
            let body: Value = person("anna", "");
            run(tx, rules, Method::Put, &id, body, &stale)
        });
        assert!(matches!(edited.await, Err(ProvisioningError::PreconditionFailed { .. })));
        assert_eq!(tenant.canonical().await, before);
        assert!(matches!(tenant.delete("no-such-id").await, Err(ProvisioningError::NotFound("User"))));
    })
    .await;
}
