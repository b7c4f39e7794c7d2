//! The attribute that carries role and license: absent keeps, empty goes to the default, and only it moves a license.

use provisioning::{Product, TENANT_MIGRATIONS};
use seat_ledger::License;
use serde_json::json;
use testkit::stores::on_each_store;

use crate::support::{Done, Tenant, Written, for_each_tenant, person};

fn license(written: Done<Written>) -> (License, String) {
    let seat = written.unwrap().view.seat.unwrap();
    assert_eq!(seat.granted, Some(seat.requested.clone()));
    (seat.requested, seat.role)
}

fn member() -> (License, String) {
    (crate::support::license("member"), "member".to_owned())
}

fn lite() -> (License, String) {
    (crate::support::license("member_lite"), "member_lite".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn mo13_an_absent_class_is_kept_and_an_empty_one_means_the_default() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(9, 9).await;
        let id = tenant.create(person("ann", "user")).await.unwrap().view.record.id;
        let mut absent = person("ann", "");
        absent.as_object_mut().unwrap().remove("userType");
        absent["title"] = "Dr".into();
        let kept = tenant.put(&id, absent).await;
        assert_eq!(kept.as_ref().unwrap().view.record.parse().unwrap().str("userType"), Some("user"));
        assert_eq!(license(kept), member());
        let other = json!([{ "op": "replace", "path": "title", "value": "Prof" }]);
        assert_eq!(license(tenant.patch(&id, other).await), member());
        for empty in [json!(null), json!("")] {
            // Sent empty it is cleared, in every verb (table of disagreements).
            let mut body = person("ann", "user");
            assert_eq!(license(tenant.put(&id, body.clone()).await), member());
            body["userType"] = empty.clone();
            assert_eq!(license(tenant.put(&id, body).await), lite());
            assert_eq!(license(tenant.put(&id, person("ann", "user")).await), member());
            let cleared = json!([{ "op": "replace", "path": "userType", "value": empty }]);
            assert_eq!(license(tenant.patch(&id, cleared).await), lite());
        }
        tenant.put(&id, person("ann", "user")).await.unwrap();
        assert_eq!(license(tenant.patch(&id, json!([{ "op": "remove", "path": "userType" }])).await), lite());
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mo3_the_class_is_applied_on_create_put_and_patch() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(9, 9).await;
        let id = tenant.create(person("ann", "Member Lite")).await.unwrap().view.record.id;
        assert_eq!(
            license(tenant.put(&id, person("ann", "ADMIN")).await),
            (crate::support::license("member"), "admin".to_owned())
        );
        let patch = json!([{ "op": "Replace", "value": { "userType": "member-lite" } }]);
        assert_eq!(license(tenant.patch(&id, patch).await), lite());
        let written = tenant.get(&id).await;
        // Requested and granted are two facts: what was sent is echoed as it was sent.
        assert_eq!(written.record.parse().unwrap().str("userType"), Some("member-lite"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mo6_the_log_tells_the_old_class_and_the_new() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(9, 9).await;
        let id = tenant.create(person("ann", "user")).await.unwrap().view.record.id;
        tenant.put(&id, person("ann", "member_lite")).await.unwrap();
        tenant.patch(&id, json!([{ "op": "replace", "path": "title", "value": "x" }])).await.unwrap();
        let details: Vec<serde_json::Value> =
            tenant.changes(&id).await.iter().map(|c| serde_json::from_str(&c.detail).unwrap()).collect();
        assert_eq!(details[0]["license_granted"], "member");
        assert_eq!(
            (&details[1]["role_before"], &details[1]["role_after"]),
            (&json!("member"), &json!("member_lite"))
        );
        assert_eq!(
            (&details[1]["license_before"], &details[1]["license_granted"]),
            (&json!("member"), &json!("member_lite"))
        );
        assert_eq!(
            (&details[2]["changed"], &details[2]["role_received"]),
            (&json!(["title"]), &json!("absent"))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_reads_a_value_differently_moves_nobody_until_the_value_changes() {
    on_each_store(TENANT_MIGRATIONS, async |store| {
        let tenant = Tenant::new(store.clone(), "default");
        tenant.quotas(9, 9).await;
        // Unmapped: kept, and the free license.
        let id = tenant.create(person("ann", "Employee")).await.unwrap().view.record.id;
        let text = profiles::built_in_text("mentimeter").unwrap();
        let text = text.replace("values = { admin", "values = { Employee = \"member\", admin");
        let file = profiles::Profile::parse("mentimeter", &text).unwrap();
        let mut tenant = Tenant::new(store, "default");
        tenant.rules = provisioning::Rules::new(Product::new(file, 1).unwrap());
        let other = json!([{ "op": "replace", "path": "title", "value": "x" }]);
        assert_eq!(license(tenant.patch(&id, other).await), lite());
        let mut body = person("ann", "Employee");
        body["title"] = "y".into();
        assert_eq!(license(tenant.put(&id, body).await), lite());
        assert_eq!(license(tenant.put(&id, person("ann", "employee")).await), member());
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mo9_a_refused_class_changes_nothing_and_one_stored_before_still_allows_other_edits() {
    on_each_store(TENANT_MIGRATIONS, async |store| {
        let lenient = Tenant::new(store.clone(), "default");
        lenient.quotas(9, 9).await;
        let id = lenient.create(person("ann", "Employee")).await.unwrap().view.record.id;
        let tenant = Tenant::new(store, "mentimeter");
        let before = tenant.canonical().await;
        for refused in [
            tenant.create(person("bob", "Employee")).await.map(|_| ()),
            tenant.put(&id, person("ann", "Boss")).await.map(|_| ()),
            tenant
                .patch(&id, json!([{ "op": "add", "path": "userType", "value": "Boss" }]))
                .await
                .map(|_| ()),
        ] {
            match refused {
                Err(provisioning::ProvisioningError::Scim(error)) => assert_eq!(error.status, 400),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(tenant.canonical().await, before);
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        tenant.patch(&id, off).await.unwrap();
        tenant.assert_adds_up().await;
    })
    .await;
}
