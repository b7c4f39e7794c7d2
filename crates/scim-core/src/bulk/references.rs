//! Finds references (RFC 7644 §3.7.2): any string of `data` that is `bulkId:` and a name, in any attribute, "Extensions
//! that include references to other resources MUST be handled in the same way"; and in a PATCH the strings that its value
//! paths compare with, `members[value eq "bulkId:x"]`.

use serde_json::{Map, Value};

use crate::filter::cursor::split_quoted;
use crate::path::Path;

/// What follows `bulkId:`, when the text is a reference.
pub(super) fn name(text: &str) -> Option<&str> {
    text.strip_prefix("bulkId:").filter(|name| !name.is_empty())
}

/// Asks `id_of` about every reference in the data; where it knows an id, that takes the reference's place. The depth of a
/// document is bounded where it is parsed ([`crate::json::Limits`]).
pub(super) fn visit_values(data: &mut Value, id_of: &mut dyn FnMut(&str) -> Option<String>) {
    match data {
        Value::String(text) => {
            if let Some(id) = name(text).and_then(id_of) {
                *text = id;
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| visit_values(element, id_of)),
        Value::Object(members) => members.values_mut().for_each(|member| visit_values(member, id_of)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The same in the paths of a PATCH: each `path`, and each key of a value without one.
pub(super) fn visit_paths(data: &mut Value, id_of: &mut dyn FnMut(&str) -> Option<String>) {
    let Some(Value::Array(operations)) = data.as_object_mut().and_then(|data| member_mut(data, "Operations"))
    else {
        return;
    };
    for operation in operations.iter_mut().filter_map(Value::as_object_mut) {
        if let Some(Value::String(path)) = member_mut(operation, "path") {
            in_path(path, id_of);
        }
        if let Some(Value::Object(keys)) = member_mut(operation, "value")
            && keys.keys().any(|key| key.contains("bulkId:"))
        {
            let renamed = std::mem::take(keys).into_iter().map(|(mut key, value)| {
                in_path(&mut key, id_of);
                (key, value)
            });
            *keys = renamed.collect();
        }
    }
}

fn member_mut<'a>(object: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Value> {
    object.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Looks at the string literals of a value path, which are JSON's (RFC 7644 §3.4.2.2).
fn in_path(path: &mut String, id_of: &mut dyn FnMut(&str) -> Option<String>) {
    // A longer one is refused when it is read as a path.
    if path.len() > Path::MAX_BYTES || !path.contains("\"bulkId:") {
        return;
    }
    let mut resolved = String::with_capacity(path.len());
    let mut rest = path.as_str();
    while let Some((before, literal, after)) = next_literal(rest) {
        let text = serde_json::from_str::<String>(literal).unwrap_or_default();
        resolved.push_str(before);
        match name(&text).and_then(&mut *id_of) {
            Some(id) => resolved.push_str(&Value::String(id).to_string()),
            None => resolved.push_str(literal),
        }
        rest = after;
    }
    resolved.push_str(rest);
    *path = resolved;
}

/// The text before the first string literal, the literal with its quotation marks, and the text behind it.
fn next_literal(text: &str) -> Option<(&str, &str, &str)> {
    let (before, from) = text.split_at_checked(text.find('"')?)?;
    split_quoted(from).map(|(literal, after)| (before, literal, after))
}
