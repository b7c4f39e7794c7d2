//! What a JSON value holds, wherever it stands in a resource.

use serde_json::{Map, Value};

/// `""`, `null`, `[]` and `{}` are the same as absent (RFC 7643 §2.5; the string is Okta's and Entra's).
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The elements of an array; a single value is one element.
pub(crate) fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(elements) => elements,
        single => std::slice::from_ref(single),
    }
}

/// The member of this name, letter case ignored (RFC 7643 §2.1); a body never holds it twice.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let in_any_case = || object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    object.get(name).or_else(|| in_any_case().map(|(_, value)| value))
}

/// An element that was sent as a bare text.
pub(crate) fn value_alone(text: &Value) -> Map<String, Value> {
    Map::from_iter([("value".to_owned(), text.clone())])
}
