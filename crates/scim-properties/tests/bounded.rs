//! A short bounded run of every property with the stable compiler: what it begins with, the seeds changed a little, and bytes
//! at random. `PROPTEST_CASES=100000 cargo nextest run -p scim-properties` runs longer; a failure prints the smallest input
//! that proptest finds, and keeps its seed in `proptest-regressions`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::FileFailurePersistence;
use scim_properties::{TARGETS, Target};

/// Runs of each property; a few seconds in a debug build.
const CASES: u32 = 1_000;

fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let seeds = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig {
        cases: asked.unwrap_or(CASES),
        failure_persistence: Some(Box::new(seeds)),
        ..ProptestConfig::default()
    }
}

fn target(name: &str) -> Target {
    *TARGETS.iter().find(|target| target.name == name).unwrap()
}

/// One change of a text as a fuzzer makes them.
#[derive(Clone, Debug)]
enum Edit {
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    /// Puts a part of another seed there.
    Splice(Index, Index, Index, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let pieces = prop::sample::select(vec![
        "\"",
        "\\",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        ".",
        " ",
        "null",
        "true",
        "not (",
        " and ",
        " or ",
        " eq ",
        "\\ud800",
        "\\u0000",
        "\u{0}",
        "\u{e9}",
        "\u{301}",
        "\u{df}",
        "1e9",
        "-",
        "value",
        "primary",
        "Operations",
        "remove",
        "path",
        "bulkId:",
        "POST",
    ]);
    let at = || any::<Index>();
    prop_oneof![
        (
            at(),
            prop_oneof![pieces.prop_map(|p| p.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 1..4)]
        )
            .prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (at(), 1_usize..20).prop_map(|(at, length)| Edit::Remove(at, length)),
        (at(), 1_usize..30, 1_usize..100).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        (at(), at(), at(), 1_usize..200)
            .prop_map(|(at, seed, from, length)| Edit::Splice(at, seed, from, length)),
    ]
}

fn edited(seeds: &[String], seed: Index, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.get(seeds).as_bytes().to_vec();
    for edit in edits {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match edit {
            Edit::Insert(at, new) => {
                let at = place(at);
                bytes.splice(at..at, new.iter().copied());
            }
            Edit::Remove(at, length) => {
                let at = place(at);
                bytes.drain(at..bytes.len().min(at + length));
            }
            Edit::Repeat(at, length, times) => {
                let at = place(at);
                let part = bytes[at..bytes.len().min(at + length)].repeat(*times);
                bytes.splice(at..at, part);
            }
            Edit::Splice(at, seed, from, length) => {
                let (at, other) = (place(at), seed.get(seeds).as_bytes());
                let from = from.index(other.len() + 1);
                bytes.splice(at..at, other[from..other.len().min(from + length)].iter().copied());
            }
        }
    }
    bytes
}

/// The seeds as they are, then changed.
fn holds_around_its_seeds(name: &str) {
    let target = target(name);
    let seeds = (target.seeds)();
    assert!(seeds.len() >= 5, "{name} has lost its seeds");
    for seed in &seeds {
        (target.run)(seed.as_bytes());
    }
    proptest!(cases(), |(seed in any::<Index>(), edits in prop::collection::vec(edit(), 1..5))| {
        (target.run)(&edited(&seeds, seed, &edits));
    });
}

/// Bytes as choices of a grammar.
fn holds_for_what_is_made(name: &str) {
    let target = target(name);
    (target.run)(&[]);
    proptest!(cases(), |(bytes in prop::collection::vec(any::<u8>(), 0..400))| {
        (target.run)(&bytes);
    });
}

#[test]
fn bulks() {
    holds_around_its_seeds("bulk");
}

#[test]
fn bulks_made() {
    holds_for_what_is_made("bulk_made");
}

#[test]
fn filters() {
    holds_around_its_seeds("filter");
}

#[test]
fn filters_made() {
    holds_for_what_is_made("filter_made");
}

#[test]
fn folding() {
    holds_around_its_seeds("fold");
}

#[test]
fn histories() {
    holds_around_its_seeds("history");
}

#[test]
fn histories_made() {
    holds_for_what_is_made("history_made");
}

#[test]
fn json() {
    holds_around_its_seeds("json");
}

#[test]
fn paths() {
    holds_around_its_seeds("path");
}

#[test]
fn paths_made() {
    holds_for_what_is_made("path_made");
}

#[test]
fn resources() {
    holds_around_its_seeds("resource");
}

#[test]
fn resources_made() {
    holds_for_what_is_made("resource_made");
}

#[test]
fn schemas() {
    holds_around_its_seeds("schema");
}

#[test]
fn schemas_made() {
    holds_for_what_is_made("schema_made");
}

#[test]
fn searches() {
    holds_around_its_seeds("search");
}

#[test]
fn searches_made() {
    holds_for_what_is_made("search_made");
}
