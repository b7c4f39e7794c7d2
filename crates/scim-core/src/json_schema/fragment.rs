//! Fragments that every JSON Schema of this gateway is made of.

use serde_json::{Map, Value, json};

use crate::schema::Type;

/// Where a document keeps [`nothing`].
pub const NOTHING: &str = "#/components/schemas/Nothing";
/// Where a document keeps [`anything`].
pub const ANYTHING: &str = "#/components/schemas/Anything";

/// A text without control characters; a postal address may hold a tab and line ends.
pub const TEXT: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";

/// A value that counts as absent (RFC 7643 §2.5; Okta and Entra send the empty string).
#[must_use]
pub fn nothing() -> Value {
    json!({
        "description": "The same as leaving the attribute out (RFC 7643 section 2.5).",
        "enum": [null, "", [], {}],
    })
}

/// The value under a name that no schema knows: any JSON without control characters.
#[must_use]
pub fn anything() -> Value {
    json!({
        "description": "Ignored.",
        "anyOf": [
            {"type": ["null", "boolean", "number"]},
            {"type": "string", "pattern": TEXT},
            {"type": "array", "items": {"$ref": ANYTHING}},
            {"type": "object", "propertyNames": {"pattern": TEXT}, "additionalProperties": {"$ref": ANYTHING}},
        ],
    })
}

/// A value of a simple type, as far as its type alone says what it is.
pub(super) fn simple(kind: Type) -> Value {
    match kind {
        Type::Boolean => json!({"type": "boolean"}),
        Type::Decimal => json!({"type": "number"}),
        Type::Integer => {
            json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX})
        }
        Type::DateTime => json!({"type": "string", "format": "date-time"}),
        Type::String | Type::Binary | Type::Reference | Type::Complex => json!({"type": "string"}),
    }
}

pub(super) fn optional(value: &Value) -> Value {
    json!({"anyOf": [value, {"$ref": NOTHING}]})
}

pub(super) fn or_null(value: &Value) -> Value {
    json!({"anyOf": [value, {"type": "null"}]})
}

pub(super) fn closed(description: &str, properties: Map<String, Value>) -> Value {
    described(json!({"type": "object", "properties": properties, "additionalProperties": false}), description)
}

pub(super) fn described(mut value: Value, description: &str) -> Value {
    if !description.is_empty() {
        insert(&mut value, "description", description.into());
    }
    value
}

pub(super) fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}
