//! The order of a document. Attributes are in the order of the schema. The elements of a multi-valued attribute are a
//! set: RFC 7643 §2.4 gives their order no meaning and marks the preferred one with `primary`. An identity provider that
//! sends the same addresses in another order changes nothing.

use serde_json::{Map, Value};

use super::Document;
use crate::ResourceType;
use crate::schema::Attribute;

/// Where `after` holds the elements that `before` held, they keep the order in which they were first written.
pub(super) fn keep(rt: &ResourceType, before: &Document, after: &mut Document) {
    for block in rt.blocks() {
        let Some(held) = block.members(&before.0) else { continue };
        block.edit(&mut after.0, |new| {
            let is_list = |name: &str| block.attributes().any(|a| a.multi_valued && a.name == name);
            for (name, held) in held {
                if let Value::Array(held) = held
                    && is_list(name)
                    && let Some(Value::Array(new)) = new.get_mut(name)
                    && held != new
                    && is_permutation(held, new)
                {
                    new.clone_from(held);
                }
            }
        });
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

/// Responses list attributes in the order of the schema, whatever order they were written in.
pub(super) fn put_in_order<'a>(
    members: &mut Map<String, Value>,
    names: impl Iterator<Item = &'a str> + Clone,
) {
    let mut rest = names.clone();
    if members.keys().all(|key| rest.any(|name| name == key)) {
        return;
    }
    let mut unordered = std::mem::take(members);
    members.extend(names.filter_map(|name| unordered.swap_remove_entry(name)));
}

pub(super) fn names<'a>(
    attributes: impl IntoIterator<Item = &'a Attribute, IntoIter: Clone>,
) -> impl Iterator<Item = &'a str> + Clone {
    attributes.into_iter().map(|a| a.name.as_str())
}
