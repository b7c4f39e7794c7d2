//! Immutable attributes (RFC 7643 §2.2, RFC 7644 §3.5.1): they may be set once, and then keep their value. Elements of a
//! multi-valued attribute are added and removed as wholes. An element that is there before and after, by its `type` and
//! `value`, keeps its immutable sub-attributes; [`crate::patch`] checks the changes inside one element.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Document;
use super::elements::{self, identity};
use super::faults::Faults;
use super::order::{names, put_in_order};
use crate::attribute_name::BorrowedName;
use crate::equality::same;
use crate::leniency::Tolerance;
use crate::schema::{Attribute, Mutability, Type};
use crate::{ResourceType, ScimError};

/// What an absent value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// PUT: the client left it out, so it stays.
    Stays,
    /// PATCH: an operation removed it, which is a change.
    Removed,
}

/// Holds every immutable value of `before` in `after`, in its old spelling; a change is a fault.
pub(super) fn hold(
    rt: &ResourceType,
    before: &Document,
    after: &mut Document,
    absent: Absent,
    t: &mut Tolerance,
    faults: &mut Faults,
) {
    let mut changes = Changes { t, faults };
    for block in rt.blocks() {
        if let Some(held) = block.members(&before.0) {
            let name = |attribute| block.name(attribute);
            block.fill(&mut after.0, |new| changes.members(block.attributes(), held, new, &name, absent));
        }
    }
}

/// Finds changes of immutable values and undoes them.
struct Changes<'r> {
    t: &'r mut Tolerance,
    faults: &'r mut Faults,
}

impl Changes<'_> {
    fn members<'a>(
        &mut self,
        attributes: impl Iterator<Item = &'a Attribute>,
        before: &Map<String, Value>,
        after: &mut Map<String, Value>,
        name: &dyn Fn(&'a str) -> BorrowedName<'a>,
        absent: Absent,
    ) {
        for attribute in attributes.filter(|attribute| holds_immutable(attribute)) {
            let Some(held) = before.get(&attribute.name) else {
                continue;
            };
            let at = name(&attribute.name);
            if attribute.mutability == Mutability::Immutable {
                let changed = match after.get(&attribute.name) {
                    Some(new) => !same(attribute, held, new),
                    None => absent == Absent::Removed,
                };
                if changed {
                    let name = at.to_string();
                    self.faults.about(&name, cannot_change(&name));
                }
                after.insert(attribute.name.clone(), held.clone());
            } else if attribute.kind == Type::Complex {
                let (parts, name) = (attribute.sub_attributes.iter(), |sub| at.sub(sub));
                match (held, after.get_mut(&attribute.name)) {
                    // A complex value may go as a whole; while it is there, its immutable parts stay.
                    (Value::Object(held), Some(Value::Object(new))) => {
                        self.members(parts, held, new, &name, absent);
                    }
                    (Value::Array(held), Some(Value::Array(new))) => {
                        self.elements(attribute, held, new, &name);
                    }
                    _ => {}
                }
            }
        }
    }

    /// A list that is sent anew may leave parts of its elements out, in a PATCH as in a PUT. A repeated element is
    /// compared in the form in which it is stored.
    fn elements<'a>(
        &mut self,
        attribute: &'a Attribute,
        held: &[Value],
        new: &mut Vec<Value>,
        name: &dyn Fn(&'a str) -> BorrowedName<'a>,
    ) {
        elements::tidy(attribute, new, self.t);
        let held: HashMap<String, &Value> =
            held.iter().map(|held| (identity(attribute, held), held)).collect();
        for element in new {
            if let Some(Value::Object(held)) = held.get(&identity(attribute, element))
                && let Value::Object(new) = element
            {
                self.members(attribute.sub_attributes.iter(), held, new, name, Absent::Stays);
                put_in_order(new, names(&attribute.sub_attributes));
            }
        }
    }
}

/// Whether a value of the attribute, or a part of it, stays once it is set. Few do, so that most need not be looked for.
fn holds_immutable(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::Immutable || attribute.sub_attributes.iter().any(holds_immutable)
}

/// 400 `mutability`, by the attribute's full name.
pub(crate) fn cannot_change(name: &str) -> ScimError {
    ScimError::mutability(format!("{name} is immutable: it has a value, which cannot be changed."))
}
