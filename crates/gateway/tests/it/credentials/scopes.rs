//! What a credential may do: `read`, `users`, `groups`.

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
};

use super::{added, asked, pair, text};
use crate::running::{new_group, replace, roomy, user_body};

/// The tenant by a bearer token with these scopes.
pub(crate) fn scoped(gateway: &Gateway, tenant: &Tenant, scopes: &str) -> Tenant {
    let made = added(gateway, tenant, "bearer", &["--scopes", scopes]);
    Tenant { token: text(&made, "token").to_owned(), ..tenant.clone() }
}

#[track_caller]
fn lacks(answer: Answer, scope: &str) {
    let refused = answer.expect_error(403, "");
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    assert_eq!(refused.header("www-authenticate"), Some(challenge.as_str()), "{}", refused.text);
    assert!(text(&refused.body, "detail").contains(&format!("the scope {scope};")), "{}", refused.text);
}

#[test]
fn a_credential_does_what_its_scopes_name_and_gets_403_for_the_rest() {
    let (gateway, acme) = roomy();
    let ada = format!("/Users/{}", acme.create_user("ada", "").expect(201).id());
    let crew = format!("/Groups/{}", new_group(&acme, "crew", &[]));
    let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"] });
    let body = user_body(&json!({ "userName": "bob" }));
    let group = json!({ "displayName": "other" });

    let read = scoped(&gateway, &acme, "read");
    for path in ["/Users", "/Groups", "", &ada, &crew, "/ServiceProviderConfig", "/Schemas"] {
        read.get(path).expect(200);
    }
    for path in ["/.search", "/Users/.search", "/Groups/.search"] {
        read.post(path, &search).expect(200);
    }
    lacks(read.post("/Users", &body), "users");
    lacks(read.patch(&ada, &replace("title", "Dr")), "users");
    lacks(read.put(&ada, &body), "users");
    lacks(read.delete(&ada), "users");
    lacks(read.post("/Groups", &group), "groups");
    lacks(read.delete(&crew), "groups");

    let users = scoped(&gateway, &acme, "users");
    users.patch(&ada, &replace("title", "Dr")).expect(200);
    lacks(users.patch(&crew, &replace("displayName", "x")), "groups");
    lacks(users.get(&ada), "read");
    lacks(users.post("/Users/.search", &search), "read");
    assert_eq!(users.request("HEAD", &ada).send().status, 403);

    let groups = scoped(&gateway, &acme, "groups,read");
    groups.patch(&crew, &replace("displayName", "the crew")).expect(204);
    groups.get("/Users").expect(200);
    lacks(groups.create_user("bob", ""), "users");
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn the_scope_is_judged_before_the_body_is_read() {
    let (gateway, acme) = roomy();
    let read = scoped(&gateway, &acme, "read");
    let broken = read.request("POST", "/Users").header("content-type", "text/plain").bytes(b"{");
    lacks(broken.send(), "users");
    // A path that is not there and a method that it does not take are told first.
    read.post("/nothing", &json!({})).expect_error(404, "");
    read.request("PUT", "/Users").json(&json!({})).send().expect_error(405, "");
}

#[test]
fn in_a_bulk_a_missing_scope_refuses_that_operation_alone() {
    let (gateway, acme) = roomy();
    let users = scoped(&gateway, &acme, "users");
    let of = |method: &str, path: &str, data: Value| json!({ "method": method, "path": path, "bulkId": format!("b{}", path.len()), "data": data });
    let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        of("POST", "/Groups", json!({ "displayName": "crew" })),
        of("POST", "/Users", user_body(&json!({ "userName": "ada" }))),
    ] });
    let done = users.post("/Bulk", &bulk).expect(200).body["Operations"].clone();
    assert_eq!((&done[0]["status"], &done[1]["status"]), (&json!("403"), &json!("201")), "{done}");
    assert!(text(&done[0]["response"], "detail").starts_with("insufficient_scope: "), "{done}");
    assert_eq!(acme.get("/Groups").expect(200).body["totalResults"], 0);
    let none = scoped(&gateway, &acme, "read").post("/Bulk", &bulk).expect(200).body["Operations"].clone();
    assert_eq!((&none[0]["status"], &none[1]["status"]), (&json!("403"), &json!("403")), "{none}");
}

#[test]
fn a_key_has_scopes_too_and_a_token_of_before_has_all() {
    let (gateway, acme) = roomy();
    let made = added(&gateway, &acme, "basic", &["--scopes", "read"]);
    let right = pair(text(&made, "key"), text(&made, "secret"));
    asked(&acme, "GET", "/Users", &right).send().expect(200);
    let body = user_body(&json!({ "userName": "ada" }));
    lacks(asked(&acme, "POST", "/Users", &right).json(&body).send(), "users");
    let listed = crate::people::said(&gateway, &acme, &["credential", "list"]);
    assert_eq!(listed[0]["scopes"], json!(["read", "users", "groups"]));
    assert_eq!(listed[1]["scopes"], json!(["read"]));
    let odd = ["--region", "ire", "--key", "acme", "--scopes", "write"];
    let refused = gateway.cli(&[&["credential", "add", "bearer"], odd.as_slice()].concat());
    assert_eq!(refused.status.code(), Some(2));
    let empty = json!({ "kind": "bearer", "scopes": [] });
    gateway.admin("POST", &format!("{}/credentials", acme.admin_path()), Some(&empty)).expect(400);
}
