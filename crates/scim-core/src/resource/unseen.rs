//! Values that responses do not show (`returned` is `request` or `never`) stay when a PUT, or a PATCH that replaces a
//! list, leaves them out: clients such as Okta send back what they have read, and RFC 7644 §3.5.1 lets a provider "take
//! into account whether or not a client has access to" an attribute. A body changes and clears the values that it names.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value};

use super::Document;
use super::elements::{part, type_and_value};
use super::normalise::leaves_anything;
use crate::ResourceType;
use crate::equality;
use crate::schema::{Attribute, Type};
use crate::value::{elements, member};

/// Carries over from the current document the unseen values that the body does not name.
pub(super) fn keep(rt: &ResourceType, body: &Map<String, Value>, current: &Document, new: &mut Document) {
    if !rt.hides_values() {
        return;
    }
    for block in rt.blocks() {
        let Some(held) = block.members(&current.0) else { continue };
        let nothing = Map::new();
        let sent = match block.urn.map(|urn| member(body, urn)) {
            None => body,
            Some(Some(Value::Object(sent))) => sent,
            Some(None) => &nothing,
            // Null names the whole extension, and clears it.
            Some(Some(_)) => continue,
        };
        block.fill(&mut new.0, |new| in_members(block.attributes(), sent, held, new));
    }
}

/// The same for one attribute, which gets a new value.
pub(crate) fn keep_in_value(attribute: &Attribute, sent: &Value, held: &Value, new: &mut Value) {
    if attribute.kind != Type::Complex || !attribute.hides_parts() {
        return;
    }
    match (held, new) {
        (Value::Array(held), Value::Array(new)) => {
            in_elements(attribute, elements(sent), held, new);
        }
        (Value::Object(held), Value::Object(new)) => in_parts(attribute, sent, held, new),
        _ => {}
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
        let kept = match (member(sent, &attribute.name), new.get_mut(&attribute.name)) {
            (None, _) if attribute.hides() => Some(value.clone()),
            (None, _) => hidden_whole(attribute, value),
            (Some(sent), Some(new)) => {
                keep_in_value(attribute, sent, value, new);
                None
            }
            (Some(_), None) => None,
        };
        new.extend(kept.map(|kept| (attribute.name.clone(), kept)));
    }
}

/// The parts of a left-out value that no response shows: whole elements, or the whole complex value. A value that is shown,
/// even in part, and is not sent back is removed.
fn hidden_whole(attribute: &Attribute, held: &Value) -> Option<Value> {
    match held {
        Value::Array(elements) => {
            let hidden: Vec<Value> =
                elements.iter().filter(|element| is_hidden(attribute, element)).cloned().collect();
            (!hidden.is_empty()).then_some(Value::Array(hidden))
        }
        single => is_hidden(attribute, single).then(|| single.clone()),
    }
}

fn is_hidden(attribute: &Attribute, value: &Value) -> bool {
    let hides = |name: &String| attribute.sub_attribute(name).is_some_and(Attribute::hides);
    value.as_object().is_some_and(|parts| parts.keys().all(hides))
}

fn in_parts(attribute: &Attribute, sent: &Value, held: &Map<String, Value>, new: &mut Map<String, Value>) {
    let nothing = Map::new();
    // A manager may come as a bare id, which names no other part.
    let sent = sent.as_object().unwrap_or(&nothing);
    in_members(attribute.sub_attributes.iter(), sent, held, new);
}

/// Each element keeps the unseen values that it had before. Elements with only unseen values stay.
fn in_elements(attribute: &Attribute, sent: &[Value], held: &[Value], new: &mut Vec<Value>) {
    let mut before = Before::of(attribute, held);
    // What normalises to nothing has left no element behind.
    let is_left = |sent: &&Value| leaves_anything(attribute, sent);
    for (sent, element) in sent.iter().filter(is_left).zip(new.iter_mut()) {
        if let Some(Value::Object(held)) = before.take(attribute, element)
            && let Value::Object(element) = element
        {
            in_parts(attribute, sent, held, element);
        }
    }
    new.extend(before.rest().filter(|held| is_hidden(attribute, held)).cloned());
}

/// The elements that were there, each to be met once, by what a client knows of them.
struct Before<'h> {
    elements: Vec<Option<&'h Value>>,
    places: HashMap<String, VecDeque<usize>>,
}

impl<'h> Before<'h> {
    fn of(attribute: &Attribute, held: &'h [Value]) -> Self {
        let hides = |name| attribute.sub_attribute(name).is_some_and(Attribute::hides);
        let mut places: HashMap<String, VecDeque<usize>> = HashMap::with_capacity(held.len());
        for (place, element) in held.iter().enumerate() {
            let value = part(attribute, element, "value");
            let keys = [
                type_and_value(attribute, element),
                value.as_ref().filter(|_| hides("type")).map(|value| value_alone(value)),
                (value.is_none() || hides("value")).then(|| shown(attribute, element)).flatten(),
            ];
            for key in keys.into_iter().flatten() {
                places.entry(key).or_default().push_back(place);
            }
        }
        Self { elements: held.iter().map(Some).collect(), places }
    }

    /// The same element before the change: by `type` and `value`; without a value, by all that responses show.
    fn take(&mut self, attribute: &Attribute, element: &Value) -> Option<&'h Value> {
        let type_is_hidden = attribute.sub_attribute("type").is_some_and(Attribute::hides);
        let key = match part(attribute, element, "value") {
            Some(value) if type_is_hidden && element.get("type").is_none() => Some(value_alone(&value)),
            Some(_) => type_and_value(attribute, element),
            None => shown(attribute, element),
        };
        let places = self.places.get_mut(&key?)?;
        while let Some(place) = places.pop_front() {
            let found = self.elements.get_mut(place).and_then(Option::take);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn rest(&self) -> impl Iterator<Item = &'h Value> {
        self.elements.iter().filter_map(|element| *element)
    }
}

/// The key of an element whose `type` a client may not have seen.
fn value_alone(value: &str) -> String {
    format!("\0\0{value}")
}

/// The part of an element that responses show, as a key; `None` when they show none of it.
fn shown(attribute: &Attribute, element: &Value) -> Option<String> {
    let mut parts = element.as_object()?.clone();
    parts.retain(|name, _| attribute.sub_attribute(name).is_some_and(|sub| !sub.hides()));
    (!parts.is_empty()).then(|| format!("\0\0\0{}", equality::identity(attribute, &Value::Object(parts))))
}
