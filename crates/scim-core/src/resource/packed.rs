//! JSON in a string where an object belongs. Templates and expressions make it: Entra's `AppRoleAssignmentsComplex`
//! without its flag puts it inside `value`. It is parsed or refused: kept as a string it would become, for example, an
//! e-mail address.

use std::borrow::Cow;
use std::fmt;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Type};
use crate::value::{is_empty, member, only_element};
use crate::{ScimError, json};

/// The object or array in JSON that the text holds; `None` for any other text.
pub(crate) fn json_in(text: &str) -> Option<Result<Value, ScimError>> {
    let begins = text.trim_start().starts_with(['{', '[']);
    let is_json = begins && serde_json::from_str::<IgnoredAny>(text).is_ok();
    // The parser of bodies reads it too, and refuses NUL and repeated keys (attacks 40 and 42).
    is_json.then(|| json::parse(text.as_bytes(), &json::Limits::SCIM))
}

/// The value of a complex attribute, parsed when it is JSON in a string or has such a string as its `value`.
///
/// # Errors
/// 400 `invalidValue` for JSON that names no sub-attribute of the attribute; for a strict tenant always.
pub(crate) fn unpack<'v>(
    attribute: &Attribute,
    value: &'v Value,
    at: &impl fmt::Display,
    t: &mut Tolerance,
) -> Result<Cow<'v, Value>, ScimError> {
    if attribute.kind != Type::Complex {
        return Ok(Cow::Borrowed(value));
    }
    let refusal = || ScimError::invalid_value(format!("{at} must not be JSON in a text; send what it says."));
    let text = match value {
        Value::String(text) => Some(text.as_str()),
        Value::Object(parts) => member(parts, "value").and_then(Value::as_str),
        _ => None,
    };
    let Some(found) = text.and_then(json_in) else { return Ok(Cow::Borrowed(value)) };
    t.allow(Leniency::JsonInValue, &attribute.name, refusal)?;
    let found = found.map_err(|_| refusal())?;
    let said = match value {
        Value::Object(around) => {
            let packed = only_element(&found).unwrap_or(&found).as_object();
            Value::Object(together(around, packed.ok_or_else(refusal)?))
        }
        _ => found,
    };
    translated(attribute, said).map(Cow::Owned).ok_or_else(refusal)
}

/// The sub-attributes around a packed `value` together with those in it, which win.
fn together(around: &Map<String, Value>, packed: &Map<String, Value>) -> Map<String, Value> {
    let said = |name: &str| member(packed, name).is_some_and(|value| !is_empty(value));
    let mut parts = around.clone();
    parts.retain(|name, _| !name.eq_ignore_ascii_case("value") && !said(name));
    let packed = packed.iter().filter(|(name, value)| !is_empty(value) || member(around, name).is_none());
    parts.extend(packed.map(|(name, value)| (name.clone(), value.clone())));
    parts
}

/// With the schema's names: Entra calls a role's `display` its `displayName`. `None` when no sub-attribute is known.
fn translated(attribute: &Attribute, said: Value) -> Option<Value> {
    let one = |parts: &mut Map<String, Value>| {
        let knows = |name| attribute.sub_attribute(name).is_some();
        if knows("display") && !knows("displayName") && member(parts, "display").is_none() {
            let name = parts.keys().find(|name| name.eq_ignore_ascii_case("displayName")).cloned();
            let display = name.and_then(|name| parts.shift_remove(&name));
            parts.extend(display.map(|display| ("display".to_owned(), display)));
        }
        parts.is_empty() || parts.keys().any(|name| knows(name))
    };
    match said {
        Value::Object(mut parts) => one(&mut parts).then_some(Value::Object(parts)),
        Value::Array(mut elements) => {
            let all = elements.iter_mut().all(|element| element.as_object_mut().is_none_or(one));
            all.then_some(Value::Array(elements))
        }
        _ => None,
    }
}
