//! From what a client sent for one attribute to its canonical form, by the attribute's characteristics alone.

use serde_json::{Map, Value};

use super::faults::Faults;
use super::place::Place;
use super::simple::simple;
use super::{MAX_ELEMENTS, MAX_MEMBERS};
use crate::ScimError;
use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Mutability, Type};

/// Room for what an object of a body can leave behind; attack 38 sends more members than that.
const MAX_EXPECTED: usize = 32;

/// The canonical form of one attribute's whole value (an array for a multi-valued one); `None` when nothing is
/// left. `at` is the attribute's full name, for error texts.
///
/// # Errors
/// 400 `invalidValue` for a value that is not of the attribute's type; a strict tenant's 400s.
pub fn normalise(
    attribute: &Attribute,
    value: &Value,
    at: &str,
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    whole(attribute, value, Place::of(at), t)
}

/// The same for one element of a multi-valued attribute.
///
/// # Errors
/// As [`normalise`].
pub fn normalise_element(
    attribute: &Attribute,
    value: &Value,
    at: &str,
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    single(attribute, value, Place::of(at), t)
}

/// `""`, `null`, `[]` and `{}` are the same as absent (RFC 7643 §2.5; the string is Okta's and Entra's).
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

pub(super) fn whole(
    attribute: &Attribute,
    value: &Value,
    at: Place<'_>,
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    if !attribute.multi_valued {
        return single(attribute, value, at, t);
    }
    match value {
        Value::Array(elements) => many(attribute, elements, at, t),
        _ if is_absent(value, at, t) => Ok(None),
        _ => Err(at.must_be("an array")),
    }
}

fn many(
    attribute: &Attribute,
    elements: &[Value],
    at: Place<'_>,
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    not_too_many(attribute, elements.len())?;
    let mut faults = Faults::default();
    let kept: Vec<Value> =
        elements.iter().filter_map(|e| faults.keep(single(attribute, e, at, t)).flatten()).collect();
    faults.into_result()?;
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// Attack 38: a bound on what one attribute may hold.
pub(super) fn not_too_many(attribute: &Attribute, count: usize) -> Result<(), ScimError> {
    let most = if attribute.name == "members" { MAX_MEMBERS } else { MAX_ELEMENTS };
    if count <= most {
        return Ok(());
    }
    Err(ScimError::invalid_value(format!("{} may hold at most {most} values.", attribute.name)))
}

fn single(
    attribute: &Attribute,
    value: &Value,
    at: Place<'_>,
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    if is_absent(value, at, t) {
        return Ok(None);
    }
    if attribute.kind == Type::Complex {
        return complex(attribute, value, at, t);
    }
    simple(attribute, value, at, t).map(Some)
}

fn is_absent(value: &Value, at: Place<'_>, t: &mut Tolerance) -> bool {
    if value.as_str() == Some("") {
        t.note(Leniency::NullOrEmpty, &at.to_string());
    }
    is_nothing(value)
}

fn complex(
    attribute: &Attribute,
    value: &Value,
    at: Place<'_>,
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    match value {
        Value::Object(members) => sub_attributes(attribute, members, at, t),
        _ if is_reference_by_value(attribute) => manager_shape(attribute, value, at, t),
        _ => Err(at.must_be("an object")),
    }
}

/// `manager`: one object whose point is its `value`.
fn is_reference_by_value(attribute: &Attribute) -> bool {
    !attribute.multi_valued && attribute.sub_attribute("value").is_some()
}

/// Entra sends a manager as a bare id or as an array of one; answers hold the RFC's object.
fn manager_shape(
    attribute: &Attribute,
    value: &Value,
    at: Place<'_>,
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    t.note(Leniency::ManagerShape, &at.to_string());
    let only = match value {
        Value::Array(elements) => match elements.as_slice() {
            [only] => only,
            _ => return Err(at.must_be("one object, not several")),
        },
        other => other,
    };
    match only {
        Value::Object(members) => sub_attributes(attribute, members, at, t),
        Value::String(id) => {
            let members = Map::from_iter([("value".to_owned(), Value::from(id.as_str()))]);
            sub_attributes(attribute, &members, at, t)
        }
        Value::Null => Ok(None),
        _ => Err(at.must_be("an object with a value")),
    }
}

fn sub_attributes(
    attribute: &Attribute,
    sent: &Map<String, Value>,
    at: Place<'_>,
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    let mut faults = Faults::default();
    let subs = attribute.sub_attributes.as_slice();
    let kept = known(subs.iter(), sent, |name| at.sub(name), t, &mut faults);
    for key in sent.keys().filter(|key| attribute.sub_attribute(key).is_none()) {
        faults.keep(unknown(Leniency::UnknownAttribute, &at.sub(key).to_string(), t));
    }
    if !kept.is_empty() {
        for sub in subs.iter().filter(|s| s.required && !kept.contains_key(&s.name)) {
            faults.add(at.sub(&sub.name).must_be("given"));
        }
    }
    faults.into_result().map(|()| (!kept.is_empty()).then_some(Value::Object(kept)))
}

/// What these attributes take from an object, in their own order. RFC 7644 §3.3: readOnly values are ignored. A
/// writeOnly one (a password) is checked and goes no further.
pub(super) fn known<'a>(
    attributes: impl Iterator<Item = &'a Attribute>,
    sent: &Map<String, Value>,
    at: impl Fn(&'a str) -> Place<'a>,
    t: &mut Tolerance,
    faults: &mut Faults,
) -> Map<String, Value> {
    let mut kept = Map::with_capacity(sent.len().min(MAX_EXPECTED));
    for attribute in attributes.filter(|a| a.mutability != Mutability::ReadOnly) {
        let Some(value) = member(sent, &attribute.name) else {
            continue;
        };
        let value = faults.keep(whole(attribute, value, at(&attribute.name), t)).flatten();
        let stored = value.filter(|_| attribute.mutability != Mutability::WriteOnly);
        kept.extend(stored.map(|value| (attribute.name.clone(), value)));
    }
    kept
}

/// The member of this name, letter case ignored (RFC 7643 §2.1).
pub(super) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// An attribute that no schema knows is dropped and counted; a strict tenant is told (RFC 7644 §3.12).
pub(super) fn unknown(leniency: Leniency, name: &str, t: &mut Tolerance) -> Result<(), ScimError> {
    t.allow(leniency, name, || {
        let shown: String = name.chars().take(100).collect();
        ScimError::invalid_syntax(format!("No schema of this resource type has the attribute {shown}."))
    })
}
