//! PATCH (RFC 7644 §3.5.2): a request is read and judged as a whole before anything is applied, and applied to a
//! copy, so that it happens in full or not at all. Every operation is applied, provably changes nothing, or is an
//! error: a 2xx for something not understood would leave leavers with access.

mod apply;
mod chosen;
mod compat;
mod effort;
mod elements;
mod members;

use serde_json::{Map, Value};

pub use members::{MemberChange, MemberSelection};

use crate::attribute_name::AttributeName;
use crate::json::Limits;
use crate::leniency::{Leniency, Tolerance};
use crate::path::Path;
use crate::resource::{Faults, MAX_MEMBERS, in_operation, member};
use crate::schema::{Attribute, Mutability, ResourceType, Schema};
use crate::{Document, ResourceKind, ScimError, ScimType, message, resource, urn};

const SCHEMAS: &str = "schemas";

/// The operations of one PATCH, resolved against the resource type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PatchRequest {
    /// In the order they are applied. Operations without a path have become one for each attribute they name.
    pub operations: Vec<Operation>,
    /// What happens to a group's members, in order; they are rows elsewhere and touch nothing else.
    members: Vec<MemberChange>,
    /// What the resource's `schemas` are said to be, by the number of the operation.
    schemas: Vec<(usize, Vec<String>)>,
    /// How many operations of the body were read.
    number: usize,
}

/// One change to one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What is done.
    pub verb: Verb,
    /// Where.
    pub path: Path,
    /// With what; null when the operation has no value.
    pub value: Value,
    /// Which operation of the request it is, or comes from, counted from one.
    number: usize,
}

/// `op` of RFC 7644 §3.5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the RFC's own words")]
pub enum Verb {
    Add,
    Replace,
    Remove,
}

impl PatchRequest {
    /// Most operations in one request; more is 413.
    pub const MAX_OPERATIONS: usize = Limits::SCIM.operations;

    /// Most comparisons with members, by other than their id, that one request may ask for: each of them is made
    /// with every member of the group, of which there may be many thousands.
    pub const MAX_MEMBER_COMPARISONS: usize = 20;

    /// Reads the body of a PATCH.
    ///
    /// # Errors
    /// 400 with the keyword of RFC 7644 §3.12 that says which part cannot be understood; 413 for too many
    /// operations.
    pub fn parse(rt: &ResourceType, body: &Value, tolerance: &mut Tolerance) -> Result<Self, ScimError> {
        let Some(body) = body.as_object() else {
            return Err(ScimError::invalid_syntax("The body of a PATCH must be a JSON object."));
        };
        message::check(body, urn::PATCH_OP, "a PATCH", tolerance)?;
        let mut request = Self::default();
        let mut refused = Vec::new();
        for operation in operations(body, tolerance)? {
            request.number += 1;
            let outcome = request.read(rt, operation, tolerance);
            refused.extend(outcome.err().map(|fault| (request.number, fault)));
        }
        if !refused.is_empty() {
            refused.extend(request.wrong_values(rt, tolerance));
            refused.sort_by_key(|(number, _)| *number);
            let mut faults = Faults::default();
            refused.iter().for_each(|(number, fault)| faults.add(in_operation(*number, fault)));
            faults.into_result()?;
        }
        request.check_members()?;
        Ok(request)
    }

    /// What is wrong with the values of operations whose paths are understood, whatever the resource holds: to be told
    /// together with what is not understood (MC12).
    fn wrong_values(&self, rt: &ResourceType, tolerance: &mut Tolerance) -> Vec<(usize, ScimError)> {
        let mut effort = effort::Effort::of_one_request();
        let wrong = |operation: &Operation| {
            let fault = apply::apply(rt, operation, &mut Map::new(), tolerance, &mut effort).err()?;
            let depends = matches!(
                fault.scim_type,
                Some(ScimType::NoTarget | ScimType::Mutability | ScimType::TooMany)
            );
            (!depends).then_some((operation.number, fault))
        };
        self.operations.iter().filter_map(wrong).collect()
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
        let mut effort = effort::Effort::of_one_request();
        for operation in &self.operations {
            let removes = operation.verb == Verb::Remove;
            faults.note_operation(operation.number, operation.path.to_string(), removes);
            match apply::apply(rt, operation, &mut document.0, tolerance, &mut effort) {
                Err(error) if error.scim_type == Some(ScimType::TooMany) => return Err(error),
                // What an operation that failed should have made cannot be found by a later one.
                Err(error) if error.scim_type == Some(ScimType::NoTarget) && !faults.is_empty() => {}
                outcome => {
                    faults.keep(outcome.map_err(|fault| in_operation(operation.number, &fault)));
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

    /// A group's request as one on its attributes and the changes to its members, so that a PATCH costs what it
    /// names and not what the group holds.
    #[must_use]
    pub fn split_members(mut self) -> (Self, Vec<MemberChange>) {
        let members = std::mem::take(&mut self.members);
        (self, members)
    }

    /// What all operations together ask of the members.
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

    fn read(
        &mut self,
        rt: &ResourceType,
        operation: &Value,
        tolerance: &mut Tolerance,
    ) -> Result<(), ScimError> {
        let Some(operation) = operation.as_object() else {
            return Err(ScimError::invalid_syntax("an operation must be a JSON object."));
        };
        let verb = verb(operation, tolerance)?;
        let value = member(operation, "value");
        if value.is_none() && verb != Verb::Remove {
            return Err(ScimError::invalid_value("add and replace need a \"value\"; send null to clear."));
        }
        let path = match member(operation, "path") {
            Some(Value::Null) => {
                let refusal = || ScimError::invalid_path("\"path\" must be a string; leave it out.");
                tolerance.allow(Leniency::NullPath, "path", refusal)?;
                None
            }
            path => path,
        };
        match (path, value) {
            (None, _) if verb == Verb::Remove => {
                Err(ScimError::bad_request(ScimType::NoTarget, "remove needs a \"path\"."))
            }
            (None, value) => compat::without_path(self, rt, verb, value.unwrap_or(&Value::Null), tolerance),
            (Some(Value::String(path)), Some(value)) if verb != Verb::Remove && rt.is_core(path) => {
                compat::core(self, rt, verb, value, tolerance)
            }
            (Some(Value::String(path)), value) => {
                let path = Path::parse(rt, path, tolerance)?;
                check_writable(rt, &path)?;
                self.push(rt, verb, path, value.unwrap_or(&Value::Null), tolerance)
            }
            (Some(_), _) => Err(ScimError::invalid_path("\"path\" must be a string.")),
        }
    }

    /// One operation whose path may be written.
    fn push(
        &mut self,
        rt: &ResourceType,
        verb: Verb,
        path: Path,
        value: &Value,
        tolerance: &mut Tolerance,
    ) -> Result<(), ScimError> {
        if verb == Verb::Remove && !value.is_null() {
            allow_value_of_remove(&path, tolerance)?;
        }
        let Some(of) = path.attribute() else {
            return compat::extension(self, rt, verb, path, value, tolerance);
        };
        if of.is_name(SCHEMAS, None) {
            let urns = compat::schemas(verb, value)?;
            self.schemas.extend(urns.map(|urns| (self.number, urns)));
            return Ok(());
        }
        let Some(definition) = of.definition(rt) else {
            return Err(ScimError::invalid_path("the path names no attribute."));
        };
        let value = compat::unwrapped(definition, &path, value, tolerance)?;
        let value = compat::single(definition, &path, verb, value, tolerance);
        let value = compat::unpacked(definition, &path, value, tolerance)?;
        let value = value.as_ref();
        if rt.kind == ResourceKind::Group && of.urn.is_none() && of.attribute.name == "members" {
            self.members.extend(members::change(definition, verb, (&path, value), tolerance)?);
            return Ok(());
        }
        if definition.mutability == Mutability::WriteOnly {
            return write_only(definition, of, verb, value, tolerance);
        }
        if verb != Verb::Remove && path.sub().is_none() {
            match content(definition, value) {
                Content::Unknown => {
                    let name = of.to_string();
                    return Err(ScimError::invalid_path(format!("no part of the value is known in {name}.")));
                }
                Content::ReadOnly => return Ok(()),
                Content::Writable => {}
            }
        }
        self.operations.push(Operation { verb, path, value: value.clone(), number: self.number });
        Ok(())
    }
}

fn operations<'b>(body: &'b Map<String, Value>, tolerance: &mut Tolerance) -> Result<&'b [Value], ScimError> {
    let Some(operations) = member(body, "Operations").and_then(Value::as_array) else {
        return Err(ScimError::invalid_syntax("A PATCH needs \"Operations\", an array of operations."));
    };
    if operations.is_empty() {
        tolerance.allow(Leniency::EmptyOperations, "Operations", || {
            ScimError::invalid_syntax("\"Operations\" is empty; send at least one operation.")
        })?;
    }
    if operations.len() > PatchRequest::MAX_OPERATIONS {
        return Err(ScimError::too_many_operations(PatchRequest::MAX_OPERATIONS));
    }
    Ok(operations)
}

fn verb(operation: &Map<String, Value>, tolerance: &mut Tolerance) -> Result<Verb, ScimError> {
    let op = member(operation, "op").and_then(Value::as_str).unwrap_or_default();
    let verb = match op.to_ascii_lowercase().as_str() {
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "remove" => Verb::Remove,
        _ => {
            return Err(ScimError::invalid_syntax("\"op\" must be add, replace or remove."));
        }
    };
    if op.contains(|c: char| c.is_ascii_uppercase()) {
        let refusal =
            || ScimError::invalid_syntax("\"op\" must be add, replace or remove, in small letters.");
        tolerance.allow(Leniency::CapitalisedOp, op, refusal)?;
    }
    Ok(verb)
}

/// RFC 7644 §3.5.2.2 chooses by the path alone what goes; a value would say something else.
fn allow_value_of_remove(path: &Path, tolerance: &mut Tolerance) -> Result<(), ScimError> {
    let name = match path {
        Path::Extension(urn) => urn.clone(),
        Path::Attribute(of) | Path::Elements { of, .. } => of.to_string(),
    };
    tolerance.allow(Leniency::RemoveWithValue, &name, || {
        ScimError::invalid_value("remove takes no \"value\"; choose elements with a filter in the path.")
    })
}

/// RFC 7644 §3.5.2: a path that names what is readOnly is 400 `mutability`.
fn check_writable(rt: &ResourceType, path: &Path) -> Result<(), ScimError> {
    if !is_read_only(rt, path) {
        return Ok(());
    }
    Err(ScimError::mutability("the path names a read-only attribute; leave the operation out."))
}

fn is_read_only(rt: &ResourceType, path: &Path) -> bool {
    let read_only = |m: Mutability| m == Mutability::ReadOnly;
    match path.attribute() {
        None => matches!(path, Path::Extension(urn) if rt.extension(urn).is_some_and(Schema::is_read_only)),
        // Computed too, but checked by itself: authentik sends it back in every PATCH.
        Some(of) if of.is_name(SCHEMAS, None) => false,
        Some(of) => {
            read_only(of.attribute.mutability) || path.sub().is_some_and(|sub| read_only(sub.mutability))
        }
    }
}

/// `password` and its like are taken and dropped (no log-in here, none will be stored); only the type is checked.
fn write_only(
    definition: &Attribute,
    of: &AttributeName,
    verb: Verb,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<(), ScimError> {
    if verb == Verb::Remove || of.sub.is_some() {
        return Ok(());
    }
    resource::normalise(definition, value, &of.to_string(), tolerance).map(|_| ())
}

/// How much of a value an attribute understands.
#[derive(PartialEq)]
enum Content {
    /// Something that can be written, or cleared.
    Writable,
    /// Only sub-attributes that are not the client's to write.
    ReadOnly,
    /// Sub-attributes, none of which exists.
    Unknown,
}

fn content(definition: &Attribute, value: &Value) -> Content {
    match value {
        Value::Object(members) if !members.is_empty() && !definition.sub_attributes.is_empty() => {
            let known = || members.keys().filter_map(|key| definition.sub_attribute(key));
            if resource::lone_ref(definition, members).is_some()
                || known().any(|sub| sub.mutability != Mutability::ReadOnly)
            {
                Content::Writable
            } else if known().next().is_some() {
                Content::ReadOnly
            } else {
                Content::Unknown
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            let contents = || elements.iter().map(|element| content(definition, element));
            if contents().any(|c| c == Content::Writable) {
                Content::Writable
            } else if contents().any(|c| c == Content::ReadOnly) {
                Content::ReadOnly
            } else {
                Content::Unknown
            }
        }
        _ => Content::Writable,
    }
}

#[cfg(test)]
mod tests;
