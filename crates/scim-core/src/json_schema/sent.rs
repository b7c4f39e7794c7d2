//! What a client may send for a resource: the bodies that [`crate::resource`] accepts, as JSON Schema.

use serde_json::{Map, Value, json};

use super::fragment::{ANYTHING, NOTHING, TEXT, described, insert, optional, or_null, simple};
use crate::ResourceType;
use crate::resource::{MAX_KEY, is_reference_by_value};
use crate::schema::{Attribute, Block, Mutability, Schema, Type};

/// A value in a unique index is on one line.
const KEY: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// The same, and not blank.
const REQUIRED_KEY: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
/// RFC 4648 §4, without unused bits; the padding may be left out (RFC 7643 §2.3.6).
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw](==)?|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=?)?$";

/// A whole resource as a POST or a PUT may send it. A strict tenant refuses attributes that no schema knows; others drop them.
#[must_use]
pub fn sent(rt: &ResourceType, strict: bool) -> Value {
    let form = Form {
        open: !strict,
        spelled_booleans: !strict,
        hollow_elements: true,
        bare_references: !strict,
        empty_objects: true,
    };
    let mut resource = sent_attributes(rt, form);
    let urns: Vec<&str> = rt.schemas().map(|s| s.id.as_str()).collect();
    let items = if strict { json!({"enum": urns}) } else { json!({"type": "string", "pattern": TEXT}) };
    let schemas = json!({"type": "array", "items": items, "minItems": 1, "contains": {"const": rt.core.id}});
    let mut required = if strict { vec!["schemas"] } else { Vec::new() };
    let core = rt.core.attributes.iter().filter(|a| a.required && a.mutability != Mutability::ReadOnly);
    required.extend(core.map(|a| a.name.as_str()));
    required.extend(rt.extensions.iter().filter(|e| e.required).map(|e| e.schema.id.as_str()));
    if let Some(Value::Object(properties)) = resource.get_mut("properties") {
        properties.insert("schemas".into(), schemas_of(schemas, strict));
    }
    insert(&mut resource, "required", required.into());
    if strict && rt.written_extensions().next().is_some() {
        insert(&mut resource, "allOf", rt.written_extensions().map(listed).collect());
    }
    resource
}

/// The `schemas` of a body: a lenient tenant may leave it out, because the endpoint names the type.
#[must_use]
pub fn schemas_of(listed: Value, strict: bool) -> Value {
    if strict { listed } else { json!({"anyOf": [listed, {"enum": [null, "", []]}]}) }
}

/// RFC 7643 §3: a body with data of an extension lists its URN.
fn listed(extension: &Schema) -> Value {
    json!({"anyOf": [
        {"properties": {&extension.id: {"$ref": NOTHING}}},
        {"properties": {"schemas": {"contains": {"const": extension.id}}}},
    ]})
}

/// Which forms beside the RFC's are described.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// Members that no schema knows are accepted.
    open: bool,
    /// `"True"` for `true`.
    spelled_booleans: bool,
    /// Elements that lack required sub-attributes because they are empty.
    hollow_elements: bool,
    /// A `manager` without an object around its id.
    bare_references: bool,
    /// `{}` for an absent simple value; a PATCH reads it as a value of another type.
    empty_objects: bool,
}

impl Form {
    pub(super) const EXACT: Self = Self {
        open: false,
        spelled_booleans: false,
        hollow_elements: false,
        bare_references: false,
        empty_objects: false,
    };

    /// The values of a PATCH.
    pub(super) fn of_patch(strict: bool) -> Self {
        Self { bare_references: !strict, ..Self::EXACT }
    }

    /// A value, or one that counts as absent.
    fn optional(self, attribute: &Attribute, value: &Value) -> Value {
        if self.empty_objects || attribute.kind == Type::Complex {
            optional(value)
        } else {
            json!({"anyOf": [value, {"enum": [null, "", []]}]})
        }
    }
}

/// All that a client may write; nothing is required.
pub(super) fn sent_attributes(rt: &ResourceType, form: Form) -> Value {
    let own = rt.block(None).into_iter().flat_map(Block::attributes);
    let own = own.map(|attribute| (attribute.name.clone(), sent_attribute(attribute, form)));
    let extensions = rt.extension_schemas().map(|schema| (schema.id.clone(), sent_extension(schema, form)));
    object_of(own.chain(extensions).collect(), form)
}

pub(super) fn sent_extension(extension: &Schema, form: Form) -> Value {
    if extension.is_read_only() {
        return ignored(&extension.description);
    }
    optional(&described(object(&extension.attributes, form), &extension.description))
}

/// An object of these attributes.
pub(super) fn object(attributes: &[Attribute], form: Form) -> Value {
    let properties: Map<String, Value> =
        attributes.iter().map(|a| (a.name.clone(), sent_attribute(a, form))).collect();
    let mut object = object_of(properties, form);
    let written = attributes.iter().filter(|a| a.required && a.mutability != Mutability::ReadOnly);
    let required: Vec<&str> = written.map(|a| a.name.as_str()).collect();
    if !required.is_empty() {
        insert(&mut object, "required", required.into());
    }
    object
}

/// The object that replaces the elements that a path selects: it is not empty.
pub(super) fn chosen_element(attribute: &Attribute, form: Form) -> Value {
    let part = |sub: &Attribute| match (sub.mutability, sent_value(sub, form)) {
        (Mutability::ReadOnly, _) => ignored(&sub.description),
        (_, mut value) => {
            if value.get("type").is_some_and(|kind| kind == "string") {
                insert(&mut value, "minLength", 1.into());
            }
            value
        }
    };
    let subs = attribute.sub_attributes.iter();
    let mut element = object_of(subs.map(|sub| (sub.name.clone(), part(sub))).collect(), form);
    if attribute.sub_attribute("value").is_some() {
        insert(&mut element, "required", json!(["value"]));
    } else {
        insert(&mut element, "minProperties", 1.into());
    }
    element
}

/// A readOnly attribute is accepted and ignored, whatever its value (RFC 7644 §3.3).
fn ignored(description: &str) -> Value {
    json!({"readOnly": true, "description": format!("Ignored. {description}")})
}

pub(super) fn sent_attribute(attribute: &Attribute, form: Form) -> Value {
    match attribute.mutability {
        Mutability::ReadOnly => ignored(&attribute.description),
        _ if attribute.required => whole_value(attribute, form),
        // Only null clears members, so that a mapping without a result empties no group.
        _ if is_set(attribute) && !form.hollow_elements => or_null(&whole_value(attribute, form)),
        _ => form.optional(attribute, &whole_value(attribute, form)),
    }
}

/// Elements that a PATCH adds and removes one by one: members.
fn is_set(attribute: &Attribute) -> bool {
    attribute.multi_valued && attribute.sub_attributes.iter().any(|sub| sub.required)
}

/// A value of the whole attribute that does not count as absent.
fn whole_value(attribute: &Attribute, form: Form) -> Value {
    let one = sent_value(attribute, form);
    if !attribute.multi_valued {
        return one;
    }
    let items = match (is_set(attribute), form.hollow_elements) {
        (false, _) => form.optional(attribute, &one),
        (true, false) => element_of_set(attribute),
        (true, true) => json!({"anyOf": [one, {"$ref": NOTHING}, hollow(attribute, form)]}),
    };
    described(json!({"type": "array", "items": items}), &attribute.description)
}

/// An element as a PATCH names it.
fn element_of_set(attribute: &Attribute) -> Value {
    let part = |a: &Attribute| match (a.required, a.kind) {
        (true, _) => sent_value(a, Form::EXACT),
        (false, Type::Reference) => ignored(&a.description),
        (false, _) => or_null(&sent_value(a, Form::EXACT)),
    };
    let subs = || attribute.sub_attributes.iter();
    let mut element = object_of(subs().map(|a| (a.name.clone(), part(a))).collect(), Form::EXACT);
    let required: Vec<&str> = subs().filter(|a| a.required).map(|a| a.name.as_str()).collect();
    insert(&mut element, "required", required.into());
    element
}

/// An object whose known members are empty: it is dropped, whatever the attribute requires.
fn hollow(attribute: &Attribute, form: Form) -> Value {
    let empty = |a: &Attribute| match a.mutability {
        Mutability::ReadOnly => json!({"readOnly": true}),
        _ => json!({"$ref": NOTHING}),
    };
    object_of(attribute.sub_attributes.iter().map(|a| (a.name.clone(), empty(a))).collect(), form)
}

/// One value that does not count as absent.
fn sent_value(attribute: &Attribute, form: Form) -> Value {
    let mut value = match attribute.kind {
        Type::String => string(attribute),
        Type::Reference => json!({"type": "string", "pattern": TEXT}),
        Type::Boolean if form.spelled_booleans => json!({
            "anyOf": [
                {"type": "boolean"},
                {"type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"},
            ],
        }),
        Type::Binary => json!({"type": "string", "contentEncoding": "base64", "pattern": BASE64}),
        Type::Complex if is_reference_by_value(attribute) => reference(attribute, form),
        Type::Complex => object(&attribute.sub_attributes, form),
        kind => simple(kind),
    };
    if !attribute.canonical_values.is_empty() {
        let keyword = if attribute.binding_values { "enum" } else { "examples" };
        insert(&mut value, keyword, attribute.canonical_values.clone().into());
    }
    described(value, &attribute.description)
}

/// `manager`: Entra sends it as a bare id or as an array of one too.
fn reference(attribute: &Attribute, form: Form) -> Value {
    let bare = json!({"type": "string", "pattern": TEXT});
    let mut whole = object(&attribute.sub_attributes, form);
    if let Some(Value::Object(parts)) = whole.get_mut("properties")
        && parts.contains_key("$ref")
    {
        let description = "Without a value, the URL of the user who is meant.";
        let url = json!({"type": "string", "pattern": "^([!-~]*/)?Users/[A-Za-z0-9-]+/?$"});
        parts.insert("$ref".into(), described(or_null(&url), description));
    }
    if !form.bare_references {
        return whole;
    }
    let only = json!({"type": "array", "items": {"anyOf": [whole, bare, {"type": "null"}]}, "maxItems": 1});
    json!({"anyOf": [whole, bare, only]})
}

fn string(attribute: &Attribute) -> Value {
    match (attribute.name.as_str(), attribute.required) {
        (_, true) => json!({"type": "string", "pattern": REQUIRED_KEY, "maxLength": MAX_KEY}),
        ("externalId", _) => json!({"type": "string", "pattern": KEY, "maxLength": MAX_KEY}),
        _ => json!({"type": "string", "pattern": TEXT}),
    }
}

fn object_of(properties: Map<String, Value>, form: Form) -> Value {
    if form.open {
        json!({
            "type": "object", "properties": properties,
            "propertyNames": {"pattern": TEXT}, "additionalProperties": {"$ref": ANYTHING},
        })
    } else {
        json!({"type": "object", "properties": properties, "additionalProperties": false})
    }
}
