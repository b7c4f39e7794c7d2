//! Operations on the elements that a value path chooses (RFC 7644 §3.5.2): `emails[type eq "work"]`, `tags[value eq "b"]`. They
//! are replaced, added to and taken away; where there is none, one may be made.

use serde_json::{Map, Value};

use super::Verb;
use super::apply::{Change, Part};
use super::compat::is_empty;
use super::elements::{edit, positions, prefer, remove_at, write};
use crate::ScimError;
use crate::filter::{Filter, Literal, Op};
use crate::leniency::Leniency;
use crate::resource::{is_bare_label, keep_in_value, member, value_alone};
use crate::schema::Type;

/// Sub-attributes from whose comparison an absent element can be made: Entra relies on it.
const MAKES_AN_ELEMENT: &[&str] = &["type", "primary"];

/// `emails[type eq "work"]`, `emails[type eq "work"].value`.
pub(super) fn selected(
    change: &mut Change<'_>,
    filter: &Filter,
    sub: Option<&str>,
    holder: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    if change.definition.kind != Type::Complex {
        return simple_elements(change, filter, holder);
    }
    if sub.is_none() && change.verb == Verb::Replace && change.definition.multi_valued {
        return replaced(change, filter, holder);
    }
    // Nothing in their place takes the elements away.
    let parts = match (sub, change.verb) {
        (Some(sub), _) => Some(change.part_value(sub)?.into_iter().collect()),
        (None, Verb::Remove) => None,
        (None, _) => element_parts(change)?,
    };
    edit(change, holder, |change, list| {
        let chosen = choose(change, filter, list)?;
        match (chosen.is_empty(), parts) {
            (false, None) => {
                remove_at(list, &chosen);
                Ok(())
            }
            (false, Some(parts)) => write(change, list, &chosen, &parts),
            (true, parts) => make(change, filter, &parts.unwrap_or_default(), list),
        }
    })
}

/// `tags[value eq "b"]`: each of the simple values is replaced by the one that is sent, or taken away.
fn simple_elements(
    change: &mut Change<'_>,
    filter: &Filter,
    holder: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    let sent = match (change.verb, change.value.as_array().map(Vec::as_slice)) {
        (Verb::Remove, _) => &Value::Null,
        (_, Some([only])) if !only.is_array() => {
            let refusal = || ScimError::invalid_value(format!("{} takes one value here.", change.name));
            change.tolerance.allow(Leniency::ArrayOfOne, &change.name, refusal)?;
            only
        }
        _ => change.value,
    };
    let new = change.element(sent)?;
    if new.is_none() && change.verb == Verb::Add {
        return Ok(());
    }
    edit(change, holder, |change, list| {
        let chosen = choose(change, filter, list)?;
        match &new {
            None if chosen.is_empty() => make(change, filter, &[], list),
            None => {
                remove_at(list, &chosen);
                Ok(())
            }
            Some(_) if chosen.is_empty() => Err(change.no_target()),
            Some(new) => {
                change.effort.write(&[("value".to_owned(), Some(new.clone()))], chosen.len())?;
                for index in chosen {
                    if let Some(held) = list.get_mut(index) {
                        held.clone_from(new);
                    }
                }
                Ok(())
            }
        }
    })
}

fn choose(change: &mut Change<'_>, filter: &Filter, list: &[Value]) -> Result<Vec<usize>, ScimError> {
    change.effort.compare(list, filter.terms())?;
    Ok(positions(list, |element| filter.matches_element(element)))
}

/// RFC 7644 §3.5.2.3: "all matching record values SHALL be replaced"; nothing in their place removes them.
fn replaced(
    change: &mut Change<'_>,
    filter: &Filter,
    holder: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    let sent = sent_element(change)?;
    let element = match &sent {
        Some(sent) => Some(whole_element(change, sent)?),
        None => None,
    };
    edit(change, holder, |change, list| {
        let chosen = choose(change, filter, list)?;
        let (Some(sent), Some(element)) = (&sent, &element) else {
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

/// The element that a value is. One that leaves nothing of those it replaces would take them away unasked.
fn whole_element(change: &mut Change<'_>, sent: &Value) -> Result<Map<String, Value>, ScimError> {
    let is_label = !change.tolerance.strict && change.definition.sub_attribute("value").is_some();
    match change.element(sent)? {
        Some(element) if is_label && is_bare_label(&element) => Err(leaves_nothing(&change.name)),
        Some(Value::Object(element)) => Ok(element),
        _ => Err(leaves_nothing(&change.name)),
    }
}

fn leaves_nothing(name: &str) -> ScimError {
    ScimError::invalid_value(format!(
        "The value leaves nothing of the chosen elements of {name}; use remove."
    ))
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

/// What a value for whole elements says of their parts; `None` when it takes them away.
fn element_parts(change: &mut Change<'_>) -> Result<Option<Vec<Part>>, ScimError> {
    match sent_element(change)? {
        Some(Value::Object(members)) => change.parts_of(&members).map(Some),
        _ if change.verb == Verb::Add => Ok(Some(Vec::new())),
        _ => Ok(None),
    }
}

/// The one element that a value for selected elements is, as an object; `None` when it is empty.
fn sent_element(change: &mut Change<'_>) -> Result<Option<Value>, ScimError> {
    match change.value {
        Value::Object(_) => Ok(Some(change.value.clone())),
        Value::Array(elements) => match elements.as_slice() {
            [element @ Value::Object(_)] => {
                let refusal = || no_element(&change.name);
                change.tolerance.allow(Leniency::ArrayOfOne, &change.name, refusal)?;
                Ok(Some(element.clone()))
            }
            _ if is_empty(change.value) => Ok(None),
            _ => Err(no_element(&change.name)),
        },
        empty if is_empty(empty) => Ok(None),
        Value::String(_) if change.definition.sub_attribute("value").is_some() => {
            let refusal = || no_element(&change.name);
            change.tolerance.allow(Leniency::BareValue, &change.name, refusal)?;
            Ok(Some(Value::Object(value_alone(change.value))))
        }
        _ => Err(no_element(&change.name)),
    }
}

fn no_element(name: &str) -> ScimError {
    ScimError::invalid_value(format!("The value for selected elements of {name} must be one object."))
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
