//! The characteristics of RFC 7643 §2.2 on the wire: faults reported together, order without meaning, dialects in every verb.

use serde_json::{Value, json};

use crate::running::{USER, roomy, user_body};

#[test]
fn mc12_and_s12_every_fault_is_named_at_once_in_every_verb_and_nothing_is_done() {
    let (gateway, acme) = roomy();
    let id = acme.post("/Users", &user_body(&json!({ "userName": "ann", "title": "T" }))).expect(201).id();
    let path = format!("/Users/{id}");
    let before = acme.get(&path).expect(200).body;
    let bad = json!({
        "userName": 7, "active": "maybe", "name": { "givenName": 7 }, "emails": [{ "value": 7 }],
        "x509Certificates": [{ "value": "%" }], "title": {"a": 1},
    });
    let operations: Vec<Value> = bad
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "title")
        .map(|(name, value)| json!({ "op": "replace", "path": name, "value": value }))
        .chain([json!({ "op": "replace", "path": "title", "value": 7 })])
        .collect();
    for refused in [
        acme.post("/Users", &user_body(&bad)),
        acme.put(&path, &user_body(&bad)),
        acme.patch(&path, &json!(operations)),
    ] {
        let refused = refused.expect_error(400, "invalidValue");
        let detail = refused.body["detail"].as_str().unwrap();
        for name in
            ["userName", "active", "name.givenName", "emails.value", "x509Certificates.value", "title"]
        {
            assert!(detail.contains(&format!("{name} must be")), "{name}: {detail}");
        }
        assert!(!detail.contains("missing"), "{detail}");
        assert!(detail.is_ascii() && detail.len() < 500 && !detail.contains('\n'), "{detail}");
    }
    assert_eq!(acme.get(&path).expect(200).body, before);
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 1);
    // More than a line holds is counted.
    let many: Value = (0..60).map(|n| (format!("unknown{n}"), json!(n))).collect();
    let strict = json!({ "settings": { "strict": true } });
    gateway.admin("PATCH", &acme.admin_path(), Some(&strict)).expect(200);
    let refused = acme.post("/Users", &user_body(&many)).expect_error(400, "invalidValue");
    let detail = refused.body["detail"].as_str().unwrap();
    // What is missing is named before all that is too much.
    assert!(detail.starts_with("The required attribute userName is missing. No schema"), "{detail}");
    assert!(detail.contains("more faults. Ref ") && detail.len() < 500, "{detail}");
}

#[test]
fn mo4_the_same_elements_in_another_order_are_no_change() {
    let (_gateway, acme) = roomy();
    let emails = |names: [&str; 3]| -> Value {
        let one = |name: &&str| json!({ "value": format!("{name}@x.example"), "type": "work", "primary": **name == *"a" });
        names.iter().map(one).collect()
    };
    let body = |order| user_body(&json!({ "userName": "ann", "emails": emails(order) }));
    let made = acme.post("/Users", &body(["a", "b", "c"])).expect(201);
    let path = format!("/Users/{}", made.id());
    let same = [
        acme.put(&path, &body(["c", "b", "a"])),
        acme.patch(&path, &json!([{ "op": "replace", "path": "emails", "value": emails(["b", "c", "a"]) }])),
    ];
    for answer in same {
        assert_eq!(answer.expect(200).body, made.body);
    }
    // Another preferred address is a change, and so is one address less.
    let moved =
        json!([{ "op": "replace", "path": "emails[value eq \"b@x.example\"].primary", "value": true }]);
    let moved = acme.patch(&path, &moved).expect(200).body;
    assert_ne!(moved["meta"]["version"], made.body["meta"]["version"]);
    let fewer = json!([{ "op": "remove", "path": "emails[value eq \"c@x.example\"]" }]);
    assert_ne!(acme.patch(&path, &fewer).expect(200).body["meta"]["version"], moved["meta"]["version"]);
}

#[test]
fn entra_sends_a_role_as_json_text_in_every_verb() {
    let (_gateway, acme) = roomy();
    let packed = json!([{ "value": "{\"id\":\"25\",\"value\":\"25\",\"displayName\":\"Role25\"}" }]);
    let roles = json!([{ "value": "25", "display": "Role25" }]);
    let body = user_body(&json!({ "userName": "ann", "roles": packed }));
    let made = acme.post("/Users", &body).expect(201);
    assert_eq!(made.body["roles"], roles);
    let path = format!("/Users/{}", made.id());
    assert_eq!(acme.put(&path, &body).expect(200).body, made.body);
    let patch = json!([{ "op": "Add", "path": "roles", "value": packed }]);
    assert_eq!(acme.patch(&path, &patch).expect(200).body, made.body);
}

#[test]
fn a_patch_may_name_the_core_schema_and_a_filter_is_told_what_it_got_wrong() {
    let (gateway, acme) = roomy();
    let path = format!("/Users/{}", acme.create_user("ann", "").expect(201).id());
    let patch = json!([{ "op": "replace", "value": { USER: { "displayName": "Ann", "name": { "givenName": "A" } } } }]);
    let patched = acme.patch(&path, &patch).expect(200).body;
    assert_eq!((&patched["displayName"], &patched["name"]), (&json!("Ann"), &json!({ "givenName": "A" })));
    assert!(patched.get(USER).is_none());
    assert!(gateway.metrics().contains("usher_scim_leniency_total{kind=\"pathless_keys\"} 1"));
    let refused = acme.find("/Users", "shoeSize eq 1").expect_error(400, "invalidFilter");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("shoeSize is no attribute of a User that can be filtered"), "{detail}");
}
