//! What a PATCH does to a document: the RFC's examples, then what each identity provider sends.

use serde_json::json;

use super::*;
use crate::leniency::Leniency;
use crate::schema;

mod additions;
mod dialects;
mod members;
mod refusals;
mod rfc;
mod same_as_put;

const ENTERPRISE: &str = urn::ENTERPRISE_USER;

fn body(operations: &Value) -> Value {
    json!({"schemas": [urn::PATCH_OP], "Operations": operations})
}

fn patch_as(tolerance: &mut Tolerance, current: &Value, operations: &Value) -> Result<Value, ScimError> {
    let rt = schema::user();
    let mut current = current.clone();
    let members = current.as_object_mut().unwrap();
    members.entry("userName").or_insert(json!("ana@x.example"));
    let request = PatchRequest::parse(&rt, &body(operations), tolerance)?;
    let mut after = request.apply(&rt, &Document(members.clone()), tolerance)?.0;
    if after.get("userName") == Some(&json!("ana@x.example")) {
        after.shift_remove("userName");
    }
    Ok(Value::Object(after))
}

fn patch(current: Value, operations: Value) -> Result<Value, ScimError> {
    patch_as(&mut Tolerance::lenient(), &current, &operations)
}

fn strict(current: Value, operations: Value) -> Result<Value, ScimError> {
    patch_as(&mut Tolerance::strict(), &current, &operations)
}

fn keyword(result: Result<Value, ScimError>) -> String {
    match result {
        Ok(document) => format!("2xx {document}"),
        Err(error) => format!("{} {}", error.status, error.scim_type.map_or("", ScimType::keyword)),
    }
}

/// One row: what is there, the operations, what is there afterwards, also when an identity provider repeats them.
fn check(rows: Vec<(Value, Value, Value)>) {
    for (current, operations, expected) in rows {
        let after = patch(current, operations.clone());
        assert_eq!(after.as_ref().map_err(ToString::to_string), Ok(&expected), "{operations}");
        let again = patch(expected.clone(), operations.clone()).unwrap();
        let removes_by_filter_on_what_changed = operations.to_string().contains("not idempotent");
        assert!(again == expected || removes_by_filter_on_what_changed, "{operations} twice gives {again}");
    }
}

fn refused(rows: Vec<(Value, &str)>) {
    let current = json!({"displayName": "Ana", "emails": [{"type": "work", "value": "a@x"}]});
    for (operation, expected) in rows {
        assert_eq!(keyword(patch(current.clone(), json!([operation]))), expected, "{operation}");
    }
}
