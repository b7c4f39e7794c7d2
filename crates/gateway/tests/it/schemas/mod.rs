//! A tenant's own schemas, from the words of staff to what its identity provider is answered.

mod admin;
mod use_of_it;

use std::path::PathBuf;

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
};

use crate::running::USER;

/// The URN of the example that ships with Usher.
const HR: &str = "urn:example:params:scim:schemas:extension:hr:2.0:User";

/// The example's file.
fn example() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/schemas/hr-user.json")
}

/// `usher schema <words> --region … --key …`
fn words<'a>(tenant: &'a Tenant, words: &[&'a str]) -> Vec<&'a str> {
    let mut line = vec!["schema"];
    line.extend_from_slice(words);
    line.extend_from_slice(&["--region", &tenant.region, "--key", &tenant.key]);
    line
}

/// Adds the example by the command line.
fn add_example(gateway: &Gateway, tenant: &Tenant, more: &[&str]) -> String {
    let file = example().display().to_string();
    let mut line = words(tenant, &["add", "--file", &file]);
    line.extend_from_slice(more);
    gateway.cli_ok(&line)
}

fn schemas_path(tenant: &Tenant) -> String {
    format!("{}/schemas", tenant.admin_path())
}

/// Hands a document in by the admin API.
fn add(gateway: &Gateway, tenant: &Tenant, document: &Value) -> Answer {
    gateway.admin("POST", &schemas_path(tenant), Some(&json!({ "schema": document })))
}

fn document(urn: &str, attributes: Value) -> Value {
    json!({ "id": urn, "attributes": attributes })
}

/// A user's body with data of the example.
fn person(name: &str, block: Value) -> Value {
    json!({ "schemas": [USER, HR], "userName": name, HR: block })
}
