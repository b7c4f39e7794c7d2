//! Applies one operation to a document (RFC 7644 §3.5.2.1 to §3.5.2.3). Attributes with elements are in
//! [`elements`].

use serde_json::{Map, Value};

use super::compat::{is_empty, names_no_part};
use super::effort::Effort;
use super::{Operation, Verb, chosen, elements};
use crate::attribute_name::AttributeName;
use crate::leniency::{Leniency, Tolerance};
use crate::path::Path;
use crate::resource::{Faults, json_in, keep_in_value, normalise, normalise_element};
use crate::schema::{Attribute, Mutability, ResourceType, Type};
use crate::{ScimError, ScimType};

/// One value where the attribute of this name holds several.
pub(super) fn allow_single(name: &str, tolerance: &mut Tolerance) -> Result<(), ScimError> {
    let refusal = || ScimError::invalid_value(format!("{name} must be an array."));
    tolerance.allow(Leniency::SingleForList, name, refusal)
}

/// One operation with what every step of it needs.
pub(super) struct Change<'a> {
    pub(super) verb: Verb,
    pub(super) definition: &'a Attribute,
    /// The attribute's full name without a sub-attribute, for error texts.
    pub(super) name: String,
    pub(super) value: &'a Value,
    pub(super) tolerance: &'a mut Tolerance,
    pub(super) effort: &'a mut Effort,
}

/// What becomes of one sub-attribute: a value, or nothing.
pub(super) type Part = (String, Option<Value>);

pub(super) fn apply(
    rt: &ResourceType,
    operation: &Operation,
    document: &mut Map<String, Value>,
    tolerance: &mut Tolerance,
    effort: &mut Effort,
) -> Result<(), ScimError> {
    let of = match &operation.path {
        Path::Extension(urn) => {
            document.shift_remove(urn);
            return Ok(());
        }
        Path::Attribute(of) | Path::Elements { of, .. } => of,
    };
    let Some(definition) = of.definition(rt) else {
        return Err(ScimError::invalid_path("The path names no attribute of this resource type."));
    };
    let name = AttributeName { sub: None, ..of.clone() }.to_string();
    let (verb, value) = (operation.verb, &operation.value);
    let change = Change { verb, definition, name, value, tolerance, effort };
    let Some(urn) = &of.urn else {
        return change.apply(&operation.path, document);
    };
    let block = document.entry(urn.clone()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(block) = block {
        change.apply(&operation.path, block)?;
    }
    if block.as_object().is_some_and(Map::is_empty) {
        document.shift_remove(urn);
    }
    Ok(())
}

impl<'a> Change<'a> {
    /// `holder` is the document, or the extension's block in it.
    fn apply(mut self, path: &Path, holder: &mut Map<String, Value>) -> Result<(), ScimError> {
        if let Path::Elements { filter, sub, .. } = path {
            return chosen::selected(&mut self, filter, sub.as_ref().map(|s| s.name.as_str()), holder);
        }
        let sub = path.sub().map(|sub| sub.name.as_str());
        if sub.is_none() && self.verb != Verb::Remove && names_no_part(self.definition, self.value) {
            self.tolerance.note(Leniency::NullOrEmpty, &self.name);
            return Ok(());
        }
        match (sub, self.definition.multi_valued) {
            (None, true) => elements::whole(&mut self, holder),
            (Some(sub), true) if self.verb == Verb::Remove && !self.value.is_null() => {
                elements::listed_by_part(&mut self, sub, holder)
            }
            (Some(sub), true) => elements::part_of_all(&mut self, sub, holder),
            (None, false) if self.definition.kind == Type::Complex => self.complex(holder),
            (None, false) => self.simple(holder),
            (Some(sub), false) => self.part(sub, holder),
        }
    }

    /// "If the target location specifies a single-valued attribute, the existing value is replaced."
    fn simple(&mut self, holder: &mut Map<String, Value>) -> Result<(), ScimError> {
        let value = match self.verb {
            Verb::Remove => None,
            Verb::Add | Verb::Replace => self.normalised()?,
        };
        if value.is_none() && self.verb == Verb::Add {
            return self.add_nothing(holder);
        }
        put(holder, &self.definition.name, value);
        Ok(())
    }

    /// RFC 7644 §3.5.2.1: an `add` adds; what is empty adds nothing and takes nothing away.
    fn add_nothing(&self, holder: &Map<String, Value>) -> Result<(), ScimError> {
        if self.definition.required && holder.contains_key(&self.definition.name) {
            return Err(ScimError::invalid_value(format!(
                "{} is required; it must not be empty.",
                self.name
            )));
        }
        Ok(())
    }

    /// "If the target location specifies a complex attribute, a set of sub-attributes SHALL be replaced": those
    /// that the value does not name stay (RFC 7644 §3.5.2.3).
    fn complex(&mut self, holder: &mut Map<String, Value>) -> Result<(), ScimError> {
        match self.value {
            Value::Object(members) if self.verb != Verb::Remove && !is_reference(self.definition) => {
                let parts = self.parts_of(members)?;
                self.write(parts, holder);
                Ok(())
            }
            _ => {
                let value = match self.verb {
                    Verb::Remove => None,
                    Verb::Add | Verb::Replace => self.normalised()?,
                };
                if value.is_none() && self.verb == Verb::Add {
                    return self.add_nothing(holder);
                }
                self.write_whole(value, self.value, holder);
                Ok(())
            }
        }
    }

    /// A value in the place of another keeps what a client could not name because no answer shows it.
    pub(super) fn write_whole(
        &self,
        mut value: Option<Value>,
        sent: &Value,
        holder: &mut Map<String, Value>,
    ) {
        if let (Some(new), Some(held)) = (&mut value, holder.get(&self.definition.name)) {
            keep_in_value(self.definition, sent, held, new);
        }
        put(holder, &self.definition.name, value);
    }

    /// `name.givenName`, `manager.value`.
    fn part(&mut self, sub: &str, holder: &mut Map<String, Value>) -> Result<(), ScimError> {
        if is_reference(self.definition) && sub == "value" {
            let whole = Value::Object(Map::from_iter([(sub.to_owned(), self.value.clone())]));
            let value = match self.verb {
                Verb::Remove => None,
                _ => normalise(self.definition, &whole, &self.name, self.tolerance)?,
            };
            if value.is_some() || self.verb != Verb::Add {
                self.write_whole(value, &whole, holder);
            }
            return Ok(());
        }
        let part = self.part_value(sub)?;
        self.write(part.into_iter().collect(), holder);
        Ok(())
    }

    fn write(&self, parts: Vec<Part>, holder: &mut Map<String, Value>) {
        let name = &self.definition.name;
        let slot = holder.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(members) = slot {
            for (sub, value) in parts {
                put(members, &sub, value);
            }
            if members.is_empty() {
                holder.shift_remove(name);
            }
        }
    }

    /// The whole value in canonical form.
    pub(super) fn normalised(&mut self) -> Result<Option<Value>, ScimError> {
        let listed = as_list(self.definition, self.value);
        if listed.is_some() {
            self.allow_single()?;
        }
        let value = listed.as_ref().unwrap_or(self.value);
        let normal = normalise(self.definition, value, &self.name, self.tolerance)?;
        Ok(self.noted(normal))
    }

    /// The elements that the value holds; one that stands by itself is a list of one.
    pub(super) fn listed(&mut self) -> Result<&'a [Value], ScimError> {
        match self.value {
            Value::Array(elements) => Ok(elements),
            empty if is_empty(empty) && (self.definition.kind == Type::Complex || !empty.is_object()) => {
                Ok(&[])
            }
            single => {
                self.allow_single()?;
                Ok(std::slice::from_ref(single))
            }
        }
    }

    fn allow_single(&mut self) -> Result<(), ScimError> {
        allow_single(&self.name, self.tolerance)
    }

    /// One element in canonical form.
    pub(super) fn element(&mut self, element: &Value) -> Result<Option<Value>, ScimError> {
        normalise_element(self.definition, element, &self.name, self.tolerance)
    }

    /// What the operation makes of one sub-attribute; `None` when it adds nothing to it.
    pub(super) fn part_value(&mut self, sub: &str) -> Result<Option<Part>, ScimError> {
        let normal = match self.verb {
            Verb::Remove => None,
            Verb::Add | Verb::Replace => self.sub_value(sub, self.value)?,
        };
        Ok(self.part_of(sub, normal))
    }

    /// A part that is empty is taken away by `replace` and `remove`, and by no `add`.
    fn part_of(&self, sub: &str, value: Option<Value>) -> Option<Part> {
        (value.is_some() || self.verb != Verb::Add).then(|| (sub.to_owned(), value))
    }

    /// The sub-attributes that the object names, in the schema's spelling.
    pub(super) fn parts_of(&mut self, members: &Map<String, Value>) -> Result<Vec<Part>, ScimError> {
        let mut parts = Vec::with_capacity(members.len());
        let mut faults = Faults::default();
        for (key, value) in members {
            match self.definition.sub_attribute(key) {
                None => {
                    faults.keep(self.unknown_part(key));
                }
                Some(sub) if sub.mutability == Mutability::ReadOnly => {}
                Some(sub) => {
                    let value = faults.keep(self.sub_value(&sub.name, value));
                    parts.extend(value.and_then(|value| self.part_of(&sub.name, value)));
                }
            }
        }
        faults.into_result().map(|()| parts)
    }

    fn unknown_part(&mut self, key: &str) -> Result<(), ScimError> {
        let name = format!("{}.{key}", self.name);
        let refusal = || ScimError::invalid_path(format!("{name} is unknown; leave it out."));
        self.tolerance.allow(Leniency::UnknownAttribute, &name, refusal)
    }

    fn sub_value(&mut self, sub: &str, value: &Value) -> Result<Option<Value>, ScimError> {
        let name = format!("{}.{sub}", self.name);
        let Some(definition) = self.definition.sub_attribute(sub) else {
            return Err(ScimError::invalid_path(format!("There is no {name}.")));
        };
        if definition.name == "value" && value.as_str().is_some_and(|text| json_in(text).is_some()) {
            return Err(ScimError::invalid_value(format!(
                "{name} must not be JSON in a text; send what it says."
            )));
        }
        let normal = normalise(definition, value, &name, self.tolerance)?;
        if definition.mutability == Mutability::WriteOnly {
            return Ok(None);
        }
        Ok(self.noted(normal))
    }

    /// Counts clearing by an empty value, which RFC 7644 leaves to `remove`.
    fn noted(&mut self, normal: Option<Value>) -> Option<Value> {
        if normal.is_none() {
            self.tolerance.note(Leniency::NullOrEmpty, &self.name);
        }
        normal
    }

    /// RFC 7644 §3.5.2.3: no record matched.
    pub(super) fn no_target(&self) -> ScimError {
        let detail = format!("No element of {} matches the path; add one first.", self.name);
        ScimError::bad_request(ScimType::NoTarget, detail)
    }
}

/// An attribute that points to another resource: its parts belong together, so that a new `value` beside the old
/// `$ref` would be a lie. It is always written as a whole.
fn is_reference(definition: &Attribute) -> bool {
    definition.sub_attribute("$ref").is_some() && definition.sub_attribute("value").is_some()
}

/// A single element where a list belongs, as a list.
fn as_list(definition: &Attribute, value: &Value) -> Option<Value> {
    let single = definition.multi_valued && !value.is_array() && !is_empty(value);
    single.then(|| Value::Array(vec![value.clone()]))
}

/// Writes or removes one member; the others keep their order.
pub(super) fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            object.insert(name.to_owned(), value);
        }
        None => {
            object.shift_remove(name);
        }
    }
}
