//! The mode `interop`: the SCIM 2.0 Interoperability Profile (draft-zollner-scim-interop-profile), a test for each of its lines, and our black-box
//! checks of it.

mod modes;
mod patch;
mod resources;

use serde_json::{Value, json};
use testkit::{gateway::Gateway, gateway::Tenant, http::Answer};

use crate::running::{USER, onboarded};

/// A gateway and a tenant of this mode, with room for everybody.
fn interop() -> (Gateway, Tenant) {
    onboarded(&json!({
        "key": "acme",
        "name": "Acme",
        "seats": { "member": null, "member_lite": null },
        "settings": { "mode": "interop" },
    }))
}

/// The body of a user of this name with these attributes.
fn body(user_name: &str, more: &Value) -> Value {
    let mut body = json!({ "schemas": [USER], "userName": user_name });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// The path of a new user with two addresses.
fn ada(tenant: &Tenant) -> String {
    let emails = json!([{ "value": "ada@acme.example", "type": "work", "primary": true }, { "value": "ada@home.example", "type": "home" }]);
    let more = json!({ "name": { "givenName": "Ada", "familyName": "Lovelace" }, "title": "Countess", "emails": emails });
    format!("/Users/{}", tenant.post("/Users", &body("ada", &more)).expect(201).id())
}

fn operation(tenant: &Tenant, path: &str, op: &str, at: &str, value: Value) -> Answer {
    tenant.patch(path, &json!([{ "op": op, "path": at, "value": value }]))
}

fn removal(tenant: &Tenant, path: &str, at: &str) -> Answer {
    tenant.patch(path, &json!([{ "op": "remove", "path": at }]))
}
