//! Operations on attributes with several elements: whole lists, parts of all elements, and what [`chosen`](super::chosen) does
//! to some of them (RFC 7644 §3.5.2). The one `primary` of a list is kept here.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::Verb;
use super::apply::{Change, Part, put};
use super::compat::is_empty;
use crate::ScimError;
use crate::equality::{identity, same};
use crate::leniency::Leniency;
use crate::resource::{Faults, MAX_ELEMENTS, cannot_change, member, normalise, unpack, value_alone};
use crate::schema::{Attribute, Mutability, Type};

/// `emails`: the list as a whole.
pub(super) fn whole(change: &mut Change<'_>, holder: &mut Map<String, Value>) -> Result<(), ScimError> {
    match change.verb {
        Verb::Replace => {
            let list = change.normalised()?;
            change.write_whole(list, change.value, holder);
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
    let Some(part) = change.part_value(sub)? else { return Ok(()) };
    edit(change, holder, |change, list| {
        let all: Vec<usize> = (0..list.len()).collect();
        if all.is_empty() && part.1.is_some() {
            return Err(change.no_target());
        }
        write(change, list, &all, &[part])
    })
}

/// `remove` of `roles.value` with a value: the elements that are listed go, and no other. Of another part than `value`, which
/// alone says what an element is, that part goes from them.
pub(super) fn listed_by_part(
    change: &mut Change<'_>,
    sub: &str,
    holder: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    let Some(definition) = change.definition.sub_attribute(sub) else { return Err(change.no_target()) };
    let name = format!("{}.{sub}", change.name);
    let mut wanted: HashSet<String> = HashSet::new();
    for listed in change.listed()? {
        let listed = match listed {
            Value::Object(parts) => member(parts, sub).unwrap_or(&Value::Null),
            simple => simple,
        };
        let value = normalise(definition, listed, &name, change.tolerance)?;
        wanted.extend(value.map(|value| identity(definition, &value).into_owned()));
    }
    edit(change, holder, |change, list| {
        change.effort.compare(&*list, 1)?;
        let chosen = positions(list, |element| {
            let part = element.get(sub).map(|part| identity(definition, part));
            part.is_some_and(|part| wanted.contains(part.as_ref()))
        });
        if sub == "value" {
            remove_at(list, &chosen);
            return Ok(());
        }
        write(change, list, &chosen, &[(sub.to_owned(), None)])
    })
}

fn not_too_many(name: &str, count: usize) -> Result<(), ScimError> {
    if count <= MAX_ELEMENTS {
        return Ok(());
    }
    Err(ScimError::invalid_value(format!("{name} may have at most {MAX_ELEMENTS} elements.")))
}

/// Takes the list out, edits it, and puts back what is left.
pub(super) fn edit(
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
    if outcome.is_ok() {
        not_too_many(name, list.len())?;
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
    let listed = change.listed()?;
    // Before they are read: each of them costs something.
    not_too_many(&change.name, listed.len())?;
    for element in listed {
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
    for element in change.listed()? {
        let said = unpack(change.definition, element, &change.name, change.tolerance)?;
        let element = match said.as_ref() {
            Value::String(_) if is_complex => {
                change.tolerance.note(Leniency::BareValue, &change.name);
                Some(Value::Object(value_alone(&said)))
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

/// Writes the parts into the chosen elements. What an element is left with is judged when the document is settled; that
/// an immutable part of it stays as it is can only be judged here, where one element is known to be the same as before.
pub(super) fn write(
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
    prefer(list, chosen, parts);
    Ok(())
}

/// The last of the written elements is the preferred one, if they were said to be.
pub(super) fn prefer(list: &mut [Value], chosen: &[usize], parts: &[Part]) {
    let primary = parts.iter().any(|(sub, value)| sub == "primary" && *value == Some(Value::Bool(true)));
    if let (true, Some(last)) = (primary, chosen.last()) {
        make_primary(list, *last);
    }
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

pub(super) fn positions(list: &[Value], wanted: impl Fn(&Value) -> bool) -> Vec<usize> {
    list.iter().enumerate().filter(|(_, element)| wanted(element)).map(|(index, _)| index).collect()
}

pub(super) fn remove_at(list: &mut Vec<Value>, positions: &[usize]) {
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
