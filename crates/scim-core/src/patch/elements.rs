//! Operations on attributes with several elements: whole lists, value paths, and parts of elements
//! (RFC 7644 §3.5.2). The one `primary` of a list is kept here.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Verb;
use super::apply::{Change, Part, put};
use super::compat::is_empty;
use crate::ScimError;
use crate::equality::{identity, same};
use crate::filter::{Filter, Literal, Op};
use crate::leniency::Leniency;
use crate::resource::{Faults, MAX_ELEMENTS, cannot_change};
use crate::schema::{Attribute, Mutability, Type};

/// Sub-attributes from whose comparison an absent element can be made: Entra relies on it.
const MAKES_AN_ELEMENT: &[&str] = &["type", "primary"];

/// `emails`: the list as a whole.
pub(super) fn whole(change: &mut Change<'_>, holder: &mut Map<String, Value>) -> Result<(), ScimError> {
    match change.verb {
        Verb::Replace => {
            let list = change.normalised()?;
            put(holder, &change.definition.name, list);
            Ok(())
        }
        Verb::Add => edit(change, holder, append),
        Verb::Remove if change.value.is_null() => {
            holder.shift_remove(&change.definition.name);
            Ok(())
        }
        Verb::Remove => edit(change, holder, remove_listed),
    }
}

/// `emails.display`: that part of every element.
pub(super) fn part_of_all(
    change: &mut Change<'_>,
    sub: &str,
    holder: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    let part = change.part_value(sub)?;
    edit(change, holder, |change, list| {
        let all: Vec<usize> = (0..list.len()).collect();
        if all.is_empty() && part.1.is_some() {
            return Err(change.no_target());
        }
        write(change, list, &all, &[part])
    })
}

/// `emails[type eq "work"]`, `emails[type eq "work"].value`.
pub(super) fn selected(
    change: &mut Change<'_>,
    filter: &Filter,
    sub: Option<&str>,
    holder: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    let parts = match (sub, change.verb) {
        (Some(sub), _) => vec![change.part_value(sub)?],
        (None, Verb::Remove) => Vec::new(),
        (None, _) => element_parts(change)?,
    };
    edit(change, holder, |change, list| {
        change.effort.compare(&*list, filter.terms())?;
        let chosen = positions(list, |element| matches(filter, element));
        match (chosen.is_empty(), parts.is_empty()) {
            (false, true) => {
                remove_at(list, &chosen);
                Ok(())
            }
            (false, false) => write(change, list, &chosen, &parts),
            (true, _) => make(change, filter, &parts, list),
        }
    })
}

/// No element matches. Entra relies on one being made; clearing what is not there is done already.
fn make(
    change: &mut Change<'_>,
    filter: &Filter,
    parts: &[Part],
    list: &mut Vec<Value>,
) -> Result<(), ScimError> {
    if change.verb == Verb::Replace && change.tolerance.strict {
        return Err(change.no_target());
    }
    if parts.iter().all(|(_, value)| value.is_none()) {
        return Ok(());
    }
    let made = made_from(filter).ok_or_else(|| change.no_target())?;
    change.tolerance.note(Leniency::AbsentElementMade, &change.name);
    list.push(made);
    let last = list.len() - 1;
    write(change, list, &[last], parts)
}

/// What a value for whole elements says of their parts; nothing when it clears them.
fn element_parts(change: &mut Change<'_>) -> Result<Vec<Part>, ScimError> {
    match change.value {
        empty if is_empty(empty) => Ok(Vec::new()),
        Value::Object(members) => change.parts_of(members),
        Value::Array(elements) => match elements.as_slice() {
            [Value::Object(members)] => change.parts_of(members),
            _ => Err(no_element(&change.name)),
        },
        Value::String(_) if change.definition.sub_attribute("value").is_some() => {
            Ok(vec![change.part_value("value")?])
        }
        _ => Err(no_element(&change.name)),
    }
}

fn no_element(name: &str) -> ScimError {
    ScimError::invalid_value(format!("The value for selected elements of {name} must be one object."))
}

/// Takes the list out, edits it, and puts back what is left.
fn edit(
    change: &mut Change<'_>,
    holder: &mut Map<String, Value>,
    edit: impl FnOnce(&mut Change<'_>, &mut Vec<Value>) -> Result<(), ScimError>,
) -> Result<(), ScimError> {
    let name = &change.definition.name;
    let multi_valued = change.definition.multi_valued;
    let slot = holder.entry(name.clone()).or_insert(Value::Null);
    let mut list = match slot.take() {
        Value::Null => Vec::new(),
        Value::Array(list) => list,
        single => vec![single],
    };
    let outcome = edit(change, &mut list);
    if outcome.is_ok() && list.len() > MAX_ELEMENTS {
        return Err(ScimError::invalid_value(format!("{name} may have at most {MAX_ELEMENTS} elements.")));
    }
    // After a fault too: what else is wrong is still to be found, and a list that is gone would look like a further one.
    *slot = if multi_valued { Value::Array(list) } else { list.pop().unwrap_or(Value::Null) };
    if is_empty(slot) {
        holder.shift_remove(name);
    }
    outcome
}

/// RFC 7644 §3.5.2.1: new elements go to the end. One that is there already changes nothing: settling the document
/// holds each `type` and `value` once.
fn append(change: &mut Change<'_>, list: &mut Vec<Value>) -> Result<(), ScimError> {
    let mut faults = Faults::default();
    let mut primary = None;
    for element in listed(change.value) {
        let Some(element) = faults.keep(change.element(element)).flatten() else {
            continue;
        };
        if is_primary(&element) {
            primary = Some(list.len());
        }
        list.push(element);
    }
    if let Some(last) = primary {
        make_primary(list, last);
    }
    faults.into_result()
}

/// `remove` with a value: exactly those elements, never the whole list (the value list that Entra and authentik
/// send for members, here for any attribute).
fn remove_listed(change: &mut Change<'_>, list: &mut Vec<Value>) -> Result<(), ScimError> {
    // By their `value`, so that a long list removed from a long list costs both and not their product.
    let mut wanted: HashMap<Option<Cow<'_, str>>, Vec<Value>> = HashMap::new();
    let is_complex = change.definition.kind == Type::Complex;
    for element in listed(change.value) {
        let element = match element {
            Value::String(_) if is_complex => {
                Some(Value::Object(Map::from_iter([("value".to_owned(), element.clone())])))
            }
            other => change.element(other)?,
        };
        if let Some(element) = element {
            let value = value_of(change.definition, &element).map(|value| value.into_owned().into());
            wanted.entry(value).or_default().push(element);
        }
    }
    change.effort.compare(&*list, 1)?;
    let mut listed = Vec::new();
    for (index, element) in list.iter().enumerate() {
        let same_value = value_of(change.definition, element).and_then(|value| wanted.get(&Some(value)));
        for candidates in same_value.into_iter().chain(wanted.get(&None)) {
            change.effort.compare([element], candidates.len())?;
            if candidates.iter().any(|wanted| holds_all(change.definition, element, wanted)) {
                listed.push(index);
                break;
            }
        }
    }
    remove_at(list, &listed);
    Ok(())
}

/// An element's `value`, or a simple element itself, in the form it compares in.
fn value_of<'v>(definition: &Attribute, element: &'v Value) -> Option<Cow<'v, str>> {
    match element {
        Value::Object(members) => {
            let (value, sub) = members.get("value").zip(definition.sub_attribute("value"))?;
            Some(identity(sub, value))
        }
        simple => Some(identity(definition, simple)),
    }
}

fn listed(value: &Value) -> &[Value] {
    match value {
        Value::Array(elements) => elements,
        empty if is_empty(empty) => &[],
        single => std::slice::from_ref(single),
    }
}

/// Writes the parts into the chosen elements. What an element is left with is judged when the document is settled; that
/// an immutable part of it stays as it is can only be judged here, where one element is known to be the same as before.
fn write(
    change: &mut Change<'_>,
    list: &mut [Value],
    chosen: &[usize],
    parts: &[Part],
) -> Result<(), ScimError> {
    change.effort.write(parts, chosen.len())?;
    for index in chosen {
        if let Some(Value::Object(members)) = list.get_mut(*index) {
            for (sub, value) in parts {
                if !stays(change.definition, sub, members.get(sub), value.as_ref()) {
                    return Err(cannot_change(&format!("{}.{sub}", change.name)));
                }
                put(members, sub, value.clone());
            }
        }
    }
    let primary = parts.iter().any(|(sub, value)| sub == "primary" && *value == Some(Value::Bool(true)));
    if let (true, Some(last)) = (primary, chosen.last()) {
        make_primary(list, *last);
    }
    Ok(())
}

/// Whether a part may be written: it is not immutable, or has no value yet, or gets the one it has.
fn stays(definition: &Attribute, sub: &str, held: Option<&Value>, new: Option<&Value>) -> bool {
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

fn matches(filter: &Filter, element: &Value) -> bool {
    element.as_object().is_some_and(|members| filter.matches(members))
}

/// The element that a filter describes, when it is one `eq` on `type` or `primary`.
fn made_from(filter: &Filter) -> Option<Value> {
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
