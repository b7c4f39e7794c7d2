//! Bodies of PATCH in every dialect.

use scim_core::AttributeName;
use scim_core::schema::Mutability;
use scim_core::{ResourceType, urn};
use serde_json::{Map, Value, json};

use super::{Choices, filters, resources};

/// The body of a PATCH.
pub fn patch(choices: &mut Choices<'_>, rt: &ResourceType) -> Value {
    let operations = choices.some(6, |choices| operation(choices, rt));
    json!({"schemas": [urn::PATCH_OP], "Operations": operations})
}

fn operation(choices: &mut Choices<'_>, rt: &ResourceType) -> Value {
    const VERBS: &[&str] = &["add", "replace", "remove", "Add", "Replace", "Remove"];
    let verb = if choices.one_in(100) { "move" } else { *choices.one_of(VERBS) };
    let removes = verb.eq_ignore_ascii_case("remove");
    let mut operation = Map::new();
    operation.insert("op".into(), verb.into());
    if !removes && choices.one_in(4) {
        let mut value = Value::Object(pathless(choices, rt));
        if choices.one_in(6) {
            value = json!([value]);
        }
        operation.insert("value".into(), value);
        return Value::Object(operation);
    }
    let path = key(choices, rt);
    let value = match choices.below(16) {
        _ if removes && !choices.one_in(3) => None,
        1 if choices.one_in(10) => None,
        2 => Some(Value::Null),
        3 => Some("".into()),
        _ => Some(fitting(choices, rt, &path)),
    };
    operation.insert("path".into(), path.into());
    operation.extend(value.map(|value| ("value".to_owned(), value)));
    Value::Object(operation)
}

/// A path; mostly of something that may be written.
fn key(choices: &mut Choices<'_>, rt: &ResourceType) -> String {
    if choices.one_in(12) {
        let urns: Vec<&str> = rt.schemas().map(|schema| schema.id.as_str()).collect();
        return (*choices.one_of(&urns)).to_owned();
    }
    let writable = |path: &str| {
        let head = path.split_once('[').map_or(path, |(head, _)| head);
        let found = AttributeName::resolve(rt, head);
        found.is_some_and(|found| {
            found.leaf().mutability != Mutability::ReadOnly && !found.is_name("schemas", None)
        })
    };
    for _ in 0..5 {
        let path = filters::path(choices, rt);
        if writable(&path) || choices.one_in(40) {
            return path;
        }
    }
    "displayName".to_owned()
}

/// A value for the path's attribute where it can be told, else any.
fn fitting(choices: &mut Choices<'_>, rt: &ResourceType, path: &str) -> Value {
    let head = path.split_once('[').map_or(path, |(head, _)| head);
    let Some(found) = AttributeName::resolve(rt, head) else {
        return resources::value_of_any_type(choices, 2);
    };
    let Some(attribute) = found.definition(rt) else { return Value::Null };
    let sub = found.sub.as_ref().map(|sub| sub.name.as_str()).or(path.rsplit_once("].").map(|(_, sub)| sub));
    match sub.and_then(|sub| attribute.sub_attribute(sub)) {
        Some(sub) => resources::value(choices, sub),
        None if path.contains('[') => resources::one(choices, attribute),
        None => resources::value(choices, attribute),
    }
}

/// The value of an operation without path: names, paths and URNs as keys.
fn pathless(choices: &mut Choices<'_>, rt: &ResourceType) -> Map<String, Value> {
    let mut members = Map::new();
    for _ in 0..4 {
        if !choices.more() {
            break;
        }
        let key = key(choices, rt);
        let value = match rt.extension(&key) {
            Some(extension) => {
                let attribute = choices.one_of(&extension.attributes);
                json!({ &attribute.name: resources::value(choices, attribute) })
            }
            None => fitting(choices, rt, &key),
        };
        members.insert(key, value);
    }
    members
}
