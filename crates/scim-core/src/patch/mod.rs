//! PATCH (RFC 7644 §3.5.2): a request is read as a whole before anything is applied, and applied to a copy, so that it takes
//! effect in full or not at all. Every operation is applied, provably changes nothing, or is an error: a 2xx for an operation
//! that was not understood would leave people who left the company with access.

mod apply;
mod change;
mod compat;
mod effort;
mod elements;
mod members;
mod operation;
mod value;

use serde_json::{Map, Value};

pub(crate) use elements::made_from;
pub use members::{MemberChange, MemberSelection};

use change::{Change, Verb};
use effort::Effort;
use operation::OperationReader;

use crate::json::Limits;
use crate::leniency::Tolerance;
use crate::path::Path;
use crate::resource::{self, Faults, MAX_MEMBERS, in_operation};
use crate::schema::ResourceType;
use crate::value::member;
use crate::{Document, ScimError, ScimType, message, urn};

/// The operations of one PATCH, read as changes to attributes of the resource type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PatchRequest {
    /// In the order in which they are applied.
    changes: Vec<Change>,
    /// The changes to a group's members, in order; they are rows elsewhere and touch nothing else.
    members: Vec<MemberChange>,
    /// What the operations say the resource's `schemas` are, by the number of the operation.
    schemas: Vec<(usize, Vec<String>)>,
}

impl PatchRequest {
    /// Most operations in one request; more is 413.
    pub const MAX_OPERATIONS: usize = Limits::SCIM.operations;

    /// Most comparisons with members, by other than their id, that one request may ask for: each of them is made
    /// with every member of the group, of which there may be many thousands.
    pub const MAX_MEMBER_COMPARISONS: usize = 20;

    /// Reads the body of a PATCH. When all paths are understood, a value that is wrong is refused by [`Self::apply`], together
    /// with what the resource does not allow (MC12).
    ///
    /// # Errors
    /// 400 with the keyword of RFC 7644 §3.12 that says which part cannot be understood, with the faults of all values;
    /// 413 for too many operations.
    pub fn parse(rt: &ResourceType, body: &Value, tolerance: &mut Tolerance) -> Result<Self, ScimError> {
        let Some(body) = body.as_object() else {
            return Err(ScimError::invalid_syntax("The body of a PATCH must be a JSON object."));
        };
        message::check(body, urn::PATCH_OP, "a PATCH", tolerance)?;
        let operations = operations(body, tolerance)?;
        let mut reader = OperationReader::new(rt, tolerance);
        let mut refused = Vec::new();
        for operation in operations {
            let outcome = reader.read(operation);
            refused.extend(outcome.err().map(|fault| (reader.number, fault)));
        }
        let OperationReader { changes, members, schemas, .. } = reader;
        if !refused.is_empty() {
            let wrong = |change: &Change| Some((change.operation, change.edit.as_ref().err()?.clone()));
            refused.extend(changes.iter().filter_map(wrong));
            refused.sort_by_key(|(number, _)| *number);
            let mut faults = Faults::default();
            refused.iter().for_each(|(number, fault)| faults.add(in_operation(*number, fault)));
            faults.into_result()?;
        }
        let request = Self { changes, members, schemas };
        request.check_members()?;
        Ok(request)
    }

    /// The document after every operation. `current` stays as it is, whatever happens. Changes to a group's
    /// members are not among them: take those with [`Self::split_members`] first.
    ///
    /// # Errors
    /// 400 when a value has the wrong type, a value path selects nothing that could be made, an immutable attribute
    /// would change, or a required one would be missing that was there: all of it together (MC12). Alone: 400 when
    /// the operations ask for more work than one request may cost.
    pub fn apply(
        &self,
        rt: &ResourceType,
        current: &Document,
        tolerance: &mut Tolerance,
    ) -> Result<Document, ScimError> {
        debug_assert!(self.members.is_empty(), "members are split off before a PATCH is applied");
        let mut document = current.clone();
        let mut faults = Faults::default();
        let mut effort = Effort::of_one_request();
        for change in &self.changes {
            let number = change.operation;
            faults.note_operation(number, change.path.to_string(), change.verb == Verb::Remove);
            match apply::apply(rt, change, &mut document.0, tolerance, &mut effort) {
                Err(error) if error.scim_type == Some(ScimType::TooMany) => return Err(error),
                // A later operation cannot find the element that a failed one would have made.
                Err(error) if error.scim_type == Some(ScimType::NoTarget) && !faults.is_empty() => {}
                outcome => {
                    faults.keep(outcome.map_err(|fault| in_operation(number, &fault)));
                }
            }
        }
        resource::normalise_patched(rt, current, &mut document, tolerance, &mut faults);
        for (number, urns) in &self.schemas {
            let outcome = compat::check_schemas(rt, &document, urns);
            faults.keep(outcome.map_err(|fault| in_operation(*number, &fault)));
        }
        faults.into_result().map(|()| document)
    }

    /// Splits a group's request into changes of its attributes and changes of its members, so that the cost of a PATCH
    /// does not depend on the size of the group.
    #[must_use]
    pub fn split_members(mut self) -> (Self, Vec<MemberChange>) {
        let members = std::mem::take(&mut self.members);
        (self, members)
    }

    /// Whether an operation is about this core attribute or a part of it, or about this extension, whatever its value.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        self.changes.iter().any(|change| match &change.path {
            Path::Extension(urn) => urn == name,
            Path::Attribute(of) | Path::Elements { of, .. } => {
                of.urn.as_deref().unwrap_or(&of.attribute.name) == name
            }
        })
    }

    /// Checks the limits on members over all operations together.
    fn check_members(&self) -> Result<(), ScimError> {
        if self.members.iter().map(MemberChange::named).sum::<usize>() > MAX_MEMBERS {
            let detail = format!(
                "The operations may name at most {MAX_MEMBERS} members together; send several requests."
            );
            return Err(ScimError::invalid_value(detail));
        }
        let limit = Self::MAX_MEMBER_COMPARISONS;
        if self.members.iter().map(MemberChange::comparisons).sum::<usize>() <= limit {
            return Ok(());
        }
        let detail = format!(
            "The operations select members by more than {limit} comparisons; select them by their value."
        );
        Err(ScimError::bad_request(ScimType::TooMany, detail))
    }
}

fn operations<'b>(body: &'b Map<String, Value>, tolerance: &mut Tolerance) -> Result<&'b [Value], ScimError> {
    let Some(operations) = member(body, "Operations").and_then(Value::as_array) else {
        return Err(ScimError::invalid_syntax("A PATCH needs \"Operations\", an array of operations."));
    };
    message::check_operations(operations, tolerance)?;
    Ok(operations)
}

#[cfg(test)]
mod tests;
