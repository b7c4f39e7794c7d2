//! The schemas as JSON Schema (draft 2020-12, which OpenAPI 3.1 speaks): what a resource type is answered as, what a client may
//! send for it, and which operations a PATCH of it may hold. Made from the data that decides requests, so that it cannot tell
//! anything else.
//!
//! Answers are closed: nothing is told that stands here not. What is sent is described as a client should send it; the
//! dialects that are tolerated besides are in [`crate::leniency`].

mod operations;
mod sent;

use serde_json::{Map, Value, json};

pub use operations::operations;
pub use sent::{schemas_of, sent};

use crate::ResourceType;
use crate::schema::{Attribute, Mutability, Returned, Type};

/// Where a document keeps [`nothing`].
pub const NOTHING: &str = "#/components/schemas/Nothing";
/// Where a document keeps [`anything`].
pub const ANYTHING: &str = "#/components/schemas/Anything";

/// A text without control characters; a tab and line ends may stand in a postal address.
pub const TEXT: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";

/// What says as little as an absent attribute (RFC 7643 §2.5; the empty string is Okta's and Entra's).
#[must_use]
pub fn nothing() -> Value {
    json!({
        "description": "The same as leaving the attribute out (RFC 7643 section 2.5).",
        "enum": [null, "", [], {}],
    })
}

/// What may stand under a name that no schema knows: any JSON without control characters.
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

/// A resource as it is answered. Only what is always returned is required, because a client chooses the rest
/// (RFC 7644 §3.9).
#[must_use]
pub fn answered(rt: &ResourceType) -> Value {
    let told = |a: &&Attribute| a.returned != Returned::Never;
    let mut properties =
        answered_properties(rt.common.attributes.iter().chain(&rt.core.attributes).filter(told));
    for extension in rt.extension_schemas() {
        let inner = answered_properties(extension.attributes.iter().filter(told));
        properties.insert(extension.id.clone(), closed(&extension.description, inner));
    }
    let urns: Vec<&str> = rt.schemas().map(|s| s.id.as_str()).collect();
    properties.insert(
        "schemas".into(),
        json!({"type": "array", "items": {"enum": urns}, "minItems": 1, "uniqueItems": true}),
    );
    if let Some(Value::Object(meta)) = properties.get_mut("meta").and_then(|meta| meta.get_mut("properties"))
    {
        meta.insert("resourceType".into(), json!({"const": rt.kind.name()}));
        meta.insert("version".into(), json!({"type": "string", "pattern": "^W/\"[0-9a-f]+\"$"}));
    }
    let attributes = rt.common.attributes.iter().chain(&rt.core.attributes);
    let always: Vec<&str> =
        attributes.filter(|a| a.returned == Returned::Always).map(|a| a.name.as_str()).collect();
    let mut resource = closed(rt.kind.description(), properties);
    insert(&mut resource, "required", always.into());
    resource
}

fn answered_properties<'a>(attributes: impl Iterator<Item = &'a Attribute>) -> Map<String, Value> {
    attributes.map(|a| (a.name.clone(), answered_attribute(a))).collect()
}

fn answered_attribute(attribute: &Attribute) -> Value {
    let one = match attribute.kind {
        Type::String | Type::Binary => json!({"type": "string"}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::Decimal => json!({"type": "number"}),
        Type::Integer => {
            json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX})
        }
        Type::DateTime => json!({"type": "string", "format": "date-time"}),
        // What a client wrote is kept as it was sent; what the service writes is a URI.
        Type::Reference if attribute.mutability == Mutability::ReadOnly => {
            json!({"type": "string", "format": "uri"})
        }
        Type::Reference => json!({"type": "string"}),
        Type::Complex => {
            let told = attribute.sub_attributes.iter().filter(|a| a.returned != Returned::Never);
            closed(&attribute.description, answered_properties(told))
        }
    };
    if !attribute.multi_valued {
        return described(one, &attribute.description);
    }
    described(json!({"type": "array", "items": one, "minItems": 1}), &attribute.description)
}

fn optional(value: &Value) -> Value {
    json!({"anyOf": [value, {"$ref": NOTHING}]})
}

fn or_null(value: &Value) -> Value {
    json!({"anyOf": [value, {"type": "null"}]})
}

fn closed(description: &str, properties: Map<String, Value>) -> Value {
    described(json!({"type": "object", "properties": properties, "additionalProperties": false}), description)
}

fn described(mut value: Value, description: &str) -> Value {
    if !description.is_empty() {
        insert(&mut value, "description", description.into());
    }
    value
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
