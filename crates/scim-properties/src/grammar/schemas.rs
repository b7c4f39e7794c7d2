//! Schema documents as staff may write them, with every characteristic in every combination, and names that are easily
//! mistaken for built-in ones.

use serde_json::{Map, Value, json};

use super::{Choices, resources};

const KINDS: &[&str] =
    &["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex", "number"];

/// A document.
pub fn document(choices: &mut Choices<'_>) -> Value {
    const URNS: &[&str] = &[
        "urn:example:hr:2.0:User",
        "urn:ietf:params:scim:schemas:extension:hr:2.0:User",
        "urn:example:1.2:3",
        "urn:usher:x",
        "urn:x:",
    ];
    let urn = if choices.one_in(10) { *choices.one_of(URNS) } else { "urn:example:hr:2.0:User" };
    let mut attributes = vec![attribute(choices, "badge", false)];
    attributes.extend(choices.some(6, |choices| {
        const NAMES: &[&str] =
            &["level", "userName", "emails", "value", "manager", "a-b", "a_b", "a$b", "LEVEL", "id"];
        let name = *choices.one_of(NAMES);
        attribute(choices, name, false)
    }));
    let mut document = json!({"id": urn, "name": "HR", "attributes": attributes});
    if choices.one_in(10) {
        document[choices.text()] = resources::value_of_any_type(choices, 1);
    }
    document
}

fn attribute(choices: &mut Choices<'_>, name: &str, is_sub: bool) -> Value {
    let kind = if is_sub { choices.below(7) } else { choices.below(KINDS.len()) };
    let kind = KINDS[kind];
    let mut attribute = Map::new();
    attribute.insert("name".into(), name.into());
    attribute.insert("type".into(), kind.into());
    if !is_sub && choices.one_in(3) {
        attribute.insert("multiValued".into(), true.into());
    }
    if choices.one_in(6) {
        attribute.insert("required".into(), true.into());
    }
    if matches!(kind, "string" | "reference") && choices.one_in(3) {
        attribute.insert("caseExact".into(), choices.one_in(2).into());
    }
    for (key, words) in [
        ("mutability", &["readWrite", "immutable", "readOnly", "writeOnly"][..]),
        ("returned", &["default", "always", "request", "never"]),
        ("uniqueness", &["none", "server", "global"]),
    ] {
        if choices.one_in(5) {
            attribute.insert(key.into(), (*choices.one_of(words)).into());
        }
    }
    if attribute.get("mutability").is_some_and(|m| m == "writeOnly") {
        attribute.insert("returned".into(), "never".into());
    }
    if kind == "string" && choices.one_in(6) {
        let words = choices.some(3, Choices::text);
        attribute.insert("canonicalValues".into(), words.into());
    }
    if kind == "complex" {
        const SUBS: &[&str] = &["type", "display", "primary", "$ref", "level", "Value"];
        let mut subs = vec![self::attribute(choices, "value", true)];
        subs.extend(choices.some(5, |choices| {
            let name = *choices.one_of(SUBS);
            match name {
                "primary" => json!({"name": name, "type": "boolean"}),
                "$ref" => json!({"name": name, "type": "reference"}),
                _ => self::attribute(choices, name, true),
            }
        }));
        attribute.insert("subAttributes".into(), subs.into());
    }
    if choices.one_in(40) {
        attribute.insert(choices.text(), resources::value_of_any_type(choices, 1));
    }
    Value::Object(attribute)
}
