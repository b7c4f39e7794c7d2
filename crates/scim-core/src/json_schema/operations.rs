//! Which operations a PATCH of a resource may hold: those that [`crate::patch`] accepts, as JSON Schema.

use serde_json::{Value, json};

use super::fragment::{ANYTHING, TEXT, insert};
use super::sent::{Form, chosen_element, sent_attribute, sent_attributes, sent_extension};
use crate::ResourceType;
use crate::schema::{Attribute, Mutability};

/// The kinds of operation that a PATCH of this type may hold (RFC 7644 §3.5.2): one attribute, a part of one, elements chosen
/// by their `type`, members chosen by their `value`, several attributes without a path.
#[must_use]
pub fn operations(rt: &ResourceType, strict: bool) -> Vec<Value> {
    let form = Form::of_patch(strict);
    let written = |ops: &[&str], path: Value, value: &Value| {
        described_operation(
            &["op", "path", "value"],
            json!({"op": {"enum": ops}, "path": path, "value": value}),
        )
    };
    let removed = |path: Value| {
        let parts = json!({"op": {"const": "remove"}, "path": path, "value": {"type": "null"}});
        described_operation(&["op", "path"], parts)
    };
    let (mut whole, mut chosen, mut removable) = (Alike::default(), Alike::default(), Vec::new());
    for target in targets(rt, form) {
        if !target.required {
            removable.push(target.path.clone());
        }
        let alike = if target.of_chosen { &mut chosen } else { &mut whole };
        alike.add(target.value, target.path);
    }
    let both: &[&str] = &["add", "replace"];
    let mut all: Vec<Value> =
        whole.0.iter().map(|(value, paths)| written(both, json!({"enum": paths}), value)).collect();
    // RFC 7644 §3.5.2.3: replacing what a path does not match is an error, and a strict tenant says so.
    let ops: &[&str] = if strict { &["add"] } else { both };
    all.extend(chosen.0.iter().map(|(value, paths)| written(ops, json!({"enum": paths}), value)));
    all.push(removed(json!({"enum": removable})));
    if rt.core.attribute("members").is_some() {
        let one = r#"^members\[value eq "[A-Za-z0-9-]+"\]$"#;
        all.push(removed(json!({"type": "string", "pattern": one})));
    }
    let mut several = sent_attributes(rt, form);
    insert(&mut several, "minProperties", 1.into());
    let no_path = if strict { json!(false) } else { json!({"type": "null"}) };
    let parts = json!({"op": {"enum": both}, "path": no_path, "value": several});
    all.push(described_operation(&["op", "value"], parts));
    all
}

/// An operation with these members; others are ignored.
fn described_operation(required: &[&str], parts: Value) -> Value {
    json!({
        "type": "object", "required": required, "properties": parts,
        "propertyNames": {"pattern": TEXT}, "additionalProperties": {"$ref": ANYTHING},
    })
}

/// One target location of an operation (RFC 7644 §3.5.2).
struct Target {
    path: String,
    value: Value,
    required: bool,
    /// The path selects elements.
    of_chosen: bool,
}

fn targets(rt: &ResourceType, form: Form) -> Vec<Target> {
    let mut all = Vec::new();
    for block in rt.blocks() {
        for attribute in block.attributes().filter(|attribute| attribute.is_stored()) {
            targets_in(attribute, &block.name(&attribute.name).to_string(), form, &mut all);
        }
    }
    all.extend(rt.written_extensions().map(|extension| {
        let value = sent_extension(extension, form);
        Target { path: extension.id.clone(), value, required: false, of_chosen: false }
    }));
    all
}

fn targets_in(attribute: &Attribute, path: &str, form: Form, all: &mut Vec<Target>) {
    let mut add = |path: String, value: Value, required: bool, of_chosen: bool| {
        all.push(Target { path, value, required, of_chosen });
    };
    let value = undescribed(sent_attribute(attribute, form));
    add(path.to_owned(), value, attribute.required && !attribute.multi_valued, false);
    let parts = || attribute.sub_attributes.iter().filter(|sub| sub.mutability == Mutability::ReadWrite);
    if !attribute.multi_valued {
        for sub in parts() {
            add(format!("{path}.{}", sub.name), undescribed(sent_attribute(sub, form)), sub.required, false);
        }
        return;
    }
    let types = attribute.sub_attribute("type").filter(|sub| sub.mutability == Mutability::ReadWrite);
    for kind in types.iter().flat_map(|sub| &sub.canonical_values) {
        let chosen = format!("{path}[type eq \"{kind}\"]");
        let element = json!({"anyOf": [chosen_element(attribute, form), {"enum": [null, "", []]}]});
        add(chosen.clone(), element, false, true);
        for sub in parts() {
            let value = undescribed(sent_attribute(sub, form));
            add(format!("{chosen}.{}", sub.name), value, sub.required, true);
        }
    }
}

/// Paths that accept the same values, together.
#[derive(Default)]
struct Alike(Vec<(Value, Vec<String>)>);

impl Alike {
    fn add(&mut self, value: Value, path: String) {
        match self.0.iter_mut().find(|(v, _)| *v == value) {
            Some((_, paths)) => paths.push(path),
            None => self.0.push((value, vec![path])),
        }
    }
}

/// The schema without its texts for people, so that equal schemas compare equal.
fn undescribed(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|name, _| !matches!(name.as_str(), "description" | "examples"));
        for alternative in members.get_mut("anyOf").and_then(Value::as_array_mut).into_iter().flatten() {
            *alternative = undescribed(alternative.take());
        }
    }
    value
}
