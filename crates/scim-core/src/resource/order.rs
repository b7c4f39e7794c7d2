//! The elements of a multi-valued attribute are a set: RFC 7643 §2.4 gives their order no meaning and marks the
//! preferred one with `primary`. An identity provider that sends the same addresses in another order changes nothing.

use serde_json::{Map, Value};

use super::Document;
use crate::ResourceType;
use crate::schema::Attribute;

/// Where `after` holds the elements that `before` held, they keep the order in which they were first written.
pub(super) fn keep(rt: &ResourceType, before: &Document, after: &mut Document) {
    in_members(rt.core.attributes.iter(), &before.0, &mut after.0);
    for schema in rt.extension_schemas() {
        if let (Some(Value::Object(held)), Some(Value::Object(new))) =
            (before.get(&schema.id), after.0.get_mut(&schema.id))
        {
            in_members(schema.attributes.iter(), held, new);
        }
    }
}

fn in_members<'a>(
    attributes: impl Iterator<Item = &'a Attribute>,
    before: &Map<String, Value>,
    after: &mut Map<String, Value>,
) {
    for attribute in attributes.filter(|a| a.multi_valued) {
        let (Some(Value::Array(held)), Some(Value::Array(new))) =
            (before.get(&attribute.name), after.get_mut(&attribute.name))
        else {
            continue;
        };
        if held != new && is_permutation(held, new) {
            new.clone_from(held);
        }
    }
}

fn is_permutation(one: &[Value], other: &[Value]) -> bool {
    let sorted = |elements: &[Value]| {
        let mut texts: Vec<String> = elements.iter().map(Value::to_string).collect();
        texts.sort_unstable();
        texts
    };
    one.len() == other.len() && sorted(one) == sorted(other)
}
