//! Changes to the elements of a list (RFC 7644 §3.5.2): they are appended, selected, written, replaced and removed; where the
//! path selects none, one may be made. The one `primary` of a list is kept here.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::change::{ElementEdit, Selection, SubAttribute, Verb};
use super::effort::Effort;
use crate::attribute_name::BorrowedName;
use crate::equality::{identity, same};
use crate::filter::{Filter, Literal, Op};
use crate::leniency::{Leniency, Tolerance};
use crate::resource::{cannot_change, keep_in_value, not_too_many, part};
use crate::schema::{Attribute, Mutability};
use crate::value::{member, says_nothing};
use crate::{ScimError, ScimType};

/// Sub-attributes from whose comparison an absent element can be made: Entra relies on it.
const MAKES_AN_ELEMENT: &[&str] = &["type", "primary"];

/// The attribute whose list changes.
pub(super) struct ListAttribute<'a> {
    pub(super) definition: &'a Attribute,
    /// Its full name, for error texts.
    pub(super) name: String,
    pub(super) verb: Verb,
    /// The filter in the path.
    pub(super) filter: Option<&'a Filter>,
    pub(super) tolerance: &'a mut Tolerance,
    pub(super) effort: &'a mut Effort,
}

impl ListAttribute<'_> {
    pub(super) fn change(
        &mut self,
        selection: &Selection,
        edit: &ElementEdit,
        list: &mut Vec<Value>,
    ) -> Result<(), ScimError> {
        let selected = self.select(selection, list)?;
        if selected.is_empty() {
            return self.none_selected(edit, list);
        }
        if selected.len() > 1 && self.filter.is_some() && self.tolerance.mode.is_interop() {
            return Err(ScimError::invalid_filter(format!(
                "The filter selects {} elements of {}; it must select one.",
                selected.len(),
                self.name
            )));
        }
        match edit {
            ElementEdit::Remove => remove_at(list, &selected),
            ElementEdit::Write(sub_attributes) => self.write(list, &selected, sub_attributes)?,
            ElementEdit::Replace { sub_attributes, sent } => {
                self.effort.write(sub_attributes, selected.len())?;
                for index in &selected {
                    if let Some(held) = list.get_mut(*index) {
                        *held = self.in_place_of(held, sub_attributes, sent)?;
                    }
                }
                prefer(list, &selected, sub_attributes);
            }
            ElementEdit::ReplaceSimple(new) => {
                self.effort.write(&[("value".to_owned(), Some(new.clone()))], selected.len())?;
                for index in selected {
                    if let Some(held) = list.get_mut(index) {
                        held.clone_from(new);
                    }
                }
            }
        }
        Ok(())
    }

    /// The positions of the selected elements.
    fn select(&mut self, selection: &Selection, list: &[Value]) -> Result<Vec<usize>, ScimError> {
        match (selection, self.filter) {
            (Selection::ByPath, None) => Ok((0..list.len()).collect()),
            (Selection::ByPath, Some(filter)) => {
                self.effort.compare(list, filter.terms())?;
                Ok(positions(list, |element| filter.matches_element(element)))
            }
            (Selection::BySubAttribute(sub, values), _) => {
                self.effort.compare(list, 1)?;
                let definition = self.definition.sub_attribute(sub);
                Ok(positions(list, |element| {
                    let held = element.get(sub).zip(definition).map(|(held, sub)| identity(sub, held));
                    held.is_some_and(|held| values.contains(held.as_ref()))
                }))
            }
            (Selection::Listed { by_value, others }, _) => {
                self.effort.compare(list, 1)?;
                let mut selected = Vec::new();
                for (index, element) in list.iter().enumerate() {
                    let value = value_of(self.definition, element);
                    let same_value = value.and_then(|value| by_value.get(value.as_ref()));
                    for listed in same_value.into_iter().chain([others]) {
                        self.effort.compare([element], listed.len())?;
                        if listed.iter().any(|listed| holds_all(self.definition, element, listed)) {
                            selected.push(index);
                            break;
                        }
                    }
                }
                Ok(selected)
            }
        }
    }

    /// No element is selected. Entra relies on one being made; clearing an absent value changes nothing.
    fn none_selected(&mut self, edit: &ElementEdit, list: &mut Vec<Value>) -> Result<(), ScimError> {
        let written = edit.sub_attributes();
        let clears = written.iter().all(|(_, value)| value.is_none());
        match self.filter {
            Some(_) if matches!(edit, ElementEdit::ReplaceSimple(_)) => Err(self.no_target()),
            Some(_) if self.verb == Verb::Replace && self.tolerance.mode.is_strict() => Err(self.no_target()),
            _ if clears => Ok(()),
            None => Err(self.no_target()),
            Some(filter) => {
                let made = made_from(filter).ok_or_else(|| self.no_target())?;
                self.tolerance.note(Leniency::AbsentElementMade, &self.name);
                let place = list.len();
                list.push(made);
                self.write(list, &[place], written)
            }
        }
    }

    /// RFC 7644 §3.5.2.3: no record matched.
    fn no_target(&self) -> ScimError {
        let detail = format!("No element of {} matches the path; add one first.", self.name);
        ScimError::bad_request(ScimType::NoTarget, detail)
    }

    /// Writes the sub-attributes into the selected elements. What an element is left with is judged when the document is
    /// normalised; that an immutable sub-attribute stays as it is can only be judged here, where an element is known to be
    /// the same as before.
    fn write(
        &mut self,
        list: &mut [Value],
        selected: &[usize],
        written: &[SubAttribute],
    ) -> Result<(), ScimError> {
        self.effort.write(written, selected.len())?;
        for index in selected {
            if let Some(Value::Object(members)) = list.get_mut(*index) {
                for (sub, value) in written {
                    if !may_write(self.definition, sub, members.get(sub), value.as_ref()) {
                        return Err(cannot_change(&format!("{}.{sub}", self.name)));
                    }
                    put(members, sub, value.clone());
                }
            }
        }
        prefer(list, selected, written);
        Ok(())
    }

    /// The element that takes the place of another. The path still selects it, so that the same request finds it again and
    /// makes no second one; as long as it is the same element, it keeps what responses do not show.
    fn in_place_of(
        &mut self,
        held: &Value,
        sub_attributes: &[SubAttribute],
        sent: &Value,
    ) -> Result<Value, ScimError> {
        let written = sub_attributes.iter().filter_map(|(sub, value)| Some((sub.clone(), value.clone()?)));
        let mut element: Map<String, Value> = written.collect();
        let kept = self
            .filter
            .filter(|_| !self.tolerance.refuses(Leniency::SelectorKept))
            .map(compared)
            .unwrap_or_default();
        for sub in kept {
            let is_named = sent.as_object().is_some_and(|sent| member(sent, sub).is_some());
            if let Some(value) = held.get(sub).filter(|_| !is_named) {
                self.tolerance.note(Leniency::SelectorKept, &self.name);
                element.insert(sub.to_owned(), value.clone());
            }
        }
        if !self.definition.hides_parts() {
            return Ok(Value::Object(element));
        }
        // Finding out whether it is the same element costs about as much as so many comparisons.
        self.effort.compare([held], 32)?;
        let mut list = Value::Array(vec![Value::Object(element)]);
        let (sent, held) = (Value::Array(vec![sent.clone()]), Value::Array(vec![held.clone()]));
        keep_in_value(self.definition, &sent, &held, &mut list);
        Ok(list.get_mut(0).map(Value::take).unwrap_or_default())
    }
}

/// The sub-attributes that the filter fixes for all elements it matches.
fn compared(filter: &Filter) -> Vec<&str> {
    match filter {
        Filter::Compare { path, op: Op::Eq, .. } => vec![path.attribute.name.as_str()],
        Filter::And(parts) => parts.iter().flat_map(compared).collect(),
        _ => Vec::new(),
    }
}

/// The element that a filter describes, when it is one `eq` on `type` or `primary`.
pub(crate) fn made_from(filter: &Filter) -> Option<Value> {
    let Filter::Compare { path, op: Op::Eq, value } = filter else {
        return None;
    };
    if !MAKES_AN_ELEMENT.contains(&path.attribute.name.as_str()) {
        return None;
    }
    let value = match value {
        Literal::String(text) => Value::from(text.as_str()),
        Literal::Boolean(boolean) => Value::from(*boolean),
        Literal::Number(_) | Literal::Null => return None,
    };
    Some(Value::Object(Map::from_iter([(path.attribute.name.clone(), value)])))
}

/// Takes the list out of its block, edits it, and puts back what is left.
pub(super) fn edit_list(
    definition: &Attribute,
    full_name: &str,
    block: &mut Map<String, Value>,
    edit: impl FnOnce(&mut Vec<Value>) -> Result<(), ScimError>,
) -> Result<(), ScimError> {
    let name = &definition.name;
    let held = block.entry(name.clone()).or_insert(Value::Null);
    let mut list = match held.take() {
        Value::Null => Vec::new(),
        Value::Array(list) => list,
        single => vec![single],
    };
    let outcome = edit(&mut list);
    if outcome.is_ok() {
        not_too_many(BorrowedName::of(full_name), list.len())?;
    }
    // After a fault too: later operations are still checked, and would find a fault in a list that is gone.
    *held = if definition.multi_valued { Value::Array(list) } else { list.pop().unwrap_or(Value::Null) };
    if says_nothing(held) {
        block.shift_remove(name);
    }
    outcome
}

/// RFC 7644 §3.5.2.1: new elements go to the end. One that is there already changes nothing: a normalised document
/// holds each `type` and `value` once.
pub(super) fn append(list: &mut Vec<Value>, new: &[Value]) {
    let primary = new.iter().rposition(is_primary).map(|position| list.len() + position);
    list.extend_from_slice(new);
    if let Some(primary) = primary {
        make_primary(list, primary);
    }
}

/// An element's `value`, or a simple element itself, in the form it compares in.
pub(super) fn value_of<'v>(definition: &Attribute, element: &'v Value) -> Option<Cow<'v, str>> {
    match element {
        Value::Object(_) => part(definition, element, "value"),
        simple => Some(identity(definition, simple)),
    }
}

/// When `primary` is written as true, the last of the written elements is the one primary.
fn prefer(list: &mut [Value], selected: &[usize], written: &[SubAttribute]) {
    let primary = written.iter().any(|(sub, value)| sub == "primary" && *value == Some(Value::Bool(true)));
    if let (true, Some(last)) = (primary, selected.last()) {
        make_primary(list, *last);
    }
}

/// Whether a sub-attribute may be written: it is not immutable, or has no value yet, or gets the one it has.
fn may_write(definition: &Attribute, sub: &str, held: Option<&Value>, new: Option<&Value>) -> bool {
    match (definition.sub_attribute(sub), held) {
        (Some(sub), Some(held)) if sub.mutability == Mutability::Immutable => {
            new.is_some_and(|new| same(sub, held, new))
        }
        _ => true,
    }
}

fn positions(list: &[Value], wanted: impl Fn(&Value) -> bool) -> Vec<usize> {
    list.iter().enumerate().filter(|(_, element)| wanted(element)).map(|(index, _)| index).collect()
}

fn remove_at(list: &mut Vec<Value>, positions: &[usize]) {
    let mut index = 0;
    list.retain(|_| {
        let keep = positions.binary_search(&index).is_err();
        index += 1;
        keep
    });
}

/// RFC 7644 §3.5.2: setting `primary` to true "SHALL cause the server to automatically set "primary" to "false" for
/// any other values in the array".
fn make_primary(list: &mut [Value], chosen: usize) {
    for (index, element) in list.iter_mut().enumerate() {
        if index != chosen
            && is_primary(element)
            && let Value::Object(members) = element
        {
            members.insert("primary".into(), Value::Bool(false));
        }
    }
}

fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// Whether the element has every part of the wanted one.
fn holds_all(definition: &Attribute, element: &Value, wanted: &Value) -> bool {
    let Value::Object(wanted) = wanted else {
        return same(definition, element, wanted);
    };
    wanted.iter().all(|(sub, wanted)| {
        let actual = element.get(sub);
        actual.zip(definition.sub_attribute(sub)).is_some_and(|(actual, sub)| same(sub, actual, wanted))
    })
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
