//! Many requests in one (RFC 7644 §3.7).

mod limits;
mod references;
mod refusals;
mod rfc;
mod seats;
mod turns;
mod versions;

use serde_json::{Value, json};
use testkit::{gateway::Tenant, http::Answer};

use crate::running::{GROUP, user_body};
use testkit::urn::{BULK_REQUEST, PATCH_OP};

/// Sends these operations.
fn send(tenant: &Tenant, operations: &Value) -> Answer {
    tenant.post("/Bulk", &json!({ "schemas": [BULK_REQUEST], "Operations": operations }))
}

/// Sends these operations; what became of each.
#[track_caller]
fn bulk(tenant: &Tenant, operations: &Value) -> Vec<Value> {
    ended(&send(tenant, operations))
}

/// What became of each operation.
#[track_caller]
fn ended(answer: &Answer) -> Vec<Value> {
    let answer = answer.clone().expect(200);
    assert_eq!(answer.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
    answer.body["Operations"].as_array().unwrap().clone()
}

/// The statuses of the operations, which are strings.
fn statuses(ended: &[Value]) -> Vec<&str> {
    ended.iter().map(|operation| operation["status"].as_str().unwrap()).collect()
}

/// The id at the end of an operation's location.
#[track_caller]
fn id(ended: &Value) -> String {
    let location = ended["location"].as_str().unwrap_or_else(|| panic!("no location in {ended}"));
    location.rsplit('/').next().unwrap().to_owned()
}

/// POST of a user of this name with these further attributes; its name is its bulkId.
fn new_user(name: &str, attributes: &Value) -> Value {
    let mut data = user_body(attributes);
    data["userName"] = name.into();
    json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": data })
}

/// POST of a group of this name with these members; its name is its bulkId.
fn new_team(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|member| json!({ "value": member })).collect();
    let data = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    json!({ "method": "POST", "path": "/Groups", "bulkId": name, "data": data })
}

/// PATCH of these operations.
fn patch(path: &str, operations: &Value) -> Value {
    let data = json!({ "schemas": [PATCH_OP], "Operations": operations });
    json!({ "method": "PATCH", "path": path, "data": data })
}

fn delete(path: &str) -> Value {
    json!({ "method": "DELETE", "path": path })
}
