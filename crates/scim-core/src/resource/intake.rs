//! POST and PUT: a whole body becomes a document (RFC 7644 §3.3 and §3.5.1). The schemas say what is taken;
//! here stands only what a create and a replace add to that.

use serde_json::{Map, Value};

use super::faults::Faults;
use super::immutable::{self, Absent};
use super::normalise::{Hollow, Reader};
use super::sent::Sent;
use super::unfolded::unfold;
use super::{Document, order, required, schemas, settle::settle, unseen};
use crate::attribute_name::BorrowedName;
use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Schema};
use crate::value::{is_empty, member};
use crate::{ResourceType, ScimError};

/// The document of a POST.
///
/// # Errors
/// 400 that names every fault of the body together, as far as one line holds them (MC12).
pub fn create(rt: &ResourceType, body: &Value, t: &mut Tolerance) -> Result<Document, ScimError> {
    let mut faults = Faults::default();
    let body = unfold(rt, object(body)?, t, &mut faults);
    let body = body.as_ref();
    let mut document = read(rt, body, None, (t, &mut faults))?;
    // RFC 7643 §4.1.1 leaves the meaning of an absent `active` to us: whoever is created is meant to work.
    if !document.0.contains_key("active") && rt.core.attribute("active").is_some() {
        document.0.insert("active".into(), Value::Bool(true));
    }
    settle(rt, &mut document, t, &mut faults);
    finish(rt, body, document, faults)
}

/// The document of a PUT: what the body leaves out is cleared, except the core attributes named in `keep` (also
/// `urn:…:attribute` of an extension), which stay as they are in `current`: a lost mapping must not switch
/// people on or off, nor change their license. Immutable attributes that are left out stay too, and so does what answers
/// do not show; of an extension that is left out, the required attributes stay with them.
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
    let mut faults = Faults::default();
    let body = unfold(rt, object(body)?, t, &mut faults);
    let body = body.as_ref();
    let mut document = read(rt, body, Some(current), (t, &mut faults))?;
    for name in keep {
        carry_over(rt, name, body, current, &mut document);
    }
    unseen::keep(rt, body, current, &mut document);
    immutable::hold(rt, current, &mut document, Absent::Stays, (t, &mut faults));
    complete(rt, body, current, &mut document);
    settle(rt, &mut document, t, &mut faults);
    order::keep(rt, current, &mut document);
    finish(rt, body, document, faults)
}

fn object(body: &Value) -> Result<&Map<String, Value>, ScimError> {
    body.as_object().ok_or_else(|| ScimError::invalid_syntax("The body must be a JSON object."))
}

fn read(
    rt: &ResourceType,
    body: &Map<String, Value>,
    current: Option<&Document>,
    (t, faults): (&mut Tolerance, &mut Faults),
) -> Result<Document, ScimError> {
    let urns = schemas::listed(rt, body, t)?;
    let mut reader = Reader { t, faults, hollow: Hollow::Absent };
    let attributes = rt.common.attributes.iter().chain(&rt.core.attributes);
    let members = Sent::of(attributes, body);
    let mut document = reader.known((&members, current.map(|current| &current.0)), BorrowedName::of);
    for extension in rt.written_extensions() {
        let sent = member(body, &extension.id).filter(|sent| !is_empty(sent));
        let held = current.and_then(|current| current.get(&extension.id)?.as_object());
        let block = sent.and_then(|sent| read_extension(extension, (sent, held), &urns, &mut reader));
        if let Some(block) = block {
            document.insert(extension.id.clone(), block);
        }
    }
    for key in members.unknown.into_iter().filter(|key| rt.extension(key).is_none()) {
        reader.unknown(unknown_kind(key), key);
    }
    Ok(Document(document))
}

/// A block under a URN is data of a schema that this tenant doesn't have.
fn unknown_kind(key: &str) -> Leniency {
    let is_urn = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    if is_urn { Leniency::UnknownSchema } else { Leniency::UnknownAttribute }
}

fn read_extension(
    extension: &Schema,
    (sent, held): (&Value, Option<&Map<String, Value>>),
    listed: &[&str],
    reader: &mut Reader<'_>,
) -> Option<Value> {
    let urn = extension.id.as_str();
    let Some(sent) = sent.as_object() else {
        reader.faults.refuse(BorrowedName::of(urn), BorrowedName::of(urn).must_be("an object"));
        return None;
    };
    if !schemas::holds(listed, urn) {
        let allowed = reader.t.allow(Leniency::MissingExtensionUrn, urn, || {
            ScimError::invalid_syntax(format!("schemas must hold {urn}, of which there is data."))
        });
        reader.faults.keep(allowed);
    }
    let sent = Sent::of(extension.attributes.iter(), sent);
    let block = reader.known((&sent, held), |name| BorrowedName::within(urn, name));
    for key in sent.unknown {
        reader.unknown(Leniency::UnknownAttribute, &BorrowedName::within(urn, key).to_string());
    }
    Some(Value::Object(block))
}

/// One kept attribute of a PUT. An `active` that is sent empty is as absent: it comes from a mapping that found nothing, and
/// must not switch a person off. Any other one that is sent empty is cleared.
fn carry_over(
    rt: &ResourceType,
    name: &str,
    body: &Map<String, Value>,
    current: &Document,
    document: &mut Document,
) {
    if let Some(attribute) = rt.core.attribute(name) {
        let is_cleared = member(body, &attribute.name).is_some() && attribute.name != "active";
        if !is_cleared && !document.0.contains_key(&attribute.name) {
            copy(&attribute.name, &current.0, &mut document.0);
        }
        return;
    }
    let Some((extension, attribute)) = extension_attribute(rt, name) else {
        return;
    };
    let sent = member(body, &extension.id).and_then(Value::as_object);
    if sent.is_some_and(|block| member(block, &attribute.name).is_some()) {
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

/// What stays of an extension that the body leaves out must not be refused for the lack of what the client did not speak
/// of either: its required attributes stay beside it. One that every resource must have is to be sent.
fn complete(rt: &ResourceType, body: &Map<String, Value>, current: &Document, document: &mut Document) {
    for schema in rt.extensions.iter().filter(|e| !e.required).map(|e| &e.schema) {
        if member(body, &schema.id).is_some_and(|sent| !is_empty(sent)) {
            continue;
        }
        if let (Some(Value::Object(held)), Some(Value::Object(left))) =
            (current.get(&schema.id), document.0.get_mut(&schema.id))
            && !left.is_empty()
        {
            let required = schema.attributes.iter().filter(|a| a.required && !left.contains_key(&a.name));
            let required: Vec<&str> = required.map(|a| a.name.as_str()).collect();
            required.into_iter().for_each(|name| copy(name, held, left));
        }
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

/// An empty `members` says "nobody", an absent one says nothing: [`super::take_members`] must still see which.
fn finish(
    rt: &ResourceType,
    body: &Map<String, Value>,
    mut document: Document,
    mut faults: Faults,
) -> Result<Document, ScimError> {
    required::check(rt, None, &document, &mut faults);
    faults.into_result()?;
    if rt.core.attribute("members").is_some() && member(body, "members").is_some() {
        document.0.entry("members").or_insert_with(|| Value::Array(Vec::new()));
    }
    Ok(document)
}
