//! `docs/behaviours.md`: the lines that five products' setup guides promise, each with the tests that carry its id, or with what it
//! comes with. `make behaviours` writes the page; a test compares it.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::PathBuf};

use serde::Deserialize;

use crate::source::{read, root, tests};

/// Set by `make behaviours`: write the page instead of comparing it.
const WRITE: &str = "USHER_WRITE_PAGES";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// `MO1`.
    id: String,
    /// Plain text, with Markdown.
    line: String,
    /// The capability that makes the line true, or the rest of it.
    comes_with: Option<String>,
}

fn lines() -> Vec<Line> {
    serde_json::from_str(include_str!("behaviours.json")).unwrap()
}

fn page() -> PathBuf {
    root().join("docs/behaviours.md")
}

/// Tests of the gateway or of its command line whose names carry an id: `mo1_…`.
fn tests_of<'t>(id: &str, tests: &'t BTreeSet<String>) -> Vec<&'t str> {
    let prefix = format!("{}_", id.to_ascii_lowercase());
    let is_whole = |test: &&String| test.starts_with("gateway::") || test.starts_with("cli");
    let carries = |test: &&String| test.rsplit("::").next().is_some_and(|name| name.starts_with(&prefix));
    tests.iter().filter(is_whole).filter(carries).map(String::as_str).collect()
}

fn written() -> String {
    let (lines, tests) = (lines(), tests());
    let told = lines.iter().filter(|line| !tests_of(&line.id, &tests).is_empty()).count();
    let mut text = format!(
        "# Behaviours\n\n\
         The lines that the setup guides of five products promise: `MO` and `ME` Mentimeter with Okta and with Entra ID, `CX` MindTouch / CXone\n\
         Expert, `IO` IOMETE, `MC` MetaCompliance, all with Okta; `S` the rules of seats. Each has the tests that carry its id and go through the\n\
         gateway or the command line, or says what it comes with. `make behaviours` writes this page, and a test compares it.\n\n\
         {told} of {} lines have a test.\n\n\
         | id | line | tests |\n|---|---|---|\n",
        lines.len()
    );
    for Line { id, line, comes_with } in &lines {
        let mut cells: Vec<String> =
            tests_of(id, &tests).into_iter().map(|test| format!("`{test}`")).collect();
        cells.extend(comes_with.iter().map(|what| format!("comes with {what}")));
        writeln!(text, "| {id} | {line} | {} |", cells.join("<br>")).unwrap();
    }
    text
}

#[test]
fn the_page_of_behaviours_is_what_the_tests_say() {
    let written = written();
    if env::var_os(WRITE).is_some() {
        fs::write(page(), &written).unwrap();
    }
    assert!(read(&page()) == written, "docs/behaviours.md is not what the tests say: make behaviours");
}

#[test]
fn every_line_has_a_test_or_says_what_it_comes_with() {
    let (lines, tests) = (lines(), tests());
    let bare = |line: &&Line| line.comes_with.is_none() && tests_of(&line.id, &tests).is_empty();
    let bare: Vec<&str> = lines.iter().filter(bare).map(|line| line.id.as_str()).collect();
    assert!(bare.is_empty(), "these have neither: {bare:?}");
    let ids: BTreeSet<&str> = lines.iter().map(|line| line.id.as_str()).collect();
    assert_eq!(ids.len(), lines.len(), "an id stands twice");
}
