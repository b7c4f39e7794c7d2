//! What a PUT cannot have meant to clear: values that answers do not show (`returned` is `request` or `never`). Clients such as
//! Okta send back what they have read, and RFC 7644 §3.5.1 lets a provider "take into account whether or not a client has
//! access to" an attribute.

use serde_json::{Map, Value};

use super::Document;
use super::normalise::member;
use crate::ResourceType;
use crate::schema::{Attribute, Type};

/// Carries the unseen values that the body does not speak of over from the current document. A null clears them.
pub(super) fn keep(rt: &ResourceType, body: &Map<String, Value>, current: &Document, new: &mut Document) {
    if !rt.hides_values() {
        return;
    }
    let core = rt.common.attributes.iter().chain(&rt.core.attributes);
    in_members(core, body, &current.0, &mut new.0);
    for schema in rt.extension_schemas() {
        let Some(held) = current.get(&schema.id).and_then(Value::as_object) else {
            continue;
        };
        let sent = member(body, &schema.id);
        let was_seen = held.keys().any(|key| schema.attribute(key).is_some_and(|a| !a.hides()));
        let nothing = Map::new();
        let sent = match sent {
            Some(Value::Object(sent)) => sent,
            // An extension that was shown, if only in part, and does not come back is to go.
            None if !was_seen => &nothing,
            _ => continue,
        };
        let block = new.0.entry(&schema.id).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(block) = block {
            in_members(schema.attributes.iter(), sent, held, block);
        }
    }
}

fn in_members<'a>(
    attributes: impl Iterator<Item = &'a Attribute>,
    sent: &Map<String, Value>,
    held: &Map<String, Value>,
    new: &mut Map<String, Value>,
) {
    for attribute in attributes {
        let Some(value) = held.get(&attribute.name) else {
            continue;
        };
        match (member(sent, &attribute.name), value) {
            (None, value) if attribute.hides() => {
                new.insert(attribute.name.clone(), value.clone());
            }
            // Of an element nobody can tell which one it was; of a single value it is plain.
            (Some(Value::Object(sent)), Value::Object(held)) if attribute.kind == Type::Complex => {
                if let Some(Value::Object(new)) = new.get_mut(&attribute.name) {
                    in_members(attribute.sub_attributes.iter(), sent, held, new);
                }
            }
            _ => {}
        }
    }
}
