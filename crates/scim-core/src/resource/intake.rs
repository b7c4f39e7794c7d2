//! POST and PUT: a whole body becomes a document (RFC 7644 §3.3 and §3.5.1). The schemas say what is taken;
//! here stands only what a create and a replace add to that.

use serde_json::{Map, Value};

use super::faults::Faults;
use super::normalise::{is_nothing, known, member, unknown};
use super::place::Place;
use super::{Document, schemas, settle};
use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Mutability, Schema, is_seat};
use crate::{ResourceType, ScimError};

/// The document of a POST.
///
/// # Errors
/// 400, with every fault of type or, when there is none, every missing attribute named.
pub fn create(rt: &ResourceType, body: &Value, t: &mut Tolerance) -> Result<Document, ScimError> {
    let body = object(body)?;
    let mut document = read(rt, body, t)?;
    // RFC 7643 §4.1.1 leaves the meaning of an absent `active` to us: whoever is created is meant to work.
    if rt.core.attribute("active").is_some() {
        document.0.entry("active").or_insert(Value::Bool(true));
    }
    finish(rt, body, document, t)
}

/// The document of a PUT: what the body leaves out is cleared, except the core attributes named in `keep` (also
/// `urn:…:attribute` of an extension), which stay as they are in `current`: a lost mapping must not switch
/// people on or off, nor change their license.
///
/// # Errors
/// As [`create`]; 400 `mutability` when an immutable attribute changes.
pub fn replace(
    rt: &ResourceType,
    body: &Value,
    current: &Document,
    keep: &[&str],
    t: &mut Tolerance,
) -> Result<Document, ScimError> {
    let body = object(body)?;
    let mut document = read(rt, body, t)?;
    for name in keep {
        carry_over(rt, name, body, current, &mut document);
    }
    for schema in rt.schemas() {
        hold_immutable(rt, schema, current, &mut document)?;
    }
    finish(rt, body, document, t)
}

fn object(body: &Value) -> Result<&Map<String, Value>, ScimError> {
    body.as_object().ok_or_else(|| ScimError::invalid_syntax("The body must be a JSON object."))
}

fn read(rt: &ResourceType, body: &Map<String, Value>, t: &mut Tolerance) -> Result<Document, ScimError> {
    let urns = schemas::listed(rt, body, t)?;
    let mut faults = Faults::default();
    let attributes = rt.common.attributes.iter().chain(&rt.core.attributes);
    let mut document = known(attributes, body, Place::of, t, &mut faults);
    for extension in rt.extensions.iter().filter(|s| !is_seat(&s.id)) {
        let Some(sent) = member(body, &extension.id) else {
            continue;
        };
        let block = faults.keep(read_extension(extension, sent, &urns, t)).flatten();
        document.extend(block.map(|block| (extension.id.clone(), block)));
    }
    for key in body.keys().filter(|key| rt.attribute(key).is_none() && rt.extension(key).is_none()) {
        faults.keep(unknown(unknown_kind(key), key, t));
    }
    faults.into_result().map(|()| Document(document))
}

/// A block under a URN is data of a schema that this tenant doesn't have.
fn unknown_kind(key: &str) -> Leniency {
    let is_urn = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    if is_urn { Leniency::UnknownSchema } else { Leniency::UnknownAttribute }
}

fn read_extension(
    extension: &Schema,
    sent: &Value,
    listed: &[&str],
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    if is_nothing(sent) {
        return Ok(None);
    }
    let urn = extension.id.as_str();
    let sent = sent.as_object().ok_or_else(|| Place::of(urn).must_be("an object"))?;
    if !schemas::holds(listed, urn) {
        t.note(Leniency::MissingExtensionUrn, urn);
    }
    let mut faults = Faults::default();
    let at = |name| Place::within(urn, name);
    let block = known(extension.attributes.iter(), sent, at, t, &mut faults);
    for key in sent.keys().filter(|key| extension.attribute(key).is_none()) {
        faults.keep(unknown(Leniency::UnknownAttribute, &Place::within(urn, key).to_string(), t));
    }
    faults.into_result().map(|()| Some(Value::Object(block)))
}

/// One kept attribute of a PUT. `null` and `""` are the same as absent: they come from mappings that found nothing.
fn carry_over(
    rt: &ResourceType,
    name: &str,
    body: &Map<String, Value>,
    current: &Document,
    document: &mut Document,
) {
    if let Some(attribute) = rt.core.attribute(name) {
        if member(body, &attribute.name).is_none_or(is_nothing) {
            copy(&attribute.name, &current.0, &mut document.0);
        }
        return;
    }
    let Some((extension, attribute)) = extension_attribute(rt, name) else {
        return;
    };
    let sent = member(body, &extension.id).and_then(Value::as_object);
    if sent.and_then(|block| member(block, &attribute.name)).is_some_and(|value| !is_nothing(value)) {
        return;
    }
    let Some(Value::Object(from)) = current.get(&extension.id) else {
        return;
    };
    let block = document.0.entry(&extension.id).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(block) = block {
        copy(&attribute.name, from, block);
    }
}

fn extension_attribute<'a>(rt: &'a ResourceType, name: &str) -> Option<(&'a Schema, &'a Attribute)> {
    let (urn, attribute) = name.rsplit_once(':')?;
    let extension = rt.extension(urn)?;
    Some((extension, extension.attribute(attribute)?))
}

fn copy(name: &str, from: &Map<String, Value>, to: &mut Map<String, Value>) {
    if let Some(value) = from.get(name) {
        to.insert(name.to_owned(), value.clone());
    }
}

/// RFC 7644 §3.5.1: an immutable attribute that has a value keeps it; another value is refused.
fn hold_immutable(
    rt: &ResourceType,
    schema: &Schema,
    current: &Document,
    document: &mut Document,
) -> Result<(), ScimError> {
    let is_core = schema.id == rt.core.id;
    for attribute in schema.attributes.iter().filter(|a| a.mutability == Mutability::Immutable) {
        let (from, to) = if is_core {
            (Some(&current.0), &mut document.0)
        } else {
            let block = document.0.entry(&schema.id).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(block) = block else { continue };
            (current.get(&schema.id).and_then(Value::as_object), block)
        };
        let Some(held) = from.and_then(|from| from.get(&attribute.name)) else {
            continue;
        };
        if to.get(&attribute.name).is_some_and(|sent| sent != held) {
            return Err(ScimError::mutability(format!("{} cannot be changed.", attribute.name)));
        }
        to.insert(attribute.name.clone(), held.clone());
    }
    Ok(())
}

/// An empty `members` says "nobody", an absent one says nothing: [`super::take_members`] must still see which.
fn finish(
    rt: &ResourceType,
    body: &Map<String, Value>,
    mut document: Document,
    t: &mut Tolerance,
) -> Result<Document, ScimError> {
    settle(rt, &mut document, t)?;
    if rt.core.attribute("members").is_some() && member(body, "members").is_some() {
        document.0.entry("members").or_insert_with(|| Value::Array(Vec::new()));
    }
    Ok(document)
}
