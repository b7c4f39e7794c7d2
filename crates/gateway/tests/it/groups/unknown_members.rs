//! IO9: a member with an id that is not here. One defined answer, and a switch for tenants whose provider does not resend.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use crate::running::{GROUP, members, new_group, onboarded, roomy};

const NOBODY: &str = "0190a0a0-0000-7000-8000-00000000dead";

/// A group with one member, and every form of a change that adds an existing user beside an unknown one.
fn shapes(tenant: &Tenant) -> (String, String, Vec<Value>) {
    let ada = tenant.create_user("ada", "").expect(201).id();
    let grace = tenant.create_user("grace", "").expect(201).id();
    let crew = new_group(tenant, "Crew", &[&ada]);
    let both = json!([{ "value": NOBODY }, { "value": grace }]);
    let shapes = vec![
        json!([{ "op": "add", "path": "members", "value": both }]),
        json!([{ "op": "replace", "path": "members", "value": both }]),
        json!([{ "op": "replace", "value": { "members": both } }]),
    ];
    (crew, grace, shapes)
}

#[test]
fn io9_an_unknown_member_is_named_and_nothing_changes() {
    let (_gateway, acme) = roomy();
    let (crew, grace, shapes) = shapes(&acme);
    let path = format!("/Groups/{crew}");
    let before = acme.get(&path).expect(200).body;
    let refused = |answer: testkit::http::Answer| {
        let refused = answer.expect_error(400, "invalidValue");
        assert!(refused.body["detail"].as_str().unwrap().contains(NOBODY), "{}", refused.text);
    };
    for shape in &shapes {
        refused(acme.patch(&path, shape));
    }
    let body = json!({ "schemas": [GROUP], "displayName": "New", "members": [{ "value": NOBODY }, { "value": grace }] });
    refused(acme.put(&path, &body));
    refused(acme.post("/Groups", &body));
    assert_eq!(acme.get(&path).expect(200).body, before);
    assert_eq!(acme.get("/Groups").expect(200).body["totalResults"], 1);
}

#[test]
fn io9_a_tenant_that_chose_skip_gets_the_rest_applied_and_the_ids_logged() {
    let (gateway, acme) = onboarded(&json!({
        "key": "acme", "name": "Acme", "seats": { "member": null, "member_lite": null },
        "settings": { "unknown_members": "skip" },
    }));
    let (crew, grace, shapes) = shapes(&acme);
    let path = format!("/Groups/{crew}");
    for shape in &shapes {
        acme.patch(&path, shape).expect(204);
        assert!(
            members(&acme, &crew).contains(&grace) && !members(&acme, &crew).contains(&NOBODY.to_owned())
        );
    }
    let body = json!({ "schemas": [GROUP], "displayName": "New", "members": [{ "value": NOBODY }, { "value": grace }] });
    let made = acme.post("/Groups", &body).expect(201);
    assert_eq!(members(&acme, &made.id()), [grace]);
    assert!(gateway.log().contains(NOBODY), "the skipped id is not in the log");
}

#[test]
fn io9_the_switch_takes_effect_on_a_running_gateway() {
    let (gateway, acme) = roomy();
    let (crew, _, shapes) = shapes(&acme);
    let path = format!("/Groups/{crew}");
    acme.patch(&path, &shapes[0]).expect_error(400, "invalidValue");
    set(&gateway, &acme, "skip");
    acme.patch(&path, &shapes[0]).expect(204);
    set(&gateway, &acme, "refuse");
    acme.patch(&path, &shapes[0]).expect_error(400, "invalidValue");
}

fn set(gateway: &Gateway, tenant: &Tenant, rule: &str) {
    let body = json!({ "settings": { "unknown_members": rule } });
    gateway.admin("PATCH", &tenant.admin_path(), Some(&body)).expect(200);
}
