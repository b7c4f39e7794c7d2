//! The last look at a document after any write: what POST, PUT and PATCH must all leave behind.

use serde_json::{Map, Value};

use super::elements;
use super::faults::Faults;
use super::immutable::{self, Absent};
use super::normalise::not_too_many;
use super::{Document, MAX_KEY, MAX_RESOURCE, order, required};
use crate::attribute_name::BorrowedName;
use crate::fold::is_blank;
use crate::leniency::Tolerance;
use crate::schema::Attribute;
use crate::value::is_empty;
use crate::{ResourceKind, ResourceType, ScimError};

/// Leaves nothing empty, each pair of `type` and `value` once, one primary, the schema's order. Settling twice changes
/// nothing. What is wrong with the document (too long a key, too many elements, more than [`MAX_RESOURCE`]) goes to the
/// faults.
pub(crate) fn settle(rt: &ResourceType, document: &mut Document, t: &mut Tolerance, faults: &mut Faults) {
    // Mostly all stands in the schema's order already: the search for an attribute goes on where the last one ended.
    let mut ahead = rt.common.attributes.iter().chain(&rt.core.attributes);
    document.0.retain(|key, value| {
        if let Some(attribute) = ahead.find(|a| a.name == *key).or_else(|| rt.attribute(key)) {
            return is_left((attribute, BorrowedName::of(key)), value, t, faults);
        }
        let (Some(extension), Value::Object(block)) = (rt.extension(key), value) else {
            return false;
        };
        let mut ahead = extension.attributes.iter();
        block.retain(|key, value| {
            let at = BorrowedName::within(&extension.id, key);
            let attribute = ahead.find(|a| a.name == *key).or_else(|| extension.attribute(key));
            attribute.is_some_and(|attribute| is_left((attribute, at), value, t, faults))
        });
        put_in_order(block, names(&extension.attributes));
        !block.is_empty()
    });
    let extensions = rt.extension_schemas().map(|s| s.id.as_str());
    let order = names(&rt.common.attributes).chain(names(&rt.core.attributes)).chain(extensions);
    put_in_order(&mut document.0, order);
    check_keys(rt, document, faults);
    if document.length() > MAX_RESOURCE {
        faults.add(ScimError::invalid_value(format!("A {} may hold at most 1 MiB.", rt.kind.name())));
    }
}

/// What a PATCH leaves behind, held against what was there: settled, with nothing missing that was not missing before,
/// and every immutable value in its place (RFC 7644 §3.5.2).
pub(crate) fn settle_patched(
    rt: &ResourceType,
    before: &Document,
    after: &mut Document,
    t: &mut Tolerance,
    faults: &mut Faults,
) {
    settle(rt, after, t, faults);
    immutable::hold(rt, before, after, Absent::Removed, (t, faults));
    order::keep(rt, before, after);
    required::check(rt, Some(before), after, faults);
}

/// Tidies one attribute's value and tells whether anything is left of it.
fn is_left(
    (attribute, at): (&Attribute, BorrowedName<'_>),
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

/// Answers list attributes in the order of the schema, whatever order they were written in.
pub(super) fn put_in_order<'a>(
    members: &mut Map<String, Value>,
    names: impl Iterator<Item = &'a str> + Clone,
) {
    let mut rest = names.clone();
    if members.keys().all(|key| rest.any(|name| name == key)) {
        return;
    }
    let mut unordered = std::mem::take(members);
    members.extend(names.filter_map(|name| unordered.swap_remove_entry(name)));
}

pub(super) fn names(attributes: &[Attribute]) -> impl Iterator<Item = &str> + Clone {
    attributes.iter().map(|a| a.name.as_str())
}

/// What stands in an index is short and on one line: a line end or a tab may stand in a postal address, not in a name
/// (attacks 24 and 42).
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
