//! Reads the value of one operation: what it does to its attribute, whatever the resource holds. Every value comes out in
//! canonical form.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::change::{Edit, ElementEdit, Selection, SubAttribute, Verb};
use super::compat::{allow_single, names_no_part, unlisted};
use super::elements::value_of;
use crate::ScimError;
use crate::attribute_name::{AttributeName, BorrowedName};
use crate::equality::identity;
use crate::leniency::{Leniency, Tolerance};
use crate::path::Path;
use crate::resource::{Faults, is_bare_label, json_in, normalise, normalise_element, not_too_many, unpack};
use crate::schema::{Attribute, Mutability, Type};
use crate::value::{member, says_nothing, value_alone};

/// What the operation does to the attribute `definition`, which its path names.
///
/// # Errors
/// 400 `invalidValue` when the value is not one of the attribute, with all that is wrong in it; `invalidPath` when it names
/// an unknown sub-attribute and the tenant is strict.
pub(super) fn read(
    definition: &Attribute,
    verb: Verb,
    path: &Path,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<Edit, ScimError> {
    let Some(of) = path.attribute() else { return Ok(Edit::Nothing) };
    let name = AttributeName { sub: None, ..of.clone() }.to_string();
    let mut reader = ValueReader { verb, definition, name, value, tolerance };
    let sub = path.sub().map(|sub| sub.name.as_str());
    if matches!(path, Path::Elements { .. }) {
        return reader.selected(sub);
    }
    if sub.is_none() && verb != Verb::Remove && names_no_part(definition, value) {
        reader.tolerance.note(Leniency::NullOrEmpty, &reader.name);
        return Ok(Edit::Nothing);
    }
    match (sub, definition.multi_valued, verb) {
        (None, true, Verb::Add) => reader.appended(),
        (None, true, Verb::Remove) if !value.is_null() => reader.listed_elements(),
        (Some(sub), true, Verb::Remove) if !value.is_null() => reader.listed_by(sub),
        (Some(sub), true, _) => {
            let written = reader.sub_attribute(sub)?.into_iter().collect();
            Ok(Edit::Elements(Selection::ByPath, ElementEdit::Write(written)))
        }
        (None, true, _) => reader.whole(),
        (None, false, _) => reader.single(),
        (Some(sub), false, _) => reader.part(sub),
    }
}

struct ValueReader<'a> {
    verb: Verb,
    definition: &'a Attribute,
    /// The attribute's full name without a sub-attribute, for error texts.
    name: String,
    value: &'a Value,
    tolerance: &'a mut Tolerance,
}

impl<'a> ValueReader<'a> {
    /// "If the target location specifies a complex attribute, a set of sub-attributes SHALL be replaced": those
    /// that the value does not name stay (RFC 7644 §3.5.2.3).
    fn single(&mut self) -> Result<Edit, ScimError> {
        // The interoperability profile lets only `add` merge.
        let is_merged =
            self.verb == Verb::Add || self.verb == Verb::Replace && !self.tolerance.mode.is_interop();
        match self.value {
            Value::Object(sent)
                if is_merged && self.definition.kind == Type::Complex && !is_reference(self.definition) =>
            {
                self.sub_attributes(sent).map(Edit::SubAttributes)
            }
            _ => self.whole(),
        }
    }

    /// "If the target location specifies a single-valued attribute, the existing value is replaced."
    fn whole(&mut self) -> Result<Edit, ScimError> {
        let value = match self.verb {
            Verb::Remove => None,
            Verb::Add | Verb::Replace => self.normalised()?,
        };
        if value.is_none() && self.verb == Verb::Add {
            return Ok(Edit::AddEmpty);
        }
        Ok(self.replacement(value, self.value))
    }

    fn replacement(&self, value: Option<Value>, sent: &Value) -> Edit {
        let sent = if self.definition.hides_parts() { sent.clone() } else { Value::Null };
        Edit::Replace { value, sent }
    }

    /// `name.givenName`, `manager.value`.
    fn part(&mut self, sub: &str) -> Result<Edit, ScimError> {
        if !is_reference(self.definition) || sub != "value" {
            let written = self.sub_attribute(sub)?;
            return Ok(Edit::SubAttributes(written.into_iter().collect()));
        }
        let whole = Value::Object(value_alone(self.value));
        let value = match self.verb {
            Verb::Remove => None,
            Verb::Add | Verb::Replace => normalise(self.definition, &whole, &self.name, self.tolerance)?,
        };
        if value.is_none() && self.verb == Verb::Add {
            return Ok(Edit::Nothing);
        }
        Ok(self.replacement(value, &whole))
    }

    /// The whole value in canonical form.
    fn normalised(&mut self) -> Result<Option<Value>, ScimError> {
        let is_single = self.definition.multi_valued && !self.value.is_array() && !says_nothing(self.value);
        let listed = is_single.then(|| Value::Array(vec![self.value.clone()]));
        if is_single {
            allow_single(&self.name, self.tolerance)?;
        }
        let value = listed.as_ref().unwrap_or(self.value);
        let normal = normalise(self.definition, value, &self.name, self.tolerance)?;
        Ok(self.noted(normal))
    }

    /// RFC 7644 §3.5.2.1: an `add` to a list adds elements.
    fn appended(&mut self) -> Result<Edit, ScimError> {
        let mut faults = Faults::default();
        let listed = self.listed()?;
        // Before they are read: each of them costs something.
        not_too_many(BorrowedName::of(&self.name), listed.len())?;
        let elements =
            listed.iter().filter_map(|element| faults.keep(self.element(element)).flatten()).collect();
        faults.into_result().map(|()| Edit::Append(elements))
    }

    /// `remove` with a value: exactly those elements, never the whole list (the value list that Entra and authentik
    /// send for members, here for any attribute).
    fn listed_elements(&mut self) -> Result<Edit, ScimError> {
        // By their `value`, so that a long list removed from a long list costs both and not their product.
        let mut by_value: HashMap<String, Vec<Value>> = HashMap::new();
        let mut others = Vec::new();
        for element in self.listed()? {
            let unpacked = unpack(self.definition, element, &self.name, self.tolerance)?;
            let element = match unpacked.as_ref() {
                Value::String(_) if self.definition.kind == Type::Complex => {
                    let name = &self.name;
                    let refusal = || ScimError::invalid_value(format!("An element of {name} is an object."));
                    self.tolerance.allow(Leniency::BareValue, name, refusal)?;
                    Some(Value::Object(value_alone(&unpacked)))
                }
                other => self.element(other)?,
            };
            let Some(element) = element else { continue };
            match value_of(self.definition, &element).map(|value| value.into_owned()) {
                Some(value) => by_value.entry(value).or_default().push(element),
                None => others.push(element),
            }
        }
        Ok(Edit::Elements(Selection::Listed { by_value, others }, ElementEdit::Remove))
    }

    /// `remove` of `roles.value` with a value removes the listed elements and no others. Of another sub-attribute than
    /// `value`, which alone identifies an element, it removes that sub-attribute from them.
    fn listed_by(&mut self, sub: &str) -> Result<Edit, ScimError> {
        let (definition, name) = self.definition_of(sub)?;
        let mut wanted: HashSet<String> = HashSet::new();
        for listed in self.listed()? {
            let listed = match listed {
                Value::Object(parts) => member(parts, sub).unwrap_or(&Value::Null),
                simple => simple,
            };
            let value = normalise(definition, listed, &name, self.tolerance)?;
            wanted.extend(value.map(|value| identity(definition, &value).into_owned()));
        }
        let removal = match sub {
            "value" => ElementEdit::Remove,
            _ => ElementEdit::Write(vec![(sub.to_owned(), None)]),
        };
        Ok(Edit::Elements(Selection::BySubAttribute(sub.to_owned(), wanted), removal))
    }

    /// `emails[type eq "work"]`, `emails[type eq "work"].value`.
    fn selected(&mut self, sub: Option<&str>) -> Result<Edit, ScimError> {
        let edit = match (sub, self.verb) {
            _ if self.definition.kind != Type::Complex => match self.selected_simple()? {
                Some(new) => ElementEdit::ReplaceSimple(new),
                None if self.verb == Verb::Add => return Ok(Edit::Nothing),
                None => ElementEdit::Remove,
            },
            (Some(sub), _) => ElementEdit::Write(self.sub_attribute(sub)?.into_iter().collect()),
            (None, Verb::Remove) => ElementEdit::Remove,
            (None, verb) => match self.sent_element()? {
                // RFC 7644 §3.5.2.3: "all matching record values SHALL be replaced".
                Some(sent) if verb == Verb::Replace && self.definition.multi_valued => {
                    ElementEdit::Replace { sub_attributes: self.whole_element(&sent)?, sent }
                }
                Some(Value::Object(sent)) => ElementEdit::Write(self.sub_attributes(&sent)?),
                _ if verb == Verb::Add => ElementEdit::Write(Vec::new()),
                _ => ElementEdit::Remove,
            },
        };
        Ok(Edit::Elements(Selection::ByPath, edit))
    }

    /// The new value for the simple values that `tags[value eq "b"]` selects; `None` when there is none.
    fn selected_simple(&mut self) -> Result<Option<Value>, ScimError> {
        if self.verb == Verb::Remove {
            return Ok(None);
        }
        let refusal = || ScimError::invalid_value(format!("{} takes one value here.", self.name));
        let sent = unlisted(self.value, &self.name, self.tolerance, refusal)?;
        self.element(sent)
    }

    /// The one element that a value for selected elements is, as an object; `None` when it is empty.
    fn sent_element(&mut self) -> Result<Option<Value>, ScimError> {
        let refusal = || {
            let name = &self.name;
            ScimError::invalid_value(format!("The value for selected elements of {name} must be one object."))
        };
        match (self.value, self.value.as_array().map(Vec::as_slice)) {
            (Value::Object(_), _) => Ok(Some(self.value.clone())),
            (_, Some([element @ Value::Object(_)])) => {
                self.tolerance.allow(Leniency::ArrayOfOne, &self.name, refusal)?;
                Ok(Some(element.clone()))
            }
            (empty, _) if says_nothing(empty) => Ok(None),
            (Value::String(_), _) if self.definition.sub_attribute("value").is_some() => {
                self.tolerance.allow(Leniency::BareValue, &self.name, refusal)?;
                Ok(Some(Value::Object(value_alone(self.value))))
            }
            _ => Err(refusal()),
        }
    }

    /// The whole element that takes the place of others. An empty one is refused, because it would remove them.
    fn whole_element(&mut self, sent: &Value) -> Result<Vec<SubAttribute>, ScimError> {
        let is_label = !self.tolerance.refuses(Leniency::LabelWithoutValue)
            && self.definition.sub_attribute("value").is_some();
        match self.element(sent)? {
            Some(element) if is_label && is_bare_label(&element) => {}
            Some(Value::Object(element)) => {
                return Ok(element.into_iter().map(|(sub, value)| (sub, Some(value))).collect());
            }
            _ => {}
        }
        let name = &self.name;
        let detail = format!("The value leaves nothing of the chosen elements of {name}; use remove.");
        Err(ScimError::invalid_value(detail))
    }

    /// The elements that the value holds; one without an array around it is a list of one.
    fn listed(&mut self) -> Result<&'a [Value], ScimError> {
        match self.value {
            Value::Array(elements) => Ok(elements),
            empty if says_nothing(empty) && (self.definition.kind == Type::Complex || !empty.is_object()) => {
                Ok(&[])
            }
            single => {
                allow_single(&self.name, self.tolerance)?;
                Ok(std::slice::from_ref(single))
            }
        }
    }

    /// One element in canonical form.
    fn element(&mut self, element: &Value) -> Result<Option<Value>, ScimError> {
        normalise_element(self.definition, element, &self.name, self.tolerance)
    }

    /// What the operation makes of one sub-attribute; `None` when it adds nothing to it.
    fn sub_attribute(&mut self, sub: &str) -> Result<Option<SubAttribute>, ScimError> {
        let value = match self.verb {
            Verb::Remove => None,
            Verb::Add | Verb::Replace => self.sub_value(sub, self.value)?,
        };
        Ok(self.written(sub, value))
    }

    /// The sub-attributes that the object names, in the schema's spelling.
    fn sub_attributes(&mut self, sent: &Map<String, Value>) -> Result<Vec<SubAttribute>, ScimError> {
        let mut written = Vec::with_capacity(sent.len());
        let mut faults = Faults::default();
        for (key, value) in sent {
            match self.definition.sub_attribute(key) {
                None => {
                    let name = format!("{}.{key}", self.name);
                    let refusal = self.tolerance.undefined(format!("{name} is unknown; leave it out."));
                    faults.keep(self.tolerance.allow(Leniency::UnknownAttribute, &name, || refusal));
                }
                Some(sub) if sub.mutability == Mutability::ReadOnly => {}
                Some(sub) => {
                    let value = faults.keep(self.sub_value(&sub.name, value));
                    written.extend(value.and_then(|value| self.written(&sub.name, value)));
                }
            }
        }
        faults.into_result().map(|()| written)
    }

    /// An empty sub-attribute is removed by `replace` and `remove`, and by no `add`.
    fn written(&self, sub: &str, value: Option<Value>) -> Option<SubAttribute> {
        (value.is_some() || self.verb != Verb::Add).then(|| (sub.to_owned(), value))
    }

    fn sub_value(&mut self, sub: &str, value: &Value) -> Result<Option<Value>, ScimError> {
        let (definition, name) = self.definition_of(sub)?;
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

    /// The definition of a sub-attribute, and its full name.
    fn definition_of(&self, sub: &str) -> Result<(&'a Attribute, String), ScimError> {
        let name = format!("{}.{sub}", self.name);
        match self.definition.sub_attribute(sub) {
            Some(definition) => Ok((definition, name)),
            None => Err(self.tolerance.undefined(format!("There is no {name}."))),
        }
    }

    /// Counts clearing by an empty value, which RFC 7644 leaves to `remove`.
    fn noted(&mut self, normal: Option<Value>) -> Option<Value> {
        if normal.is_none() {
            self.tolerance.note(Leniency::NullOrEmpty, &self.name);
        }
        normal
    }
}

/// An attribute that points to another resource: its sub-attributes belong together, because an old `$ref` beside a new
/// `value` would be wrong. It is always written as a whole.
fn is_reference(definition: &Attribute) -> bool {
    definition.sub_attribute("$ref").is_some() && definition.sub_attribute("value").is_some()
}
