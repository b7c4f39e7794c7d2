//! Responses as JSON Schema.

use serde_json::{Map, Value, json};

use super::fragment::{closed, described, insert, simple};
use crate::ResourceType;
use crate::schema::{Attribute, Block, Mutability, Returned, Schema, Type, built_in};

/// A resource as responses hold it. Only attributes that are always returned are required, because a client chooses the
/// rest (RFC 7644 §3.9).
#[must_use]
pub fn answered(rt: &ResourceType) -> Value {
    let own = || rt.block(None).into_iter().flat_map(Block::attributes);
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

/// The response of a discovery endpoint (RFC 7643 §5 to §7), as one of [`crate::schema::discovery`] describes it: whole,
/// because these endpoints have no projection.
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
            // A client's reference is kept as it was sent; the service's own is a URI.
            Type::Reference if attribute.mutability == Mutability::ReadOnly => {
                json!({"type": "string", "format": "uri"})
            }
            Type::Complex => self.complex(attribute),
            kind => simple(kind),
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
