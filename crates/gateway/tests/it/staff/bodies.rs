//! Bodies of the admin API that could be meant in two ways, or are none.

use serde_json::json;

use super::{problem, send};
use crate::running::roomy;

#[test]
fn a_key_that_stands_twice_is_refused_at_every_depth_of_every_body() {
    let (gateway, acme) = roomy();
    let before = gateway.admin("GET", &acme.admin_path(), None).expect(200).body;
    let seats = gateway.seats(&acme);
    let tenant = acme.admin_path();
    let schema =
        r#"{"schema":{"id":"urn:example:hr:2.0:User","id":"urn:example:hr:2.0:User","attributes":[]}}"#;
    let bodies = [
        ("PATCH", String::new(), r#"{"settings":{"strict":true},"settings":{"strict":false}}"#),
        ("PATCH", String::new(), r#"{"settings":{"strict":true,"strict":false}}"#),
        ("PATCH", String::new(), r#"{"settings":{"strict":true,"Strict":false}}"#),
        ("PATCH", "/seats".to_owned(), r#"{"member":{"quota":1},"member":{"quota":2}}"#),
        ("PATCH", "/seats".to_owned(), r#"{"member":{"quota":1,"quota":2}}"#),
        ("POST", "/tokens".to_owned(), r#"{"expires_in_days":1,"expires_in_days":2}"#),
        ("POST", "/suspend".to_owned(), r#"{"a":1,"a":2}"#),
        ("POST", "/schemas".to_owned(), schema),
        ("PUT", "/schemas/urn:example:hr:2.0:User".to_owned(), schema),
    ];
    for (method, path, body) in &bodies {
        let refused = send(&gateway, method, &format!("{tenant}{path}"), "application/json", body.as_bytes());
        assert!(problem(&refused, 400).contains("twice"), "{method} {path} {body}: {}", refused.text);
    }
    let made = r#"{"key":"second","name":"Second","seats":{"member":1,"member":2}}"#;
    let refused = send(&gateway, "POST", "/regions/ire/tenants", "application/json", made.as_bytes());
    assert!(problem(&refused, 400).contains("twice"));
    problem(&gateway.admin("GET", "/regions/ire/tenants/second", None), 404);
    assert_eq!(gateway.admin("GET", &acme.admin_path(), None).expect(200).body, before);
    assert_eq!(gateway.seats(&acme), seats);
}

#[test]
fn what_is_not_json_is_415_and_nothing_is_done() {
    let (gateway, acme) = roomy();
    let path = acme.admin_path();
    let body = br#"{"settings":{"strict":true}}"#;
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "nonsense",
    ] {
        let detail = problem(&send(&gateway, "PATCH", &path, media, body), 415);
        assert!(detail.contains("application/json"), "{media}: {detail}");
    }
    let issue = send(&gateway, "POST", &format!("{path}/tokens"), "text/plain", br#"{"expires_in_days":1}"#);
    problem(&issue, 415);
    problem(&send(&gateway, "POST", &format!("{path}/schemas"), "text/plain", b"{}"), 415);
    assert_eq!(gateway.admin("GET", &path, None).expect(200).body["mode"], "lenient");
    for media in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/scim+json",
        "application/merge-patch+json",
    ] {
        send(&gateway, "PATCH", &path, media, body).expect(200);
    }
}

#[test]
fn a_body_that_says_what_nobody_asked_is_refused_and_none_is_needed_where_none_is_read() {
    let (gateway, acme) = roomy();
    let path = acme.admin_path();
    for act in ["suspend", "resume"] {
        let path = format!("{path}/{act}");
        problem(&gateway.admin("POST", &path, Some(&json!({ "reason": "none" }))), 400);
        problem(&gateway.admin("POST", &path, Some(&json!([]))), 400);
        gateway.admin("POST", &path, Some(&json!({}))).expect(200);
        gateway.admin("POST", &path, None).expect(200);
    }
    problem(&gateway.admin("PATCH", &path, None), 400);
    problem(&gateway.admin("POST", "/regions/ire/tenants", None), 400);
}

#[test]
fn a_long_body_or_a_long_word_in_it_is_answered_shortly() {
    let (gateway, acme) = roomy();
    let long = "x".repeat(60_000);
    let answers = [
        gateway.admin("PATCH", &acme.admin_path(), Some(&json!({ "settings": { &long: 1 } }))),
        gateway.admin(
            "PATCH",
            &format!("{}/seats", acme.admin_path()),
            Some(&json!({ &long: { "quota": 1 } })),
        ),
        gateway.admin("POST", "/regions/ire/tenants", Some(&json!({ "name": "x", "profile": long }))),
        gateway.admin("POST", "/regions/ire/tenants", Some(&json!({ "name": long }))),
        gateway.admin("DELETE", &format!("{}/tokens/{long}", acme.admin_path()), None),
        gateway.admin("POST", "/regions/ire/tenants", Some(&json!({ "name": "y".repeat(80_000) }))),
    ];
    let statuses = answers.each_ref().map(|answer| answer.status);
    assert_eq!(statuses, [400, 400, 400, 400, 404, 413]);
    for answer in &answers {
        assert!(problem(answer, answer.status).len() < 3_000, "{} bytes", answer.text.len());
    }
}

#[test]
fn places_that_are_not_there_are_told_alike_by_every_route() {
    let (gateway, acme) = roomy();
    gateway
        .admin("POST", "/regions/ire/tenants", Some(&json!({ "key": "gone", "name": "Gone" })))
        .expect(201);
    gateway.admin("DELETE", "/regions/ire/tenants/gone", None).expect(204);
    let routes = [
        ("GET", "", None),
        ("PATCH", "", Some(json!({ "settings": {} }))),
        ("DELETE", "", None),
        ("POST", "/suspend", None),
        ("POST", "/resume", None),
        ("GET", "/tokens", None),
        ("POST", "/tokens", None),
        ("DELETE", "/tokens/nobody", None),
        ("GET", "/seats", None),
        ("PATCH", "/seats", Some(json!({ "member": { "quota": 1 } }))),
        ("GET", "/seats/audit", None),
        ("GET", "/schemas", None),
        ("DELETE", "/schemas/urn:example:hr:2.0:User", None),
        ("GET", "/changes", None),
        ("GET", "/dropped", None),
    ];
    for (place, status, says) in [
        ("mars/tenants/acme", 404, "does not serve region mars"),
        ("ire/tenants/nobody", 404, "there is no tenant nobody"),
        ("ire/tenants/gone", 404, "there is no tenant gone"),
        ("m%C3%A4rs/tenants/acme", 400, "a region code is"),
        ("ire/tenants/Ac_me", 400, "a company key is"),
        ("ire/tenants/%22", 400, "a company key is"),
    ] {
        for (method, route, body) in &routes {
            let answer = gateway.admin(method, &format!("/regions/{place}{route}"), body.as_ref());
            let detail = problem(&answer, status);
            assert!(detail.contains(says), "{method} {place}{route}: {detail}");
        }
    }
    for region in ["mars", "Mars"] {
        problem(&gateway.admin("GET", &format!("/regions/{region}/tenants"), None), 404);
        let body = json!({ "name": "x" });
        problem(&gateway.admin("POST", &format!("/regions/{region}/tenants"), Some(&body)), 404);
    }
    acme.get("/Users").expect(200);
}
