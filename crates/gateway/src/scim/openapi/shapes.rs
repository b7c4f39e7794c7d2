//! The small parts that the document is put together from.

use scim_core::json_schema;
use serde_json::{Value, json};

/// An entity tag: a number for users and groups, part of a hash for resources that clients cannot write.
pub(super) const ETAG: &str = "^W/\"[0-9a-f]+\"$";

/// An object whose other members are ignored.
pub(super) fn open(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object", "required": required, "properties": properties,
        "propertyNames": {"pattern": json_schema::TEXT}, "additionalProperties": {"$ref": json_schema::ANYTHING},
    })
}

/// An object of these members and no others.
pub(super) fn closed(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

/// The named headers and the one that every answer has.
pub(super) fn with_request_id(headers: &[&str]) -> Value {
    let all = headers.iter().chain(&["X-Request-Id"]);
    Value::Object(all.map(|name| ((*name).to_owned(), refer("headers", name))).collect())
}

/// A body of this component.
pub(super) fn content(component: &str) -> Value {
    content_of(&refer("schemas", component))
}

/// A body of this schema, in either media type (RFC 7644 §8.1).
pub(super) fn content_of(schema: &Value) -> Value {
    json!({"application/scim+json": {"schema": schema}, "application/json": {"schema": schema}})
}

pub(super) fn refer(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}
