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

/// Nothing, and something in every attribute that is usual.
fn samples(rt: &ResourceType) -> [Map<String, Value>; 2] {
    let resource = json!({
        "schemas": [rt.core.id],
        "id": "0193b5a0-7c1e-7d52-8a54-2f9a1c0d4e11",
        "externalId": "E1",
        "userName": "Ada@Example.com",
        "displayName": "Ada",
        "active": true,
        "name": {"givenName": "Ada", "familyName": "Straße"},
        "emails": [
            {"value": "ada@example.com", "type": "work", "primary": true},
            {"value": "ada@home.example", "type": "home"}
        ],
        "members": [{"value": "1", "type": "User"}],
        "meta": {"created": "2026-01-31T08:00:00.000Z", "lastModified": "2026-02-28T09:30:00Z"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "D", "manager": {"value": "m"}},
        "urn:example:params:scim:schemas:extension:every:2.0:User":
            {"decimal": 1.5, "integer": 7, "decimals": [1, 2.5], "dateTime": "2026-01-31T08:00:00Z"}
    });
    [Map::new(), resource.as_object().unwrap().clone()]
}
