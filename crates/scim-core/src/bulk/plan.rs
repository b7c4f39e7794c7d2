//! Which operations create what others refer to, and the order that follows.

use std::collections::HashMap;

use super::operation::{Asked, Id, MAX_BULK_ID, Operation};
use super::order::{self, Unit};
use crate::ScimError;

/// The order of the operations, and what each needs.
#[derive(Debug, Default)]
pub struct Plan {
    /// The units in the order in which they are done.
    pub units: Vec<Unit>,
    /// By operation: the operations that create what it refers to.
    needs: Vec<Vec<usize>>,
    /// The operation that creates the resource of a `bulkId`.
    creators: HashMap<String, usize>,
}

impl Plan {
    /// Resolves the references. An operation with an unknown reference, or with a `bulkId` that is taken, gets its error.
    pub(super) fn of(operations: &mut [Operation]) -> Self {
        let creators = creators(operations);
        let needs: Vec<Vec<usize>> = operations.iter_mut().map(|o| needs_of(o, &creators)).collect();
        let looked_up = operations.iter().zip(&needs).map(|(operation, needs)| {
            let looks_up = operation.asked.as_ref().is_ok_and(Asked::looks_up);
            if looks_up { needs.clone() } else { Vec::new() }
        });
        let units = order::units(&needs, &looked_up.collect::<Vec<_>>());
        Self { units, needs, creators }
    }

    /// The operations that create what this one refers to, each once.
    #[must_use]
    pub fn needs(&self, operation: usize) -> &[usize] {
        self.needs.get(operation).map(Vec::as_slice).unwrap_or_default()
    }

    /// The operation that creates the resource of this `bulkId`.
    #[must_use]
    pub fn creator(&self, bulk_id: &str) -> Option<usize> {
        self.creators.get(bulk_id).copied()
    }

    /// Puts ids in the place of references in the data (RFC 7644 §3.7.2).
    pub fn resolve(&self, asked: &mut Asked, id_of: impl Fn(usize) -> Option<String>) {
        asked.visit_references(&mut |bulk_id| id_of(self.creator(bulk_id)?));
    }
}

/// The first POST of a `bulkId` has it; a further one is refused, because references to it would be ambiguous.
fn creators(operations: &mut [Operation]) -> HashMap<String, usize> {
    let mut creators: HashMap<String, usize> = HashMap::new();
    for (index, operation) in operations.iter_mut().enumerate() {
        let Some(bulk_id) = operation.creates().map(str::to_owned) else { continue };
        if let Some(first) = creators.get(&bulk_id) {
            operation.asked = Err(ScimError::invalid_value(format!(
                "The bulkId \"{bulk_id}\" is taken by operation {}; give each POST its own.",
                first + 1
            )));
        } else {
            creators.insert(bulk_id, index);
        }
    }
    creators
}

/// The operations that one operation refers to, each once; an unknown reference becomes its error.
fn needs_of(operation: &mut Operation, creators: &HashMap<String, usize>) -> Vec<usize> {
    let Ok(asked) = &mut operation.asked else { return Vec::new() };
    let mut needs = Vec::new();
    let mut unknown: Option<String> = None;
    let mut note = |bulk_id: &str| {
        match creators.get(bulk_id) {
            Some(creator) => needs.push(*creator),
            None => unknown = unknown.take().or_else(|| Some(bulk_id.to_owned())),
        }
        None
    };
    if let Some((_, Id::Reference(bulk_id))) = &operation.resource {
        note(bulk_id);
    }
    asked.visit_references(&mut note);
    if let Some(bulk_id) = unknown {
        let bulk_id: String = bulk_id.chars().take(MAX_BULK_ID).collect();
        let detail = format!("No POST of this request has the bulkId \"{bulk_id}\".");
        operation.asked = Err(ScimError::invalid_value(detail));
        return Vec::new();
    }
    needs.sort_unstable();
    needs.dedup();
    needs
}
