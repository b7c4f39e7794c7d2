//! The schemas as JSON Schema (draft 2020-12, which OpenAPI 3.1 speaks): what a resource type is answered as, what a client may
//! send for it, and which operations a PATCH of it may hold. Made from the data that decides requests, so that it cannot tell
//! anything else.
//!
//! Response schemas set `additionalProperties: false`. Request schemas describe what a client should send; the dialects that
//! are tolerated besides are in [`crate::leniency`].

mod operations;
mod sent;

use serde_json::{Map, Value, json};

pub use operations::operations;
pub use sent::{schemas_of, sent};

use crate::ResourceType;
use crate::schema::{Attribute, Mutability, Returned, Schema, Type, built_in};

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

/// A resource as responses hold it. Only what is always returned is required, because a client chooses the rest
/// (RFC 7644 §3.9).
#[must_use]
pub fn answered(rt: &ResourceType) -> Value {
    let own = || rt.common.attributes.iter().chain(&rt.core.attributes);
    let mut properties = Parts::Chosen.properties(own());
    for extension in rt.extension_schemas() {
        let inner = Parts::Chosen.properties(&extension.attributes);
        properties.insert(extension.id.clone(), closed(&extension.description, inner));
    }
    let urns: Vec<&str> = rt.schemas().map(|s| s.id.as_str()).collect();
    let schemas = json!({"type": "array", "items": {"enum": urns}, "minItems": 1, "uniqueItems": true});
    add_common(&mut properties, rt.kind.name(), schemas);
    let always: Vec<&str> =
        own().filter(|a| a.returned == Returned::Always).map(|a| a.name.as_str()).collect();
    let mut resource = closed(rt.kind.description(), properties);
    insert(&mut resource, "required", always.into());
    resource
}

/// What a discovery endpoint answers (RFC 7643 §5 to §7) as one of [`crate::schema::discovery`] describes it: whole, because these
/// endpoints have no projection.
#[must_use]
pub fn answered_discovery(schema: &Schema) -> Value {
    let common = built_in(include_str!("../schema/common.json"));
    let meta = common.attributes.iter().filter(|attribute| attribute.name == "meta");
    let mut properties = Parts::Whole.properties(schema.attributes.iter().chain(meta));
    add_common(&mut properties, schema.resource_name(), json!({"const": [schema.id]}));
    let required = required(&schema.attributes).chain(["schemas"]);
    let required: Vec<&str> = required.collect();
    let mut resource = closed(&schema.description, properties);
    insert(&mut resource, "required", required.into());
    resource
}

/// `schemas`, and what `meta` holds in every resource of a type.
fn add_common(properties: &mut Map<String, Value>, resource_type: &str, schemas: Value) {
    properties.insert("schemas".into(), schemas);
    if let Some(Value::Object(meta)) = properties.get_mut("meta").and_then(|meta| meta.get_mut("properties"))
    {
        meta.insert("resourceType".into(), json!({"const": resource_type}));
        meta.insert("version".into(), json!({"type": "string", "pattern": "^W/\"[0-9a-f]+\"$"}));
    }
}

fn required(attributes: &[Attribute]) -> impl Iterator<Item = &str> {
    attributes.iter().filter(|attribute| attribute.required).map(|attribute| attribute.name.as_str())
}

/// How much of a resource is in a response.
#[derive(Clone, Copy, PartialEq)]
enum Parts {
    /// What the client chooses.
    Chosen,
    /// All of it.
    Whole,
}

impl Parts {
    fn properties<'a>(self, attributes: impl IntoIterator<Item = &'a Attribute>) -> Map<String, Value> {
        let returned = attributes.into_iter().filter(|attribute| attribute.returned != Returned::Never);
        returned.map(|attribute| (attribute.name.clone(), self.attribute(attribute))).collect()
    }

    fn attribute(self, attribute: &Attribute) -> Value {
        let one = match attribute.kind {
            Type::String if self == Self::Whole && !attribute.canonical_values.is_empty() => {
                json!({"enum": attribute.canonical_values})
            }
            Type::String | Type::Binary => json!({"type": "string"}),
            Type::Boolean => json!({"type": "boolean"}),
            Type::Decimal => json!({"type": "number"}),
            Type::Integer => {
                json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX})
            }
            Type::DateTime => json!({"type": "string", "format": "date-time"}),
            // A client's reference is kept as it was sent; the service's own is a URI.
            Type::Reference if attribute.mutability == Mutability::ReadOnly => {
                json!({"type": "string", "format": "uri"})
            }
            Type::Reference => json!({"type": "string"}),
            Type::Complex => self.complex(attribute),
        };
        let value = match (attribute.multi_valued, self) {
            (false, _) => one,
            (true, Self::Whole) if !attribute.required => json!({"type": "array", "items": one}),
            (true, _) => json!({"type": "array", "items": one, "minItems": 1}),
        };
        described(value, &attribute.description)
    }

    fn complex(self, attribute: &Attribute) -> Value {
        let mut object = closed(&attribute.description, self.properties(&attribute.sub_attributes));
        if self == Self::Whole {
            insert(&mut object, "required", required(&attribute.sub_attributes).collect());
        }
        object
    }
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
