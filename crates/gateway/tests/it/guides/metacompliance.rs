//! MetaCompliance's guide for Okta.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::group;
use crate::{
    people::said,
    products::{create, named, of},
    running::{members, replace},
};

fn meta() -> (Gateway, Tenant) {
    of("metacompliance", &json!({}))
}

/// A whole person.
fn whole(more: &Value) -> Value {
    let mut person = json!({
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [{ "value": "ada@acme.example", "type": "work", "primary": true }],
    });
    person.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    person
}

fn person(tenant: &Tenant, name: &str) -> String {
    create(tenant, name, &whole(&json!({}))).expect(201).id()
}

/// Leaves one of the three actions on.
fn only(gateway: &Gateway, tenant: &Tenant, ticked: &str) {
    let all = ["create", "update", "deactivate"];
    let words = all.map(|feature| format!("{feature}={}", if feature == ticked { "on" } else { "off" }));
    let mut command = vec!["tenant", "set"];
    words.iter().for_each(|word| command.extend(["--feature", word.as_str()]));
    said(gateway, tenant, &command);
}

#[test]
fn mc1_create_update_and_deactivate_each_work_when_only_that_one_is_ticked() {
    let (gateway, meta) = meta();
    only(&gateway, &meta, "create");
    let ada = format!("/Users/{}", person(&meta, "ada"));
    let (title, off) = (replace("title", "Dr"), replace("active", false));
    meta.patch(&ada, &title).expect_error(403, "featureDisabled");
    meta.patch(&ada, &off).expect_error(403, "featureDisabled");
    only(&gateway, &meta, "update");
    assert_eq!(
        meta.put(&ada, &named("ada", &whole(&json!({ "title": "Dr" })))).expect(200).body["title"],
        "Dr"
    );
    create(&meta, "bob", &whole(&json!({}))).expect_error(403, "featureDisabled");
    meta.patch(&ada, &off).expect_error(403, "featureDisabled");
    only(&gateway, &meta, "deactivate");
    assert_eq!(meta.patch(&ada, &off).expect(200).body["active"], false);
    create(&meta, "bob", &whole(&json!({}))).expect_error(403, "featureDisabled");
    meta.patch(&ada, &replace("title", "Prof")).expect_error(403, "featureDisabled");
    gateway.audit(&meta);
}

/// The same caller at another place.
fn at(tenant: &Tenant, from: &str, to: &str) -> Tenant {
    let base_url = tenant.base_url.replacen(from, to, 1);
    assert_ne!(base_url, tenant.base_url);
    let Tenant { token, region, key, .. } = tenant;
    Tenant { base_url, token: token.clone(), region: region.clone(), key: key.clone() }
}

#[test]
fn mc2_the_credential_test_fails_when_token_key_or_region_is_wrong() {
    let (_gateway, meta) = meta();
    let test = "/Users?startIndex=1&count=2";
    meta.get(test).expect(200);
    at(&meta, "/acme/", "/acne/").get(test).expect_error(401, "");
    at(&meta, "/ire/", "/us/").get(test).expect_error(401, "");
    let mut wrong = at(&meta, "/scim/", "//scim/");
    wrong.get(test).expect(200);
    wrong.token = format!("{}x", &meta.token[..meta.token.len() - 1]);
    if wrong.token == meta.token {
        wrong.token = format!("{}y", &meta.token[..meta.token.len() - 1]);
    }
    wrong.get(test).expect_error(401, "");
}

#[test]
fn mc6_an_unknown_key_one_of_another_region_and_another_tenants_token_look_the_same() {
    let (gateway, meta) = meta();
    let other =
        gateway.onboard("us", &json!({ "key": "globex", "name": "Globex", "profile": "metacompliance" }));
    let elsewhere =
        gateway.onboard("ire", &json!({ "key": "initech", "name": "Initech", "profile": "metacompliance" }));
    let wrong = |mut tenant: Tenant| {
        tenant.token = format!("ush_ire_{}", "x".repeat(meta.token.len() - "ush_ire_".len()));
        tenant
    };
    let callers = [
        // A key that nobody has, and one that another region has, without a valid token.
        wrong(at(&meta, "/acme/", "/nobody/")),
        wrong(at(&meta, "/acme/", "/globex/")),
        // The right place without a valid token.
        wrong(at(&meta, "/scim/", "//scim/")),
        // A token of this region at another tenant's key, and at a key that nobody has.
        Tenant { base_url: meta.base_url.clone(), ..at(&elsewhere, "/initech/", "/x/") },
        at(&elsewhere, "/initech/", "/nobody/"),
    ];
    let told: Vec<_> = callers
        .iter()
        .map(|caller| {
            let refused = caller.get("/Users?count=1").expect_error(401, "");
            let header = refused.header("www-authenticate").unwrap().to_owned();
            (refused.text, header)
        })
        .collect();
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    other.get("/Users?count=1").expect(200);
}

#[test]
fn mc10_one_person_is_here_and_so_are_all_members_of_an_assigned_group() {
    let (_gateway, meta) = meta();
    let ada = person(&meta, "ada");
    assert_eq!(meta.get("/Users").expect(200).body["totalResults"], 1);
    // Okta sends each member of an assigned group as a person, and the group when it is pushed.
    let ids = ["bob", "cid", "dan"].map(|name| person(&meta, name));
    assert_eq!(meta.get("/Users").expect(200).body["totalResults"], 4);
    let staff = meta.post("/Groups", &group("Staff", &ids.each_ref().map(String::as_str))).expect(201).id();
    let mut expected = ids.to_vec();
    expected.sort();
    assert_eq!(members(&meta, &staff), expected);
    assert!(!members(&meta, &staff).contains(&ada));
}

#[test]
fn mc18_the_generic_template_works_fully_by_header_and_put() {
    let (gateway, meta) = meta();
    let path = format!("/Users/{}", person(&meta, "ada"));
    let put = |more: Value| meta.put(&path, &named("ada", &whole(&more))).expect(200).body;
    // The wizard's application reads the person, changes what it maps, and sends all of it back.
    let mut read = meta.get(&path).expect(200).body;
    read["title"] = "Dr".into();
    assert_eq!(meta.put(&path, &read).expect(200).body["title"], "Dr");
    assert_eq!(put(json!({ "title": "Prof" }))["title"], "Prof");
    assert_eq!(put(json!({ "active": false }))["active"], false);
    assert_eq!(put(json!({ "active": true }))["active"], true);
    let staff = meta.post("/Groups", &group("Staff", &[])).expect(201).id();
    meta.put(&format!("/Groups/{staff}"), &group("Personnel", &[path.trim_start_matches("/Users/")]))
        .expect(200);
    assert_eq!(members(&meta, &staff).len(), 1);
    gateway.audit(&meta);
}

#[test]
fn mc19_provisioning_needs_no_single_sign_on() {
    let (_gateway, meta) = meta();
    // No externalId, no name identifier: nothing that a sign-on would need.
    let made = create(&meta, "ada", &whole(&json!({}))).expect(201);
    assert_eq!(made.body.get("externalId"), None);
    let path = format!("/Users/{}", made.id());
    meta.patch(&path, &replace("title", "Dr")).expect(200);
    assert_eq!(meta.patch(&path, &replace("active", false)).expect(200).body["active"], false);
}

#[test]
fn mc23_custom_attributes_are_parts_of_the_work_address_also_for_a_person_without_one() {
    let (_gateway, meta) = meta();
    let path = format!("/Users/{}", person(&meta, "ada"));
    let parts = [
        ("country", "IE"),
        ("locality", "Dublin"),
        ("postalCode", "D02"),
        ("region", "Leinster"),
        ("streetAddress", "1 Quay"),
    ];
    let mut expected = json!({ "type": "work" });
    for (part, value) in parts {
        let operation =
            json!([{ "op": "Add", "path": format!("addresses[type eq \"work\"].{part}"), "value": value }]);
        expected[part] = value.into();
        assert_eq!(meta.patch(&path, &operation).expect(200).body["addresses"], json!([expected]), "{part}");
    }
    let made = create(&meta, "bob", &whole(&json!({ "addresses": [expected] }))).expect(201);
    assert_eq!(made.body["addresses"], json!([expected]));
}
