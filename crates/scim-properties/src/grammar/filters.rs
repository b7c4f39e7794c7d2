//! Filters and PATCH paths over the attributes of a resource type: mostly right, sometimes wrong.

use scim_core::ResourceType;
use scim_core::schema::{Attribute, Type};
use serde_json::Value;

use super::Choices;

/// Deeper than is allowed now and then.
const DEPTH: usize = 6;

/// A filter over resources of this type.
pub fn filter(choices: &mut Choices<'_>, rt: &ResourceType) -> String {
    any(choices, DEPTH, &|choices| term(choices, rt))
}

/// A path of a PATCH operation.
pub fn path(choices: &mut Choices<'_>, rt: &ResourceType) -> String {
    let (name, attribute) = attribute(choices, rt);
    let mut path = choices.respelled(&name);
    if choices.one_in(40) {
        return choices.text();
    }
    if attribute.kind == Type::Complex && choices.one_in(2) {
        let inner = element_filter(choices, attribute);
        path = format!("{path}[{inner}]");
    }
    match sub_attribute(choices, attribute) {
        Some(sub) => format!("{path}.{}", choices.respelled(&sub.name)),
        None => path,
    }
}

/// One attribute and its name, with its URN where it needs one and sometimes where it does not.
pub fn attribute<'r>(choices: &mut Choices<'_>, rt: &'r ResourceType) -> (String, &'r Attribute) {
    let schemas: Vec<_> = rt.schemas().chain([&rt.common]).collect();
    let schema = choices.one_of(&schemas);
    let attribute = choices.one_of(&schema.attributes);
    let is_extension = schema.id != rt.core.id && schema.id != rt.common.id;
    let with_urn = is_extension || (schema.id == rt.core.id && choices.one_in(8));
    let without = is_extension && attribute.name == "manager" && choices.one_in(2);
    let name = if with_urn && !without {
        format!("{}:{}", schema.id, attribute.name)
    } else {
        attribute.name.clone()
    };
    (name, attribute)
}

fn sub_attribute<'r>(choices: &mut Choices<'_>, attribute: &'r Attribute) -> Option<&'r Attribute> {
    let named = !attribute.sub_attributes.is_empty() && choices.one_in(2);
    named.then(|| choices.one_of(&attribute.sub_attributes))
}

/// `term`s joined, grouped and negated.
fn any(choices: &mut Choices<'_>, depth: usize, term: &dyn Fn(&mut Choices<'_>) -> String) -> String {
    if depth == 0 {
        return term(choices);
    }
    match choices.below(8) {
        0..=3 => term(choices),
        4 => format!("not ({})", any(choices, depth - 1, term)),
        5 => format!("({})", any(choices, depth - 1, term)),
        word => {
            let word = if word == 6 { " and " } else { " or " };
            let word = choices.respelled(word);
            let parts = choices.some(4, |choices| any(choices, depth - 1, term));
            if parts.is_empty() { term(choices) } else { parts.join(&word) }
        }
    }
}

fn term(choices: &mut Choices<'_>, rt: &ResourceType) -> String {
    let (name, attribute) = attribute(choices, rt);
    let name = choices.respelled(&name);
    if attribute.kind == Type::Complex && choices.one_in(3) {
        let inner = element_filter(choices, attribute);
        // Entra's dialect, now and then.
        return match choices.one_in(3).then(|| sub_attribute(choices, attribute)).flatten() {
            Some(sub) => format!("{name}[{inner}].{}", comparison(choices, &sub.name, sub)),
            None => format!("{name}[{inner}]"),
        };
    }
    match sub_attribute(choices, attribute) {
        Some(sub) => comparison(choices, &format!("{name}.{}", sub.name), sub),
        None => comparison(choices, &name, attribute),
    }
}

fn element_filter(choices: &mut Choices<'_>, attribute: &Attribute) -> String {
    any(choices, 2, &|choices| {
        let sub = choices.one_of(&attribute.sub_attributes);
        comparison(choices, &sub.name, sub)
    })
}

fn comparison(choices: &mut Choices<'_>, name: &str, attribute: &Attribute) -> String {
    const OPS: &[&str] = &["pr", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
    let op = *choices.one_of(OPS);
    if op == "pr" {
        return format!("{name} {}", choices.respelled(op));
    }
    format!("{name} {} {}", choices.respelled(op), literal(choices, attribute))
}

/// A value of the attribute's type, seldom of another.
fn literal(choices: &mut Choices<'_>, attribute: &Attribute) -> String {
    const BOOLEANS: &[&str] = &["true", "false", "\"True\"", "\"FALSE\"", "\"maybe\""];
    const NUMBERS: &[&str] = &["0", "-0", "7", "1.5", "1e2", "-1E-3", "18446744073709551615", "1e400", "01"];
    const TIMES: &[&str] =
        &["\"2026-01-31T08:00:00Z\"", "\"2026-01-31T09:00:00.000+01:00\"", "\"2026-02-30T08:00:00Z\""];
    if choices.one_in(10) {
        return "null".to_owned();
    }
    let odd = choices.one_in(12);
    match attribute.kind {
        Type::Boolean if !odd => (*choices.one_of(BOOLEANS)).to_owned(),
        Type::Integer | Type::Decimal if !odd => (*choices.one_of(NUMBERS)).to_owned(),
        Type::DateTime if !odd => (*choices.one_of(TIMES)).to_owned(),
        _ if odd => choices.text(),
        _ => Value::from(choices.text()).to_string(),
    }
}
