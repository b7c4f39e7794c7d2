//! What the grammars make is mostly understood, else the properties would only meet the first error of each parser; and some of
//! it is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use scim_core::filter::Filter;
use scim_core::leniency::Tolerance;
use scim_core::patch::PatchRequest;
use scim_core::path::Path;
use scim_core::{ResourceType, resource, schema};
use scim_properties::grammar::{Choices, filters, patches, resources};
use serde_json::Value;

const TRIES: u64 = 2_000;

/// How many of a hundred are understood.
fn understood(is_understood: impl Fn(&mut Choices<'_>, &ResourceType) -> bool) -> u64 {
    let rt = schema::user();
    let good = (0..TRIES).filter(|seed| is_understood(&mut Choices::new(&bytes(*seed)), &rt)).count();
    100 * u64::try_from(good).unwrap() / TRIES
}

/// The same bytes for the same seed on every machine (xorshift).
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..400).map(|_| next()).collect()
}

#[test]
fn most_of_what_is_made_is_understood_and_some_is_not() {
    let t = Tolerance::lenient;
    let shares = [
        ("filters", understood(|c, rt| Filter::parse(&filters::filter(c, rt), rt, &mut t()).is_ok())),
        ("paths", understood(|c, rt| Path::parse(rt, &filters::path(c, rt), &mut t()).is_ok())),
        (
            "bodies",
            understood(|c, rt| {
                resource::create(rt, &Value::Object(resources::body(c, rt)), &mut t()).is_ok()
            }),
        ),
        ("patches", understood(|c, rt| PatchRequest::parse(rt, &patches::patch(c, rt), &mut t()).is_ok())),
    ];
    for (what, share) in shares {
        println!("{what}: {share} %");
        assert!((25..99).contains(&share), "{what}: {share} % are understood");
    }
}
