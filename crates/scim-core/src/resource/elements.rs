//! The rules for the elements of one multi-valued attribute (RFC 7643 §2.4): one primary, no pair of `type` and `value`
//! twice, no label without a value.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::order::{names, put_in_order};
use crate::equality;
use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Type};

/// Up to here comparing each with each is cheaper than a map of all.
const FEW: usize = 16;

/// Brings the elements of one attribute into order; each of them is normalised, filled and in the schema's
/// order, so that equal ones have equal texts.
pub(super) fn tidy(attribute: &Attribute, elements: &mut Vec<Value>, t: &mut Tolerance) {
    // RFC 7643 §2.4 requires no `value`, so a strict tenant keeps them.
    if !t.refuses(Leniency::LabelWithoutValue) && attribute.sub_attribute("value").is_some() {
        let before = elements.len();
        elements.retain(|element| !is_bare_label(element));
        if elements.len() < before {
            t.note(Leniency::LabelWithoutValue, &attribute.name);
        }
    }
    if elements.len() < 2 {
        return;
    }
    if leave_one_primary(elements) {
        t.note(Leniency::SecondPrimary, &attribute.name);
    }
    if may_repeat(attribute, elements) && hold_each_once(attribute, elements) {
        t.note(Leniency::RepeatedElement, &attribute.name);
    }
}

/// `{"type":"work","primary":true}`: the rest of an e-mail whose value was cleared (Okta's empty ones). It has no value.
pub(crate) fn is_bare_label(element: &Value) -> bool {
    element.as_object().is_some_and(|members| members.keys().all(|key| key == "type" || key == "primary"))
}

/// RFC 7643 §2.4: primary is true at most once; the last one stays, because it is the newest. Returns whether another was
/// overruled.
fn leave_one_primary(elements: &mut [Value]) -> bool {
    let is_true = |primary: &Value| *primary == Value::Bool(true);
    let last = elements.iter().rposition(|element| element.get("primary").is_some_and(is_true));
    let mut overruled = false;
    for element in elements.iter_mut().take(last.unwrap_or(0)) {
        if let Some(primary) = element.get_mut("primary").filter(|primary| is_true(primary)) {
            *primary = Value::Bool(false);
            overruled = true;
        }
    }
    overruled
}

/// RFC 7643 §2.4: the same `type` and `value` once, at the first one's place; the sub-attributes of a later one replace
/// its own. Returns whether there was a repeat.
fn hold_each_once(attribute: &Attribute, elements: &mut Vec<Value>) -> bool {
    let before = elements.len();
    let mut places: HashMap<String, usize> = HashMap::with_capacity(before);
    let mut kept: Vec<Value> = Vec::with_capacity(before);
    for element in elements.drain(..) {
        let place = *places.entry(identity(attribute, &element)).or_insert(kept.len());
        match (kept.get_mut(place), element) {
            (Some(Value::Object(earlier)), Value::Object(later)) => {
                earlier.extend(later);
                put_in_order(earlier, names(&attribute.sub_attributes));
            }
            (Some(_), _) => {}
            (None, element) => kept.push(element),
        }
    }
    *elements = kept;
    elements.len() < before
}

/// A person's few addresses are compared without making a text of each.
fn may_repeat(attribute: &Attribute, elements: &[Value]) -> bool {
    let mut later = elements.iter();
    elements.len() > FEW
        || elements.iter().any(|one| {
            later.next();
            later.clone().any(|other| same_value(attribute, one, other))
        })
}

fn same_value(attribute: &Attribute, one: &Value, other: &Value) -> bool {
    if attribute.kind != Type::Complex {
        return equality::same(attribute, one, other);
    }
    match (part(attribute, one, "value"), part(attribute, other, "value")) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one == other,
        _ => false,
    }
}

/// Two elements are the same when these texts are equal: `type` and `value`, or the whole element where there is no
/// `value`, as in an address; of a simple element its value.
pub(super) fn identity(attribute: &Attribute, element: &Value) -> String {
    if attribute.kind != Type::Complex {
        return equality::identity(attribute, element).into_owned();
    }
    type_and_value(attribute, element).unwrap_or_else(|| element.to_string())
}

/// Both as one text, for an element that has a `value`.
pub(super) fn type_and_value(attribute: &Attribute, element: &Value) -> Option<String> {
    let value = part(attribute, element, "value")?;
    // NUL separates the two: no string of a body holds one.
    Some(format!("{}\0{value}", part(attribute, element, "type").unwrap_or_default()))
}

/// A sub-attribute in the form it compares in.
pub(crate) fn part<'a>(attribute: &Attribute, element: &'a Value, name: &str) -> Option<Cow<'a, str>> {
    let sub = attribute.sub_attribute(name)?;
    element.get(name).map(|value| equality::identity(sub, value))
}
