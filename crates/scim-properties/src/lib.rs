//! Properties of `scim-core` that hold for any input: each is a function of bytes that panics when it fails. The
//! fuzzer (`fuzz/`, libFuzzer) and the tests (`tests/`, proptest) run the same list.
//!
//! A property comes twice where that pays: over text as it is, which begins with seeds and finds what a parser does with
//! broken input, and over text that a [`grammar`] makes from the bytes, which gets far behind the first error.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "only tests run this: a property that does not hold panics"
)]

pub mod bulk;
pub mod filter;
pub mod fold;
pub mod grammar;
pub mod history;
pub mod json;
pub mod path;
mod refusal;
pub mod resource;
pub mod schema;
pub mod search;
pub mod seeds;
mod types;

/// One property over bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its fuzz target and of its corpus.
    pub name: &'static str,
    /// Panics when the property does not hold.
    pub run: fn(&[u8]),
    /// Inputs that a fuzzer changes; none where the bytes are choices of a grammar.
    pub seeds: fn() -> Vec<String>,
}

/// All of them. Each has a file in `fuzz/fuzz_targets`.
pub const TARGETS: &[Target] = &[
    Target { name: "bulk", run: bulk::text, seeds: seeds::bulks },
    Target { name: "bulk_made", run: bulk::made, seeds: Vec::new },
    Target { name: "filter", run: filter::text, seeds: seeds::filters },
    Target { name: "filter_made", run: filter::made, seeds: Vec::new },
    Target { name: "fold", run: fold::text, seeds: seeds::names },
    Target { name: "history", run: history::text, seeds: seeds::histories },
    Target { name: "history_made", run: history::made, seeds: Vec::new },
    Target { name: "json", run: json::text, seeds: seeds::documents },
    Target { name: "path", run: path::text, seeds: seeds::paths },
    Target { name: "path_made", run: path::made, seeds: Vec::new },
    Target { name: "resource", run: resource::text, seeds: seeds::resources },
    Target { name: "resource_made", run: resource::made, seeds: Vec::new },
    Target { name: "schema", run: schema::text, seeds: seeds::schemas },
    Target { name: "schema_made", run: schema::made, seeds: Vec::new },
    Target { name: "search", run: search::text, seeds: seeds::searches },
    Target { name: "search_made", run: search::made, seeds: Vec::new },
];

/// The target of this name.
///
/// # Panics
/// When there is none.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("no target {name}")).run)(bytes);
}
