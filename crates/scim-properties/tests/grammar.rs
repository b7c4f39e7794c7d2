//! What the grammars make is mostly understood, else the properties would only meet the first error of each parser.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use scim_core::bulk::BulkRequest;
use scim_core::filter::Filter;
use scim_core::leniency::Tolerance;
use scim_core::patch::PatchRequest;
use scim_core::path::Path;
use scim_core::{ResourceType, resource, schema};
use scim_properties::grammar::{Choices, bulks, filters, patches, resources};
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

/// Whether most of its operations are.
fn is_bulk(body: Value) -> bool {
    BulkRequest::parse(body, &mut Tolerance::lenient()).is_ok_and(|request| {
        let understood = request.operations.iter().filter(|o| o.asked.is_ok()).count();
        2 * understood > request.operations.len()
    })
}

#[test]
fn what_is_made_is_mostly_understood() {
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
        ("bulks", understood(|c, _| is_bulk(bulks::bulk(c)))),
    ];
    for (what, share) in shares {
        println!("{what}: {share} %");
        assert!(share >= 25, "{what}: {share} % are understood");
    }
}
