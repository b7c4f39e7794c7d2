//! Mandatory, optional, never stored: which attributes must come, may stay away, and are dropped.

use serde_json::{Value, json};

use crate::running::{ENTERPRISE, gateway_with, replace, roomy, user_body};

#[test]
fn mc12_every_fault_of_a_body_is_named_at_once() {
    let (_gateway, acme) = roomy();
    let missing =
        acme.post("/Users", &user_body(&json!({ "displayName": "A" }))).expect_error(400, "invalidValue");
    assert!(missing.body["detail"].as_str().unwrap().contains("userName"), "{}", missing.text);
    let body = json!({ "userName": "ada", "active": "maybe", "title": 7, "emails": [{ "primary": 3, "value": "a" }] });
    let wrong = acme.post("/Users", &user_body(&body)).expect_error(400, "invalidValue");
    for name in ["active", "title", "emails.primary"] {
        assert!(wrong.body["detail"].as_str().unwrap().contains(name), "{name}: {}", wrong.text);
    }
}

#[test]
fn mc13_a_put_clears_what_it_leaves_out_and_keeps_what_it_sends_back() {
    let (_gateway, acme) = roomy();
    let body = user_body(&json!({
        "userName": "ada", "displayName": "Ada", "title": "Countess", "externalId": "x",
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
        ENTERPRISE: { "department": "Engines", "employeeNumber": "1" },
    }));
    let made = acme.post("/Users", &body).expect(201);
    let path = format!("/Users/{}", made.id());
    let mut read = acme.get(&path).expect(200).body;
    read["displayName"] = json!("Ada L.");
    let put = acme.put(&path, &read).expect(200);
    for name in ["title", "externalId", "name", ENTERPRISE] {
        assert_eq!(put.body[name], made.body[name], "{name}");
    }
    let short =
        acme.put(&path, &user_body(&json!({ "userName": "ada", "name": { "givenName": "A" } }))).expect(200);
    assert_eq!(short.body["name"], json!({ "givenName": "A" }));
    for name in ["title", "externalId", "displayName", ENTERPRISE] {
        assert!(short.body.get(name).is_none(), "{name}");
    }
}

#[test]
fn mc14_one_users_missing_attribute_does_not_touch_the_others() {
    let (gateway, acme) = roomy();
    let bodies =
        [json!({ "userName": "ada" }), json!({ "displayName": "nobody" }), json!({ "userName": "grace" })];
    let statuses = bodies.map(|body| acme.post("/Users", &user_body(&body)).status);
    assert_eq!(statuses, [201, 400, 201]);
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 2);
    acme.post("/Users", &user_body(&json!({ "userName": "edith", "displayName": "nobody" }))).expect(201);
    gateway.audit(&acme);
}

#[test]
fn cx9_a_password_is_taken_dropped_and_never_seen_again() {
    let gateway = gateway_with(&[("RUST_LOG", "trace")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let secret = "hunter2-\u{e9}-canary";
    let made = acme.post("/Users", &user_body(&json!({ "userName": "ada", "password": secret }))).expect(201);
    let path = format!("/Users/{}", made.id());
    let put = acme.put(&path, &user_body(&json!({ "userName": "ada", "password": secret }))).expect(200);
    let patches = [
        json!([{ "op": "replace", "value": { "password": secret } }]),
        json!([{ "op": "Replace", "path": "password", "value": secret }]),
    ];
    for answer in [made, put].into_iter().chain(patches.map(|p| acme.patch(&path, &p).expect(200))) {
        assert!(!answer.text.contains("password") && !answer.text.contains("canary"), "{}", answer.text);
        assert_eq!(answer.body["meta"]["version"], "W/\"1\"", "a password alone changes nothing");
    }
    assert_eq!(acme.get("/ServiceProviderConfig").expect(200).body["changePassword"]["supported"], false);
    assert!(!gateway.log().contains("canary"));
    acme.post("/Users", &user_body(&json!({ "userName": "grace", "password": 7 })))
        .expect_error(400, "invalidValue");
    assert_nothing_rests(&gateway.data_dir(), "canary");
}

/// Walks every file below a directory.
fn assert_nothing_rests(directory: &std::path::Path, canary: &str) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_nothing_rests(&path, canary);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(canary.len()).any(|w| w == canary.as_bytes()), "{}", path.display());
        }
    }
}

#[test]
fn a_required_attribute_cannot_be_taken_away() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201);
    let path = format!("/Users/{}", ada.id());
    for (operations, keyword) in [
        // RFC 7644 §3.5.2.2 has a keyword for the one, the table of disagreements for the others.
        (json!([{ "op": "remove", "path": "userName" }]), "mutability"),
        (json!([{ "op": "remove", "path": "userName", "value": "ada" }]), "mutability"),
        (replace("userName", ""), "invalidValue"),
        (replace("userName", Value::Null), "invalidValue"),
        (replace("userName", "  "), "invalidValue"),
    ] {
        acme.patch(&path, &operations).expect_error(400, keyword);
    }
    assert_eq!(acme.get(&path).expect(200).body, ada.body);
}
