//! POST and PUT: a whole body becomes a document (RFC 7644 §3.3 and §3.5.1). The schemas decide which values are
//! accepted; this file adds the rules of a create and of a replace.

use serde_json::{Map, Value};

use super::faults::Faults;
use super::immutable::{self, Absent};
use super::normalise::{Hollow, Reader};
use super::sent::Sent;
use super::unfolded::unfold;
use super::{Document, normalise_document::normalise_document, order, required, schemas, unseen};
use crate::attribute_name::{self, AttributeName, BorrowedName, has_urn};
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
    let mut document = read(rt, body, None, t, &mut faults)?;
    // RFC 7643 §4.1.1 leaves the meaning of an absent `active` to the provider: a new user is active.
    if !document.0.contains_key("active") && rt.core.attribute("active").is_some() {
        document.0.insert("active".into(), Value::Bool(true));
    }
    normalise_document(rt, &mut document, t, &mut faults);
    finish(rt, body, document, faults)
}

/// The document of a PUT: what the body leaves out is cleared, except the core attributes named in `keep` (also
/// `urn:…:attribute` of an extension), which stay as they are in `current`: a lost mapping must not switch people on or
/// off, nor change their license. Immutable attributes that are left out stay too, and so do values that responses do not
/// show; the required attributes of an extension that is left out stay with them.
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
    let mut document = read(rt, body, Some(current), t, &mut faults)?;
    for name in keep {
        carry_over(rt, name, body, current, &mut document);
    }
    unseen::keep(rt, body, current, &mut document);
    immutable::hold(rt, current, &mut document, Absent::Stays, t, &mut faults);
    complete(rt, body, current, &mut document);
    normalise_document(rt, &mut document, t, &mut faults);
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
    t: &mut Tolerance,
    faults: &mut Faults,
) -> Result<Document, ScimError> {
    let urns = schemas::listed(rt, body, t)?;
    let mut reader = Reader { t, faults, hollow: Hollow::Absent };
    let members = Sent::of(rt.common.attributes.iter().chain(&rt.core.attributes), body);
    let mut document = reader.known(&members, current.map(|current| &current.0), BorrowedName::of);
    for extension in rt.written_extensions() {
        let sent = member(body, &extension.id).filter(|sent| !is_empty(sent));
        let held = current.and_then(|current| current.get(&extension.id)?.as_object());
        let block = sent.and_then(|sent| read_extension(extension, sent, held, &urns, &mut reader));
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
    if has_urn(key) { Leniency::UnknownSchema } else { Leniency::UnknownAttribute }
}

fn read_extension(
    extension: &Schema,
    sent: &Value,
    held: Option<&Map<String, Value>>,
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
    let block = reader.known(&sent, held, |name| BorrowedName::within(urn, name));
    for key in sent.unknown {
        reader.unknown(Leniency::UnknownAttribute, &BorrowedName::within(urn, key).to_string());
    }
    Some(Value::Object(block))
}

/// One kept attribute of a PUT. An `active` that is sent empty is as absent: it comes from a mapping that found nothing, and
/// must not deactivate a person. Any other attribute that is sent empty is cleared.
fn carry_over(
    rt: &ResourceType,
    name: &str,
    body: &Map<String, Value>,
    current: &Document,
    document: &mut Document,
) {
    let Some((AttributeName { urn, sub: None, .. }, attribute)) = attribute_name::find(rt, name) else {
        return;
    };
    if let Some(block) = rt.block(urn.as_deref()) {
        let sent = match block.urn {
            None => Some(body),
            Some(urn) => member(body, urn).and_then(Value::as_object),
        };
        let is_sent = sent.is_some_and(|sent| member(sent, &attribute.name).is_some());
        let is_cleared = is_sent && !block.name(&attribute.name).is_name("active", None);
        if let Some(held) = block.members(&current.0).filter(|_| !is_cleared) {
            block.fill(&mut document.0, |new| copy(attribute, held, new));
        }
    }
}

/// Where values of an extension stay although the body leaves the extension out, its required attributes stay with them:
/// otherwise the PUT would be refused because they are missing. A required extension must be sent.
fn complete(rt: &ResourceType, body: &Map<String, Value>, current: &Document, document: &mut Document) {
    for block in rt.blocks().filter(|block| !block.required) {
        let is_sent = block.urn.and_then(|urn| member(body, urn)).is_some_and(|sent| !is_empty(sent));
        if let Some(held) = block.members(&current.0).filter(|_| !is_sent) {
            block.edit(&mut document.0, |left| {
                block.attributes().filter(|a| a.required).for_each(|attribute| copy(attribute, held, left));
            });
        }
    }
}

/// Puts the attribute of this name back as it is in `current`, where `document` has none.
pub fn keep(rt: &ResourceType, name: &str, current: &Document, document: &mut Document) {
    let Some((name, attribute)) = attribute_name::find(rt, name) else { return };
    let Some(block) = rt.block(name.urn.as_deref()) else { return };
    if let Some(held) = block.members(&current.0) {
        block.fill(&mut document.0, |new| copy(attribute, held, new));
    }
}

fn copy(attribute: &Attribute, from: &Map<String, Value>, to: &mut Map<String, Value>) {
    if let Some(value) = from.get(&attribute.name) {
        to.entry(&attribute.name).or_insert_with(|| value.clone());
    }
}

/// [`super::take_members`] distinguishes an empty `members`, which clears them, from an absent one.
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
