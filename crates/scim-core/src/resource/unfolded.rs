//! Keys of a POST or a PUT that are paths: core attributes in a block under the core schema's own URN, and flat keys such
//! as `urn:…:User:active` or `name.givenName`. Some servers respond in this form, and their clients send it back. A PATCH
//! without a path accepts such keys, so POST and PUT do too.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::faults::Faults;
use crate::attribute_name::{self, AttributeName};
use crate::leniency::{Leniency, Tolerance};
use crate::path::Path;
use crate::schema::{Attribute, Mutability};
use crate::value::{is_empty, member};
use crate::{ResourceType, ScimError};

/// The body with every attribute where RFC 7643 §3 has it.
pub(super) fn unfold<'b>(
    rt: &ResourceType,
    body: &'b Map<String, Value>,
    t: &mut Tolerance,
    faults: &mut Faults,
) -> Cow<'b, Map<String, Value>> {
    if !body.keys().any(|key| is_folded(rt, key)) {
        return Cow::Borrowed(body);
    }
    let (folded, plain): (Vec<_>, Vec<_>) = body.iter().partition(|(key, _)| is_folded(rt, key));
    let mut unfolded: Map<String, Value> =
        plain.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in folded {
        let outcome = allow(rt, key, t).and_then(|()| take_out(rt, key, value, &mut unfolded));
        faults.keep(outcome);
    }
    Cow::Owned(unfolded)
}

/// Whether a key is a path or the core schema's URN, rather than an attribute's name or an extension's URN.
fn is_folded(rt: &ResourceType, key: &str) -> bool {
    rt.is_core(key)
        || (key.contains(['.', ':', '[']) && rt.extension(key).is_none() && place(rt, key).is_some())
}

fn allow(rt: &ResourceType, key: &str, t: &mut Tolerance) -> Result<(), ScimError> {
    t.allow(Leniency::PathlessKeys, key, || {
        let detail = format!("A key of the body is a path; attributes of {} stand at its top.", rt.core.id);
        ScimError::invalid_syntax(detail)
    })
}

/// The target of a key that is a path.
enum Named<'r> {
    Attribute(AttributeName, &'r Attribute),
    /// Parts of elements: `emails[type eq "work"].value`.
    Elements,
}

/// A `manager` without its URN is none of these: at the top of a body that is an unknown attribute.
fn place<'r>(rt: &'r ResourceType, key: &str) -> Option<Named<'r>> {
    if key.contains('[') {
        return Path::parse(rt, key, &mut Tolerance::lenient()).is_ok().then_some(Named::Elements);
    }
    let (found, definition) = attribute_name::find(rt, key)?;
    let is_said = found.urn.is_none() || attribute_name::has_urn(key);
    is_said.then_some(Named::Attribute(found, definition))
}

fn take_out(
    rt: &ResourceType,
    key: &str,
    value: &Value,
    body: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    if !rt.is_core(key) {
        return match place(rt, key) {
            Some(named) => put(named, value, body),
            None => insert(body, key, value),
        };
    }
    match value {
        // One level: a second core URN inside means nothing, and is unknown at the top as well.
        Value::Object(block) => {
            let mut inner = block.iter().filter(|(key, _)| !rt.is_core(key));
            inner.try_for_each(|(key, value)| take_out(rt, key, value, body))
        }
        nothing if is_empty(nothing) => Ok(()),
        _ => Err(ScimError::invalid_value(format!("{} must be an object.", rt.core.id))),
    }
}

fn put(named: Named<'_>, value: &Value, body: &mut Map<String, Value>) -> Result<(), ScimError> {
    let elements = || ScimError::invalid_path("A key of the body is a path to elements; send the elements.");
    let Named::Attribute(at, definition) = named else { return Err(elements()) };
    if definition.mutability == Mutability::ReadOnly {
        return Ok(());
    }
    let holder = match &at.urn {
        Some(urn) => object_at(body, urn)?,
        None => body,
    };
    match &at.sub {
        None => insert(holder, &at.attribute.name, value),
        Some(_) if definition.multi_valued => Err(elements()),
        Some(sub) => insert(object_at(holder, &definition.name)?, &sub.name, value),
    }
}

/// The object under this name, made where there is nothing.
fn object_at<'m>(
    holder: &'m mut Map<String, Value>,
    name: &str,
) -> Result<&'m mut Map<String, Value>, ScimError> {
    let key = key_of(holder, name);
    let slot = holder.entry(key).or_insert(Value::Null);
    if is_empty(slot) {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut().ok_or_else(|| ScimError::invalid_value(format!("{name} must be an object.")))
}

/// RFC 7643 §2.1: a body holds an attribute once. The same value a second time is accepted.
fn insert(holder: &mut Map<String, Value>, name: &str, value: &Value) -> Result<(), ScimError> {
    match member(holder, name) {
        Some(held) if held == value => return Ok(()),
        Some(held) if !is_empty(held) => {
            return Err(ScimError::invalid_syntax(format!(
                "{name} stands twice in the body, with two values."
            )));
        }
        _ => {}
    }
    let key = key_of(holder, name);
    holder.insert(key, value.clone());
    Ok(())
}

/// As it is spelled where it is there already.
fn key_of(holder: &Map<String, Value>, name: &str) -> String {
    holder.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned())
}
