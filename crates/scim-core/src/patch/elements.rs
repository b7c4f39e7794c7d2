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
use crate::resource::{Faults, MAX_ELEMENTS, cannot_change, keep_in_value, member};
use crate::schema::{Attribute, Mutability, Type};

/// Sub-attributes from whose comparison an absent element can be made: Entra relies on it.
const MAKES_AN_ELEMENT: &[&str] = &["type", "primary"];

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
    if sub.is_none() && change.verb == Verb::Replace && change.definition.multi_valued {
        return replaced(change, filter, holder);
    }
    let parts = match (sub, change.verb) {
        (Some(sub), _) => vec![change.part_value(sub)?],
        (None, Verb::Remove) => Vec::new(),
        (None, _) => element_parts(change)?,
    };
    edit(change, holder, |change, list| {
        let chosen = choose(change, filter, list)?;
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

fn choose(change: &mut Change<'_>, filter: &Filter, list: &[Value]) -> Result<Vec<usize>, ScimError> {
    change.effort.compare(list, filter.terms())?;
    Ok(positions(list, |element| matches(filter, element)))
}

/// RFC 7644 §3.5.2.3: "all matching record values SHALL be replaced"; nothing in their place removes them.
fn replaced(
    change: &mut Change<'_>,
    filter: &Filter,
    holder: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    let sent = sent_element(change)?;
    let element = sent.as_ref().map(|sent| change.element(sent)).transpose()?.flatten();
    edit(change, holder, |change, list| {
        let chosen = choose(change, filter, list)?;
        let (Some(sent), Some(Value::Object(element))) = (&sent, &element) else {
            remove_at(list, &chosen);
            return if chosen.is_empty() { make(change, filter, &[], list) } else { Ok(()) };
        };
        let parts: Vec<Part> =
            element.iter().map(|(sub, value)| (sub.clone(), Some(value.clone()))).collect();
        if chosen.is_empty() {
            return make(change, filter, &parts, list);
        }
        change.effort.write(&parts, chosen.len())?;
        for index in &chosen {
            if let Some(held) = list.get_mut(*index) {
                let new = in_place_of(change, filter, held, (sent, element))?;
                *held = new;
            }
        }
        prefer(list, &chosen, &parts);
        Ok(())
    })
}

/// The element that takes the place of another. It stays the one that the path selects, so that the same request finds it
/// again and makes no second one; what answers do not show stays as long as it is the same element.
fn in_place_of(
    change: &mut Change<'_>,
    filter: &Filter,
    held: &Value,
    (sent, element): (&Value, &Map<String, Value>),
) -> Result<Value, ScimError> {
    let mut element = element.clone();
    let kept = if change.tolerance.strict { Vec::new() } else { selector(filter) };
    for sub in kept {
        let is_named = sent.as_object().is_some_and(|sent| member(sent, sub).is_some());
        if let Some(value) = held.get(sub).filter(|_| !is_named) {
            change.tolerance.note(Leniency::SelectorKept, &change.name);
            element.insert(sub.to_owned(), value.clone());
        }
    }
    if !change.definition.hides_parts() {
        return Ok(Value::Object(element));
    }
    // To tell whether it is the same element costs about as much as so many comparisons.
    change.effort.compare([held], 32)?;
    let mut list = Value::Array(vec![Value::Object(element)]);
    let (sent, held) = (Value::Array(vec![sent.clone()]), Value::Array(vec![held.clone()]));
    keep_in_value(change.definition, &sent, &held, &mut list);
    Ok(list.get_mut(0).map(Value::take).unwrap_or_default())
}

/// The sub-attributes that all selected elements have by what the path says.
fn selector(filter: &Filter) -> Vec<&str> {
    match filter {
        Filter::Compare { path, op: Op::Eq, .. } => vec![path.attribute.name.as_str()],
        Filter::And(parts) => parts.iter().flat_map(selector).collect(),
        _ => Vec::new(),
    }
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
    match sent_element(change)? {
        Some(Value::Object(members)) => change.parts_of(&members),
        _ => Ok(Vec::new()),
    }
}

/// The one element that a value for selected elements is, as an object; `None` when it clears them.
fn sent_element(change: &mut Change<'_>) -> Result<Option<Value>, ScimError> {
    match change.value {
        empty if is_empty(empty) => Ok(None),
        Value::Object(_) => Ok(Some(change.value.clone())),
        Value::Array(elements) => match elements.as_slice() {
            [element @ Value::Object(_)] => {
                let refusal = || no_element(&change.name);
                change.tolerance.allow(Leniency::ArrayOfOne, &change.name, refusal)?;
                Ok(Some(element.clone()))
            }
            _ => Err(no_element(&change.name)),
        },
        Value::String(_) if change.definition.sub_attribute("value").is_some() => {
            let refusal = || no_element(&change.name);
            change.tolerance.allow(Leniency::BareValue, &change.name, refusal)?;
            Ok(Some(with_value(change.value)))
        }
        _ => Err(no_element(&change.name)),
    }
}

/// An element that was sent as a bare text.
fn with_value(text: &Value) -> Value {
    Value::Object(Map::from_iter([("value".to_owned(), text.clone())]))
}

fn no_element(name: &str) -> ScimError {
    ScimError::invalid_value(format!("The value for selected elements of {name} must be one object."))
}

fn not_too_many(name: &str, count: usize) -> Result<(), ScimError> {
    if count <= MAX_ELEMENTS {
        return Ok(());
    }
    Err(ScimError::invalid_value(format!("{name} may have at most {MAX_ELEMENTS} elements.")))
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
        let element = match element {
            Value::String(_) if is_complex => {
                change.tolerance.note(Leniency::BareValue, &change.name);
                Some(with_value(element))
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
    prefer(list, chosen, parts);
    Ok(())
}

/// The last of the written elements is the preferred one, if they were said to be.
fn prefer(list: &mut [Value], chosen: &[usize], parts: &[Part]) {
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
