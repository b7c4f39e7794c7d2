//! What a change of a schema means for stored data: whether every stored value stays valid, and which values are not
//! valid any more.

use serde_json::{Map, Value};

use super::{Attribute, Schema};
use crate::leniency::Tolerance;
use crate::{resource, value};

impl Schema {
    /// Whether every value that is valid under `old` is valid under this schema, is stored in the same form and is unique
    /// in the same scope: new attributes are optional, and the others keep their meaning.
    #[must_use]
    pub fn takes_all_of(&self, old: &Schema) -> bool {
        self.id == old.id && takes_all(&self.attributes, &old.attributes)
    }

    /// The full names of the attributes whose stored value, or absence, is not valid under this schema; each name once.
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
        && (new.is_stored() || new.mutability == old.mutability)
        && takes_all(&new.sub_attributes, &old.sub_attributes)
}

/// Whether the value would be stored as it is if a client sent it today.
fn fits(attribute: &Attribute, value: &Value) -> bool {
    let normal = resource::normalise(attribute, value, &attribute.name, &mut Tolerance::lenient());
    attribute.is_stored()
        && normal.is_ok_and(|normal| normal.as_ref() == Some(value))
        && is_whole(attribute, value)
}

/// Whether the value, or each of its elements, has every required sub-attribute.
fn is_whole(attribute: &Attribute, value: &Value) -> bool {
    let elements = value::elements(value);
    let mut required = attribute.sub_attributes.iter().filter(|sub| sub.required && sub.is_stored());
    required.all(|sub| elements.iter().all(|element| element.get(&sub.name).is_some()))
}
