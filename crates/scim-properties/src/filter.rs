//! A filter is refused in words, or printing and reading it gives the same filter, whose answer over any resource is the
//! opposite of its negation's.

use scim_core::ResourceType;
use scim_core::filter::Filter;
use scim_core::leniency::Tolerance;
use serde_json::{Map, Value, json};

use crate::grammar::{Choices, filters, resources};
use crate::refusal::assert_is_a_refusal;
use crate::types::{TYPES, tolerances};

/// The property over a filter as text.
///
/// # Panics
/// When it does not hold.
pub fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for rt in &*TYPES {
        holds(rt, text, &samples(rt));
    }
}

/// The property over a filter and a resource that the bytes choose.
///
/// # Panics
/// When it does not hold.
pub fn made(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let rt = choices.one_of(&*TYPES);
    let text = filters::filter(&mut choices, rt);
    let resource = resources::resource(&mut choices, rt);
    holds(rt, &text, &[resource]);
}

pub(crate) fn holds(rt: &ResourceType, text: &str, resources: &[Map<String, Value>]) {
    let mut read = Vec::new();
    for mut tolerance in tolerances() {
        let parsed = Filter::parse(text, rt, &mut tolerance);
        match &parsed {
            Err(error) => {
                assert_is_a_refusal(error);
                assert_eq!(error.status, 400);
            }
            Ok(filter) => {
                assert!(filter.terms() <= Filter::MAX_TERMS);
                let printed = filter.to_string();
                // Names get their URNs, so that what was printed may be longer than what is read.
                if printed.len() <= Filter::MAX_BYTES {
                    assert_eq!(Filter::parse(&printed, rt, &mut tolerance).as_ref(), Ok(filter), "{text}");
                }
                negation_is_the_opposite(rt, filter, resources);
            }
        }
        read.push(parsed);
    }
    let strict = read.pop().unwrap();
    if strict.is_ok() {
        assert_eq!(read.pop().unwrap(), strict, "what a strict tenant may say means the same to all: {text}");
    }
}

fn negation_is_the_opposite(rt: &ResourceType, filter: &Filter, resources: &[Map<String, Value>]) {
    let negated = Filter::parse(&format!("not ({filter})"), rt, &mut Tolerance::lenient());
    for resource in resources {
        let matches = filter.matches(resource);
        if let Ok(negated) = &negated {
            assert_ne!(negated.matches(resource), matches, "{filter}");
        }
    }
}

/// An empty resource, and one with every usual attribute.
fn samples(rt: &ResourceType) -> [Map<String, Value>; 2] {
    let mut resource: Value = serde_json::from_str(include_str!("sample.json")).unwrap();
    resource["schemas"] = json!([rt.core.id]);
    [Map::new(), resource.as_object().unwrap().clone()]
}
