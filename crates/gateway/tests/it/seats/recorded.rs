//! What the change record of each write tells of role and seat.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::lite;
use crate::running::{acme, replace, user_body};

/// The changes of a resource, newest first, as the command line shows them.
fn story(gateway: &Gateway, tenant: &Tenant, id: &str) -> Value {
    let Tenant { region, key, .. } = tenant;
    let words = ["tenant", "changes", "--region", region, "--key", key, "--resource", id, "--json"];
    serde_json::from_str(&gateway.cli_ok(&words)).unwrap()
}

#[test]
fn mo6_the_change_log_tells_which_role_became_which() {
    let (gateway, acme) = acme(Some(2), Some(2));
    let id = lite(&acme, "ada");
    let changed = acme.patch(&format!("/Users/{id}"), &replace("userType", "admin")).expect(200);
    let log = story(&gateway, &acme, &id);
    assert_eq!(log[0]["request_id"], changed.header("x-request-id").unwrap());
    assert!(acme.token.contains(log[0]["credential"].as_str().unwrap()), "{}", log[0]);
    let told = |change: &Value| {
        let mut told = change.as_object().unwrap().clone();
        for name in ["number", "at", "request_id", "credential"] {
            assert!(told.remove(name).is_some_and(|value| !value.is_null()), "{name} of {change}");
        }
        Value::Object(told)
    };
    let changed = json!({
        "kind": "user.changed", "resource_id": id, "version": 2, "actor": null, "detail": {},
        "operation": "patch", "result": "applied", "changed": ["userType"],
        "role_received": "mapped", "role_source": "userType", "role_before": "member_lite", "role_after": "admin",
        "license_before": "member_lite", "license_requested": "member", "license_granted": "member",
        "state": "granted", "profile": "default@1",
    });
    assert_eq!(told(&log[0]), changed);
    let created = json!({
        "kind": "user.created", "resource_id": id, "version": 1, "actor": null, "detail": {},
        "operation": "create", "result": "applied", "changed": null,
        "role_received": "mapped", "role_source": "userType", "role_before": null, "role_after": "member_lite",
        "license_before": null, "license_requested": "member_lite", "license_granted": "member_lite",
        "state": "granted", "profile": "default@1",
    });
    assert_eq!(told(&log[1]), created);
    acme.delete(&format!("/Users/{id}")).expect(204);
    let deleted = &story(&gateway, &acme, &id)[0];
    assert_eq!(
        ["kind", "operation", "result", "role_before", "role_after", "license_before", "license_granted"]
            .map(|name| &deleted[name]),
        [
            &json!("user.deleted"),
            &json!("delete"),
            &json!("applied"),
            &json!("admin"),
            &Value::Null,
            &json!("member"),
            &Value::Null
        ]
    );
}

#[test]
fn mo13_whether_the_role_was_absent_empty_mapped_or_unmapped_is_recorded_with_what_became_of_it() {
    let (gateway, acme) = acme(Some(2), Some(2));
    let id = acme.create_user("ada", "user").expect(201).id();
    let path = format!("/Users/{id}");
    let put = |more: Value| {
        let mut body = user_body(&more);
        body["userName"] = "ada".into();
        acme.put(&path, &body).expect(200)
    };
    let recorded = |kind: &str| {
        let change = story(&gateway, &acme, &id)[0].clone();
        assert_eq!(change["kind"], "user.changed", "{kind}");
        ["operation", "role_received", "role_source", "role_before", "role_after"]
            .map(|name| change[name].as_str().unwrap_or("null").to_owned())
    };
    // Absent: the role stays, with PUT and with PATCH.
    let kept = put(json!({ "title": "Dr" }));
    assert_eq!(kept.body["userType"], "user");
    assert_eq!(recorded("PUT"), ["replace", "absent", "userType", "member", "member"]);
    acme.patch(&path, &replace("title", "Prof")).expect(200);
    assert_eq!(recorded("PATCH"), ["patch", "absent", "userType", "member", "member"]);
    // What no source knows is kept and means the default role.
    put(json!({ "userType": "Employee" }));
    assert_eq!(recorded("unmapped"), ["replace", "unmapped", "default", "member", "member_lite"]);
    put(json!({ "userType": "USER" }));
    assert_eq!(recorded("mapped"), ["replace", "mapped", "userType", "member_lite", "member"]);
    // Empty clears it, as null, as "" and by PATCH.
    for empty in
        [json!({ "userType": "" }), json!({ "userType": null }), json!({ "roles": [], "userType": "" })]
    {
        put(empty);
        assert_eq!(recorded("empty"), ["replace", "empty", "default", "member", "member_lite"]);
        put(json!({ "userType": "user" }));
    }
    acme.patch(&path, &json!([{ "op": "remove", "path": "userType" }])).expect(200);
    assert_eq!(recorded("remove"), ["patch", "empty", "default", "member", "member_lite"]);
    // A request that changes nothing has no record.
    put(json!({ "title": "Prof" }));
    let before = story(&gateway, &acme, &id).as_array().unwrap().len();
    put(json!({ "title": "Prof" }));
    acme.patch(&path, &replace("title", "Prof")).expect(200);
    assert_eq!(story(&gateway, &acme, &id).as_array().unwrap().len(), before);
    gateway.audit(&acme);
}
