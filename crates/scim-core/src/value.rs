//! The contents of a JSON value, anywhere in a resource.

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

/// Whether nothing is in the value that is not empty itself, as in `{"value": ""}` of Entra's gallery: to a PATCH that is
/// empty too. In a stored resource, and for a filter, only [`is_empty`] is.
pub(crate) fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().all(says_nothing),
        Value::Object(members) => members.values().all(says_nothing),
        simple => is_empty(simple),
    }
}

/// The elements of an array; a single value is one element.
pub(crate) fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(elements) => elements,
        single => std::slice::from_ref(single),
    }
}

/// The one element of an array of one.
pub(crate) fn only_element(value: &Value) -> Option<&Value> {
    match value.as_array()?.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// The member of this name, letter case ignored (RFC 7643 §2.1); a body never holds it twice.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let in_any_case = || object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    object.get(name).or_else(|| in_any_case().map(|(_, value)| value))
}

/// The member of this name, letter case ignored, taken out.
pub(crate) fn take(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = object.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    object.shift_remove(&key)
}

/// An element that was sent as a bare text.
pub(crate) fn value_alone(text: &Value) -> Map<String, Value> {
    Map::from_iter([("value".to_owned(), text.clone())])
}
