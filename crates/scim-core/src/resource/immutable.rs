//! Immutable attributes (RFC 7643 §2.2, RFC 7644 §3.5.1): they may be set once, and a value that is there stays.
//! Elements of a multi-valued attribute come and go as wholes. One that is there before and after, by its `type` and
//! `value`, keeps its immutable parts; what a PATCH does inside one is judged where it does it.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Document;
use super::elements::{self, identity};
use super::faults::Faults;
use super::settle::{names, put_in_order};
use crate::equality::same;
use crate::leniency::Tolerance;
use crate::schema::{Attribute, Mutability, Type};
use crate::{ResourceType, ScimError};

/// What an absent value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// PUT: the client did not speak of it, so it stays.
    Stays,
    /// PATCH: somebody took it away, which is a change.
    Removed,
}

/// Holds every immutable value of `before` in `after`, in its old spelling; a change is a fault.
pub(super) fn hold(
    rt: &ResourceType,
    before: &Document,
    after: &mut Document,
    absent: Absent,
    (t, faults): (&mut Tolerance, &mut Faults),
) {
    let core = rt.common.attributes.iter().chain(&rt.core.attributes);
    in_members(core, &before.0, &mut after.0, "", absent, (t, faults));
    for schema in rt.extension_schemas() {
        let Some(held) = before.get(&schema.id).and_then(Value::as_object) else {
            continue;
        };
        let block = after.0.entry(&schema.id).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(block) = block {
            in_members(
                schema.attributes.iter(),
                held,
                block,
                &format!("{}:", schema.id),
                absent,
                (t, faults),
            );
        }
        if block.as_object().is_some_and(Map::is_empty) {
            after.0.shift_remove(&schema.id);
        }
    }
}

fn in_members<'a>(
    attributes: impl Iterator<Item = &'a Attribute>,
    before: &Map<String, Value>,
    after: &mut Map<String, Value>,
    prefix: &str,
    absent: Absent,
    (t, faults): (&mut Tolerance, &mut Faults),
) {
    for attribute in attributes {
        let Some(held) = before.get(&attribute.name) else {
            continue;
        };
        if attribute.mutability == Mutability::Immutable {
            let changed = match after.get(&attribute.name) {
                Some(new) => !same(attribute, held, new),
                None => absent == Absent::Removed,
            };
            if changed {
                let name = format!("{prefix}{}", attribute.name);
                faults.about(&name, cannot_change(&name));
            }
            after.insert(attribute.name.clone(), held.clone());
        } else if attribute.kind == Type::Complex {
            let prefix = format!("{prefix}{}.", attribute.name);
            match (held, after.get_mut(&attribute.name)) {
                // A complex value may go as a whole; while it is there, its immutable parts stay.
                (Value::Object(held), Some(Value::Object(new))) => {
                    in_members(attribute.sub_attributes.iter(), held, new, &prefix, absent, (t, faults));
                }
                (Value::Array(held), Some(Value::Array(new))) => {
                    in_elements(attribute, held, new, &prefix, (t, faults));
                }
                _ => {}
            }
        }
    }
}

/// A list that is sent anew may leave parts of its elements out, in a PATCH as in a PUT. An element that is sent twice is
/// judged by what it comes to, as it is stored.
fn in_elements(
    attribute: &Attribute,
    held: &[Value],
    new: &mut Vec<Value>,
    prefix: &str,
    (t, faults): (&mut Tolerance, &mut Faults),
) {
    if !attribute.sub_attributes.iter().any(|sub| sub.mutability == Mutability::Immutable) {
        return;
    }
    elements::tidy(attribute, new, t);
    let held: HashMap<String, &Value> = held.iter().map(|held| (identity(attribute, held), held)).collect();
    for element in new {
        if let Some(Value::Object(held)) = held.get(&identity(attribute, element))
            && let Value::Object(new) = element
        {
            in_members(attribute.sub_attributes.iter(), held, new, prefix, Absent::Stays, (t, faults));
            put_in_order(new, names(&attribute.sub_attributes));
        }
    }
}

/// 400 `mutability`, by the attribute's full name.
pub(crate) fn cannot_change(name: &str) -> ScimError {
    ScimError::mutability(format!("{name} is immutable: it has a value, which cannot be changed."))
}
