//! A body is refused in words, or becomes a document that conforms to its schema: sent back as it is, it changes nothing, for a
//! strict tenant too.

use std::collections::HashSet;

use scim_core::leniency::Tolerance;
use scim_core::patch::PatchRequest;
use scim_core::projection::Projection;
use scim_core::resource::{self, Meta, Parts};
use scim_core::schema::{Attribute, Mutability, Type};
use scim_core::{Document, ResourceType, json};
use serde_json::{Map, Value};

use crate::grammar::{Choices, resources};
use crate::refusal::taken;
use crate::types::{TYPES, tolerances};

/// The property over a body as text.
///
/// # Panics
/// When it does not hold.
pub fn text(bytes: &[u8]) {
    let Ok(body) = json::parse(bytes, &json::Limits::SCIM) else { return };
    for rt in &*TYPES {
        holds(rt, &body);
    }
}

/// The property over a body and a projection that the bytes choose.
///
/// # Panics
/// When it does not hold.
pub fn made(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let rt = choices.one_of(&*TYPES);
    let body = Value::Object(resources::body(&mut choices, rt));
    if let Some(document) = holds(rt, &body) {
        let (attributes, excluded) = (resources::names(&mut choices, rt), resources::names(&mut choices, rt));
        projects(rt, &document, &attributes, &excluded);
    }
}

/// What a lenient tenant makes of the body.
fn holds(rt: &ResourceType, body: &Value) -> Option<Document> {
    let [lenient, strict] = tolerances().map(|mut tolerance| created(rt, body, &mut tolerance));
    if strict.as_ref().is_some_and(|document| !is_literal(document)) {
        assert_eq!(lenient, strict, "what a strict tenant may say means the same to all");
    }
    lenient
}

/// The document of a POST, checked; without a group's members, which are kept elsewhere.
pub(crate) fn created(rt: &ResourceType, body: &Value, tolerance: &mut Tolerance) -> Option<Document> {
    let mut document = taken(resource::create(rt, body, tolerance))?;
    if let Some(members) = resource::take_members(&mut document) {
        let ids: HashSet<&str> = members.iter().map(|member| member.value.as_str()).collect();
        assert_eq!(ids.len(), members.len(), "a member is held once");
    }
    assert_is_normalised(rt, &document);
    Some(document)
}

/// Everything that holds for a document, whatever wrote it.
#[track_caller]
pub(crate) fn assert_is_normalised(rt: &ResourceType, document: &Document) {
    assert_conforms(rt, document);
    assert_eq!(Document::from_stored(&document.to_stored()).as_ref().ok(), Some(document), "stored and read");
    let again = PatchRequest::default().apply(rt, document, &mut Tolerance::strict());
    assert_eq!(again.as_ref(), Ok(document), "normalised twice");
    let body = Value::Object(body_of(rt, document));
    for mut tolerance in tolerances().into_iter().filter(|t| t.mode.is_strict() || !is_literal(document)) {
        let replaced = resource::replace(rt, &body, document, &[], &mut tolerance);
        assert_eq!(replaced.as_ref(), Ok(document), "sent back as it was answered");
    }
}

/// What a strict tenant alone takes literally (`InStrict::Literal`): elements that are a label and no value.
fn is_literal(document: &Document) -> bool {
    let is_label = |element: &Value| {
        element.as_object().is_some_and(|parts| parts.keys().all(|key| key == "type" || key == "primary"))
    };
    let blocks = document.0.values().filter_map(Value::as_object).flat_map(Map::values);
    let mut lists = document.0.values().chain(blocks).filter_map(Value::as_array);
    lists.any(|elements| elements.iter().any(is_label))
}

/// The body by which a client would send exactly this document.
pub(crate) fn body_of(rt: &ResourceType, document: &Document) -> Map<String, Value> {
    let urns = std::iter::once(rt.core.id.as_str()).chain(document.extension_urns(rt));
    let mut body = Map::from_iter([("schemas".to_owned(), urns.collect())]);
    body.extend(document.0.clone());
    body
}

/// The rules of RFC 7643 §2 for a stored document, stated a second time.
#[track_caller]
fn assert_conforms(rt: &ResourceType, document: &Document) {
    for (name, value) in &document.0 {
        if let Some(attribute) = rt.attribute(name) {
            assert_attribute(attribute, name, value);
            assert_ne!(name, "schemas");
            continue;
        }
        let extension = rt.extension(name).unwrap_or_else(|| panic!("{name} is no attribute"));
        assert_eq!(extension.id, *name);
        let block = value.as_object().unwrap();
        assert!(!block.is_empty(), "{name} is empty");
        for (name, value) in block {
            assert_attribute(extension.attribute(name).unwrap(), name, value);
        }
    }
    let required = rt.core.attributes.iter().filter(|a| a.required && a.mutability != Mutability::ReadOnly);
    for attribute in required.filter(|a| a.name != "members") {
        assert!(document.get(&attribute.name).is_some(), "{} is missing", attribute.name);
    }
}

#[track_caller]
fn assert_attribute(attribute: &Attribute, name: &str, value: &Value) {
    assert_eq!(attribute.name, name, "the schema's spelling");
    assert!(
        matches!(attribute.mutability, Mutability::ReadWrite | Mutability::Immutable),
        "{name} is not the client's to keep"
    );
    if !attribute.multi_valued {
        return assert_value(attribute, value);
    }
    let elements = value.as_array().unwrap();
    assert!((1..=resource::MAX_ELEMENTS).contains(&elements.len()));
    elements.iter().for_each(|element| assert_value(attribute, element));
    let primaries = elements.iter().filter(|element| element.get("primary") == Some(&Value::Bool(true)));
    assert!(primaries.count() <= 1, "{name} has one primary");
}

#[track_caller]
fn assert_value(attribute: &Attribute, value: &Value) {
    let name = &attribute.name;
    match attribute.kind {
        Type::String | Type::Reference | Type::DateTime | Type::Binary => {
            let text = value.as_str().unwrap_or_else(|| panic!("{name} is no text: {value}"));
            assert!((1..=resource::MAX_STRING).contains(&text.len()), "{name}");
        }
        Type::Boolean => assert!(value.is_boolean(), "{name}: {value}"),
        Type::Decimal => assert!(value.is_number(), "{name}: {value}"),
        Type::Integer => assert!(value.is_i64(), "{name}: {value}"),
        Type::Complex => {
            let members = value.as_object().unwrap_or_else(|| panic!("{name} is no object: {value}"));
            assert!(!members.is_empty(), "{name}");
            for (name, value) in members {
                let sub = attribute.sub_attribute(name).unwrap_or_else(|| panic!("{name} is unknown"));
                assert_attribute(sub, name, value);
            }
        }
    }
}

/// A response holds a part of the resource, always with its id and its schemas (RFC 7644 §3.9).
fn projects(rt: &ResourceType, document: &Document, attributes: &str, excluded: &str) {
    let meta = Meta {
        created: "2026-01-31T08:00:00.000Z",
        last_modified: "2026-02-28T09:30:00.000Z",
        version: "W/\"3\"",
        location: "https://usher.example/ire/acme/scim/v2/Users/1",
    };
    let whole = resource::render(rt, Parts { id: "1", document, computed: Vec::new(), meta });
    for (attributes, excluded) in [(Some(attributes), None), (None, Some(excluded)), (None, None)] {
        let projection = Projection::parse(rt, attributes, excluded).unwrap();
        let mut part = whole.clone();
        projection.apply(rt, &mut part);
        assert!(part.contains_key("id") && part.contains_key("schemas"));
        assert!(part.iter().all(|(name, value)| is_part_of(value, &whole[name])));
        let once = part.clone();
        projection.apply(rt, &mut part);
        assert_eq!(part, once, "projected twice");
    }
}

fn is_part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|whole| is_part_of(value, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.iter().all(|element| whole.iter().any(|whole| is_part_of(element, whole)))
        }
        _ => part == whole,
    }
}
