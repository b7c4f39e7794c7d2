//! The last step of every write: POST, PUT and PATCH all leave a normalised document behind.

use serde_json::Value;

use super::elements;
use super::faults::Faults;
use super::immutable::{self, Absent};
use super::normalise::not_too_many;
use super::order::{self, names, put_in_order};
use super::{Document, MAX_KEY, MAX_RESOURCE, required};
use crate::attribute_name::BorrowedName;
use crate::fold::is_blank;
use crate::leniency::Tolerance;
use crate::schema::Attribute;
use crate::value::is_empty;
use crate::{ResourceKind, ResourceType, ScimError};

/// Removes empty values and repeated pairs of `type` and `value`, leaves one primary, and puts attributes in the schema's
/// order. A second time it changes nothing. Too long keys, too many elements, and more than [`MAX_RESOURCE`] are faults.
pub(crate) fn normalise_document(
    rt: &ResourceType,
    document: &mut Document,
    t: &mut Tolerance,
    faults: &mut Faults,
) {
    for block in rt.blocks() {
        // Extensions are at the top, behind its attributes.
        let extensions = rt.extension_schemas().filter(|_| block.urn.is_none());
        block.edit(&mut document.0, |members| {
            // Nearly always the schema's order is kept already: each search goes on where the last one ended.
            let mut ahead = block.attributes();
            members.retain(|key, value| {
                match ahead.find(|a| a.name == *key).or_else(|| block.attribute(key)) {
                    Some(attribute) => is_left(attribute, block.name(key), value, t, faults),
                    None => value.is_object() && extensions.clone().any(|extension| extension.id == *key),
                }
            });
            put_in_order(members, names(block.attributes()).chain(extensions.map(|s| s.id.as_str())));
        });
    }
    check_keys(rt, document, faults);
    if document.length() > MAX_RESOURCE {
        faults.add(ScimError::invalid_value(format!("A {} may hold at most 1 MiB.", rt.kind.name())));
    }
}

/// Gives a document into which stored values of before were put its form again. What no schema has any more is left out.
pub fn put_in_form(rt: &ResourceType, document: &mut Document) {
    // The values were judged when they were sent.
    normalise_document(rt, document, &mut Tolerance::lenient(), &mut Faults::default());
}

/// Normalises what a PATCH leaves behind and compares it with the document before it: required values that were there
/// must stay, and every immutable value keeps its place (RFC 7644 §3.5.2).
pub(crate) fn normalise_patched(
    rt: &ResourceType,
    before: &Document,
    after: &mut Document,
    t: &mut Tolerance,
    faults: &mut Faults,
) {
    normalise_document(rt, after, t, faults);
    immutable::hold(rt, before, after, Absent::Removed, t, faults);
    order::keep(rt, before, after);
    required::check(rt, Some(before), after, faults);
}

/// Tidies one attribute's value and returns whether anything is left of it.
fn is_left(
    attribute: &Attribute,
    at: BorrowedName<'_>,
    value: &mut Value,
    t: &mut Tolerance,
    faults: &mut Faults,
) -> bool {
    let Value::Array(array) = value else {
        return is_filled(attribute, value);
    };
    if let Err(fault) = not_too_many(at, array.len()) {
        faults.about(&at.to_string(), fault);
    }
    array.retain_mut(|element| is_filled(attribute, element));
    elements::tidy(attribute, array, t);
    !array.is_empty()
}

fn is_filled(attribute: &Attribute, value: &mut Value) -> bool {
    if let Value::Object(members) = value {
        members.retain(|_, member| !is_empty(member));
        put_in_order(members, names(&attribute.sub_attributes));
    }
    !is_empty(value)
}

/// An indexed value is short and on one line: a line end or a tab may be in a postal address, but not in a name (attacks
/// 24 and 42).
fn check_keys(rt: &ResourceType, document: &Document, faults: &mut Faults) {
    let keys: &[&str] = if rt.kind == ResourceKind::Group {
        &["externalId", "displayName"]
    } else {
        &["userName", "externalId"]
    };
    for name in keys {
        let Some(text) = document.str(name) else { continue };
        if text.contains(char::is_control) && !is_blank(text) {
            let fault = ScimError::invalid_value(format!("{name} must not contain control characters."));
            faults.about(name, fault);
        }
        if text.len() > MAX_KEY && text.chars().count() > MAX_KEY {
            let fault =
                ScimError::invalid_value(format!("{name} must be at most {MAX_KEY} characters long."));
            faults.about(name, fault);
        }
    }
}
