//! JSON as a text where an object belongs, as templates and expressions make it: Entra's `AppRoleAssignmentsComplex` without
//! its flag puts it inside `value`. It becomes what it says, or it is refused; kept as a text it would be an e-mail address.

use std::borrow::Cow;
use std::fmt;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Type};
use crate::value::{is_empty, member};
use crate::{ScimError, json};

/// The object or list that a text is the JSON of; `None` for any other text.
pub(crate) fn json_in(text: &str) -> Option<Result<Value, ScimError>> {
    let begins = text.trim_start().starts_with(['{', '[']);
    let is_json = begins && serde_json::from_str::<IgnoredAny>(text).is_ok();
    // By the same door as any body: a NUL or a key twice is no better for being packed (attacks 40 and 42).
    is_json.then(|| json::parse(text.as_bytes(), &json::Limits::SCIM))
}

/// What a value of a complex attribute says: the value itself, unless it is JSON in a text or has that as its `value`.
///
/// # Errors
/// 400 `invalidValue` for JSON that says nothing of the attribute, and for any from a strict tenant.
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
        Value::Object(around) => Value::Object(together(around, only_object(&found).ok_or_else(refusal)?)),
        _ => found,
    };
    translated(attribute, said).map(Cow::Owned).ok_or_else(refusal)
}

fn only_object(found: &Value) -> Option<&Map<String, Value>> {
    match found {
        Value::Array(elements) => match elements.as_slice() {
            [only] => only.as_object(),
            _ => None,
        },
        single => single.as_object(),
    }
}

/// What an element says around its packed `value`, and what is in there, which decides.
fn together(around: &Map<String, Value>, packed: &Map<String, Value>) -> Map<String, Value> {
    let said = |name: &str| member(packed, name).is_some_and(|value| !is_empty(value));
    let mut parts: Map<String, Value> = around
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("value") && !said(name))
        .map(own)
        .collect();
    parts.extend(
        packed.iter().filter(|(name, value)| !is_empty(value) || member(around, name).is_none()).map(own),
    );
    parts
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// In the words of the schema: Entra calls a role's `display` its `displayName`. `None` when no part is known.
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
