//! What a change of a schema means for data that rests under it: which changes no value can notice, and which values no
//! longer fit.

use serde_json::{Map, Value};

use super::{Attribute, Mutability, Schema};
use crate::leniency::Tolerance;
use crate::{resource, value};

impl Schema {
    /// Whether whatever is legal under `old` is legal under this schema, rests in the same form and is unique in the same
    /// way: what is new is optional, and what was there means the same.
    #[must_use]
    pub fn takes_all_of(&self, old: &Schema) -> bool {
        self.id == old.id && takes_all(&self.attributes, &old.attributes)
    }

    /// The full names of the attributes whose resting values, or whose absence, this schema would not take; without a
    /// name twice.
    #[must_use]
    pub fn misfits(&self, block: &Map<String, Value>) -> Vec<String> {
        let gone = block.keys().filter(|key| self.attributes.iter().all(|a| a.name != **key));
        let mut names: Vec<String> = gone.cloned().collect();
        for attribute in &self.attributes {
            let fits = match block.get(&attribute.name) {
                Some(value) => fits(attribute, value),
                None => !attribute.required,
            };
            if !fits {
                names.push(attribute.name.clone());
            }
        }
        names.into_iter().map(|name| format!("{}:{name}", self.id)).collect()
    }
}

fn takes_all(new: &[Attribute], old: &[Attribute]) -> bool {
    let counterpart = |name: &str, among: &'_ [Attribute]| among.iter().position(|a| a.name == name);
    let added = new.iter().filter(|a| counterpart(&a.name, old).is_none());
    added.into_iter().all(|a| !a.required && old.iter().all(|o| !o.name.eq_ignore_ascii_case(&a.name)))
        && old.iter().all(|o| new.iter().any(|n| n.name == o.name && takes_values_of(n, o)))
}

fn takes_values_of(new: &Attribute, old: &Attribute) -> bool {
    new.kind == old.kind
        && new.multi_valued == old.multi_valued
        && new.case_exact == old.case_exact
        && new.uniqueness == old.uniqueness
        && (old.required || !new.required)
        && (is_kept(new) || new.mutability == old.mutability)
        && takes_all(&new.sub_attributes, &old.sub_attributes)
}

/// Whether clients may write it and it rests.
fn is_kept(attribute: &Attribute) -> bool {
    matches!(attribute.mutability, Mutability::ReadWrite | Mutability::Immutable)
}

/// Whether a client that sent the value today would have it rest as it rests.
fn fits(attribute: &Attribute, value: &Value) -> bool {
    let normal = resource::normalise(attribute, value, &attribute.name, &mut Tolerance::lenient());
    is_kept(attribute)
        && normal.is_ok_and(|normal| normal.as_ref() == Some(value))
        && is_whole(attribute, value)
}

/// Whether the value, or each of its elements, has what is required of it.
fn is_whole(attribute: &Attribute, value: &Value) -> bool {
    let elements = value::elements(value);
    let mut required = attribute.sub_attributes.iter().filter(|sub| sub.required && is_kept(sub));
    required.all(|sub| elements.iter().all(|element| element.get(&sub.name).is_some()))
}
