//! What is wrong with the writes that come.

use serde_json::{Value, json};

use super::{by_a_clock, codes, region::all, sentence};
use crate::running::{replace, roomy, user_body, wait_for};

const NONE: [&str; 0] = [];

#[test]
fn an_attribute_that_no_schema_knows_is_told_by_its_name() {
    let (gateway, acme) = roomy();
    let create = |attributes: Value| acme.post("/Users", &user_body(&attributes)).expect(201);
    create(json!({ "userName": "ann", "nickName": "Ann" }));
    assert_eq!(codes(&gateway, &acme), NONE);
    create(json!({ "userName": "bob", "usertipe": "member" }));
    assert_eq!(codes(&gateway, &acme), ["unknown_attribute"]);
    let told = sentence(&gateway, &acme, "unknown_attribute");
    assert_eq!(told, "The attribute usertipe is sent, and no schema knows it: its value is not kept.");
}

#[test]
fn a_path_of_a_patch_that_no_schema_knows_is_told_by_its_name_although_it_is_refused() {
    let (gateway, acme) = roomy();
    let path = format!("/Users/{}", acme.create_user("ann", "user").expect(201).id());
    acme.patch(&path, &replace("userType[", "member")).expect(400);
    acme.patch(&path, &replace("nickName", 7)).expect(400);
    assert_eq!(codes(&gateway, &acme), NONE);
    acme.patch(&path, &replace("usertipe", "member")).expect(400);
    assert_eq!(codes(&gateway, &acme), ["unknown_attribute"]);
    let told = sentence(&gateway, &acme, "unknown_attribute");
    assert!(told.starts_with("The attribute usertipe is sent, and no schema knows it"), "{told}");
}

#[test]
fn required_attributes_that_are_missing_are_told_and_other_refusals_are_not() {
    let (gateway, acme) = roomy();
    acme.post("/Users", &user_body(&json!({ "userName": 7 }))).expect(400);
    assert_eq!(codes(&gateway, &acme), NONE);
    acme.post("/Users", &user_body(&json!({ "nickName": "Ann" }))).expect(400);
    assert_eq!(codes(&gateway, &acme), ["required_missing"]);
    let told = sentence(&gateway, &acme, "required_missing");
    assert!(told.contains("required attributes are missing: userName."), "{told}");
}

#[test]
fn s10_near_quarantine_begins_at_half_of_entras_lines() {
    let (clock, gateway, acme) = by_a_clock();
    let refused = |number: usize| {
        let operations: Vec<Value> = (0..number)
            .map(|_| json!({ "method": "DELETE", "path": "/Users/01a00000-0000-7000-8000-000000000000" }))
            .collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": operations,
        });
        acme.post("/Bulk", &body).expect(200);
    };
    [1_000, 1_000, 499].into_iter().for_each(refused);
    assert_eq!(codes(&gateway, &acme), NONE);
    refused(1);
    assert_eq!(codes(&gateway, &acme), ["near_quarantine"]);
    let told = sentence(&gateway, &acme, "near_quarantine");
    assert!(told.starts_with("2500 of 2500 writes were refused in 24 hours."), "{told}");
    // Nobody calls for a day: then it is over, although nobody looks at the tenant anew.
    let is_listed =
        || all(&gateway).iter().any(|(_, codes)| codes.iter().any(|code| code == "near_quarantine"));
    clock.set("+23h");
    wait_for("the row", is_listed);
    clock.set("+26h");
    assert!(!is_listed());
}
