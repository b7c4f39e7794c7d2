//! Resources and their bodies, value by value as a schema says, sometimes otherwise, in the shapes that identity providers
//! are known to send.

use scim_core::schema::{Attribute, Schema, Type};
use scim_core::{ResourceKind, ResourceType};
use serde_json::{Map, Value, json};

use super::{Choices, filters};

/// The body of a POST or a PUT.
pub fn body(choices: &mut Choices<'_>, rt: &ResourceType) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("schemas".into(), schemas(choices, rt));
    body.insert(choices.respelled("userName"), "ada@example.com".into());
    if rt.kind == ResourceKind::Group {
        body.insert("displayName".into(), "All".into());
    }
    if choices.one_in(8) {
        body.insert(choices.respelled("userName"), choices.text().into());
    }
    body.extend(attributes(choices, &rt.core));
    body.extend(attributes(choices, &rt.common).into_iter().filter(|(name, _)| name != "schemas"));
    for extension in rt.extension_schemas() {
        if choices.one_in(2) {
            body.insert(choices.respelled(&extension.id), Value::Object(attributes(choices, extension)));
        }
    }
    if choices.one_in(6) {
        body.insert(choices.text(), value_of_any_type(choices, 2));
    }
    distinct(body)
}

/// A resource as a store might answer it, for filters: with attributes that only the server writes.
pub fn resource(choices: &mut Choices<'_>, rt: &ResourceType) -> Map<String, Value> {
    let mut resource = attributes(choices, &rt.core);
    resource.extend(attributes(choices, &rt.common));
    for extension in rt.extension_schemas() {
        resource.insert(extension.id.clone(), Value::Object(attributes(choices, extension)));
    }
    resource
}

/// What `attributes` or `excludedAttributes` may hold.
pub fn names(choices: &mut Choices<'_>, rt: &ResourceType) -> String {
    let names = choices.some(5, |choices| match choices.below(4) {
        1 => choices.one_of(&rt.schemas().map(|s| s.id.clone()).collect::<Vec<_>>()).clone(),
        2 => choices.text(),
        _ => filters::path(choices, rt),
    });
    names.join(choices.one_of::<&str>(&[",", ", "]))
}

fn schemas(choices: &mut Choices<'_>, rt: &ResourceType) -> Value {
    let mut urns = vec![Value::from(rt.core.id.as_str())];
    urns.extend(rt.extension_schemas().filter(|_| !choices.one_in(4)).map(|s| Value::from(s.id.as_str())));
    if choices.one_in(10) {
        urns.push(choices.text().into());
    }
    urns.into()
}

/// Some attributes of one schema.
fn attributes(choices: &mut Choices<'_>, schema: &Schema) -> Map<String, Value> {
    let some = choices.some(8, |choices| {
        let attribute = choices.one_of(&schema.attributes);
        (choices.respelled(&attribute.name), value(choices, attribute))
    });
    distinct(some.into_iter().collect())
}

/// The value of one attribute: a list of a multi-valued one.
pub fn value(choices: &mut Choices<'_>, attribute: &Attribute) -> Value {
    match choices.below(100) {
        1..=4 => Value::Null,
        5..=9 => "".into(),
        10 => value_of_any_type(choices, 2),
        11 => json!([one(choices, attribute)]),
        12 => one(choices, attribute),
        _ if attribute.multi_valued => choices.some(6, |choices| one(choices, attribute)).into(),
        _ => one(choices, attribute),
    }
}

/// One element of a multi-valued attribute, the whole value of any other.
pub fn one(choices: &mut Choices<'_>, attribute: &Attribute) -> Value {
    if choices.one_in(100) {
        return value_of_any_type(choices, 2);
    }
    match attribute.kind {
        Type::String | Type::Reference => choices.text().into(),
        Type::Boolean => choices.one_of(&[json!(true), json!(false), json!("True"), json!("false")]).clone(),
        Type::Integer => {
            choices.one_of(&[json!(0), json!(-1), json!(u64::MAX), json!(1.5), json!("1")]).clone()
        }
        Type::Decimal => {
            choices.one_of(&[json!(0), json!(-0.0), json!(1.5), json!(1e300), json!("1")]).clone()
        }
        Type::DateTime => choices
            .one_of(&["2026-01-31T08:00:00Z", "2026-01-31T08:00:00.25-08:00", "today"])
            .to_owned()
            .into(),
        Type::Binary => choices.one_of(&["aGVsbG8=", "aGVs\r\nbG8=", "?"]).to_owned().into(),
        Type::Complex => {
            let parts = choices.some(5, |choices| {
                let sub = choices.one_of(&attribute.sub_attributes);
                (choices.respelled(&sub.name), value(choices, sub))
            });
            let mut parts: Map<String, Value> = parts.into_iter().collect();
            if choices.one_in(12) {
                parts.insert(choices.text(), value_of_any_type(choices, 1));
            }
            Value::Object(distinct(parts))
        }
    }
}

/// Anything that JSON can say.
pub fn value_of_any_type(choices: &mut Choices<'_>, depth: usize) -> Value {
    match choices.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => choices.text().into(),
        2 => choices.one_in(2).into(),
        3 => json!(choices.below(256)),
        4 => json!(1.5),
        5 => choices.some(3, |choices| value_of_any_type(choices, depth - 1)).into(),
        _ => {
            let members = choices.some(3, |choices| (choices.text(), value_of_any_type(choices, depth - 1)));
            Value::Object(distinct(members.into_iter().collect()))
        }
    }
}

/// No key twice in any letter case: such a body never gets through [`scim_core::json`].
fn distinct(members: Map<String, Value>) -> Map<String, Value> {
    let mut kept: Map<String, Value> = Map::new();
    for (key, value) in members {
        match kept.keys().find(|k| k.eq_ignore_ascii_case(&key)).cloned() {
            Some(same) => kept[&same] = value,
            None => {
                kept.insert(key, value);
            }
        }
    }
    kept
}
