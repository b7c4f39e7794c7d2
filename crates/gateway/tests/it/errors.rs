//! Every refusal is a SCIM error in SCIM's media type, with the headers that its status asks for.

use serde_json::json;

use crate::running::{acme, roomy};

#[test]
fn a_wrong_method_is_405_with_what_is_allowed() {
    let (_gateway, acme) = roomy();
    let id = acme.create_user("ada", "").expect(201).id();
    let cases = [
        ("DELETE", "/Users".to_owned(), "GET, HEAD, POST"),
        ("PUT", "/Groups".to_owned(), "GET, HEAD, POST"),
        ("POST", format!("/Users/{id}"), "GET, HEAD, PUT, PATCH, DELETE"),
        ("PROPFIND", "/Users".to_owned(), "GET, HEAD, POST"),
        ("TRACE", format!("/Users/{id}"), "GET, HEAD, PUT, PATCH, DELETE"),
    ];
    for (method, path, allow) in cases {
        let refused = acme.request(method, &path).json(&json!({})).send().expect_error(405, "");
        assert_eq!(refused.header("allow"), Some(allow), "{method} {path}");
        assert!(refused.header("content-type").unwrap().starts_with("application/scim+json"));
    }
    acme.get(&format!("/Users/{id}")).expect(200);
}

#[test]
fn an_unknown_path_or_id_is_404_in_scim_form() {
    let (_gateway, acme) = roomy();
    for path in ["/Users/0", "/Groups/0", "/Nothing", "/Users/a/b", "/Users/%00", "/ResourceTypes/Device"] {
        let lost = acme.get(path).expect_error(404, "");
        assert!(lost.header("content-type").unwrap().starts_with("application/scim+json"), "{path}");
    }
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "x" });
    acme.put("/Users/0", &body).expect_error(404, "");
    acme.patch("/Users/0", &json!([{ "op": "replace", "path": "title", "value": "x" }]))
        .expect_error(404, "");
    acme.delete("/Users/0").expect_error(404, "");
    acme.patch("/Groups/0", &json!([{ "op": "remove", "path": "members" }])).expect_error(404, "");
}

#[test]
fn another_media_type_is_415_and_any_json_one_is_taken() {
    let (_gateway, acme) = roomy();
    let body = |name: &str| {
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name }).to_string()
    };
    for media in ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp"] {
        let refused =
            acme.request("POST", "/Users").header("content-type", media).bytes(body("no").as_bytes()).send();
        refused.expect_error(415, "");
    }
    let packed = acme.request("POST", "/Users").header("content-type", "application/scim+json");
    packed.header("content-encoding", "gzip").bytes(b"\x1f\x8b").send().expect_error(415, "");
    for (i, media) in ["application/json", "application/scim+json; charset=utf-8", "APPLICATION/JSON;x=y"]
        .iter()
        .enumerate()
    {
        let made = acme.request("POST", "/Users").header("content-type", media);
        made.bytes(body(&format!("user-{i}")).as_bytes()).send().expect(201);
    }
    acme.request("POST", "/Users").bytes(body("untyped").as_bytes()).send().expect(201);
}

#[test]
fn a_body_that_is_too_large_is_413_in_scim_form() {
    let (_gateway, acme) = roomy();
    let large = format!("{{\"userName\":\"{}\"}}", "x".repeat(9 << 20));
    let request = acme.request("POST", "/Users").header("content-type", "application/scim+json");
    request.bytes(large.as_bytes()).send().expect_error(413, "");
    let operations = vec![json!({ "op": "remove", "path": "title" }); 5_000];
    let id = acme.create_user("ada", "").expect(201).id();
    acme.patch(&format!("/Users/{id}"), &json!(operations)).expect_error(413, "");
}

#[test]
fn broken_json_is_400_invalid_syntax() {
    let (_gateway, acme) = roomy();
    for text in ["", "{", "[]", "null", "\"x\"", "{\"userName\":\"a\"} trailing", "{\"a\":1,\"A\":2}"] {
        let request = acme.request("POST", "/Users").header("content-type", "application/scim+json");
        request.bytes(text.as_bytes()).send().expect_error(400, "invalidSyntax");
    }
}

#[test]
fn answers_are_plain_json_only_for_who_accepts_only_that() {
    let (_gateway, acme) = acme(None, None);
    let typed = |accept: &str| {
        let answer = acme.request("GET", "/Users").header("accept", accept).send().expect(200);
        answer.header("content-type").unwrap().to_owned()
    };
    assert!(typed("application/json").starts_with("application/json"));
    for accept in
        ["*/*", "application/scim+json", "application/scim+json, application/json;q=0.9", "text/html, */*"]
    {
        assert!(typed(accept).starts_with("application/scim+json"), "{accept}");
    }
}
