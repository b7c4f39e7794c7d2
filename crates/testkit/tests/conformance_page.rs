//! `docs/conformance.md` is held to the repository: every section of the RFCs that asks something has its row, every row names
//! a test or says why there is none, and every test that is named exists.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The sections of each RFC that have a row. Left out are introductions, references, what only registers a name, and
/// the single examples of RFC 7643 §8.
const SECTIONS: &[(&str, &str)] = &[
    (
        "RFC 7643",
        "2 2.1 2.2 2.3 2.3.1 2.3.2 2.3.3 2.3.4 2.3.5 2.3.6 2.3.7 2.3.8 2.4 2.5 3 3.1 3.2 3.3 4 4.1 4.1.1 4.1.2 4.2 4.3 \
         5 6 7 8 9 9.1 9.2 9.3",
    ),
    (
        "RFC 7644",
        "2 2.1 2.2 3 3.1 3.2 3.3 3.3.1 3.4 3.4.1 3.4.2 3.4.2.1 3.4.2.2 3.4.2.3 3.4.2.4 3.4.2.5 3.4.3 3.5 3.5.1 3.5.2 \
         3.5.2.1 3.5.2.2 3.5.2.3 3.6 3.7 3.7.1 3.7.2 3.7.3 3.7.4 3.8 3.9 3.10 3.11 3.12 3.13 3.14 4 5 6 6.1 6.2 \
         7 7.1 7.2 7.3 7.4 7.5 7.5.1 7.5.2 7.6 7.7 7.8 8.1 8.2",
    ),
    ("RFC 9865", "2 2.1 2.2 2.3 2.4 3 4 5 5.1 5.2 5.3 5.4"),
];

/// The last cell of a row that no test can show.
const NO_TEST: &str = "–";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One row of a table of sections.
struct Row {
    section: String,
    /// As nextest names them: `gateway::it bulk::rfc::…`.
    tests: Vec<String>,
    shown_by: String,
}

/// The rows below the heading of one RFC.
fn rows(page: &str, rfc: &str) -> Vec<Row> {
    let heading = format!("\n### {rfc}");
    let part = page.split(&heading).nth(1).unwrap_or_else(|| panic!("no heading `### {rfc}`"));
    let part = part.split("\n#").next().unwrap();
    let rows = part.lines().filter_map(|line| line.strip_prefix("| §")?.strip_suffix(" |"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        assert_eq!(cells.len(), 4, "{rfc}: a row has four cells: {row}");
        let quoted = cells[3].split('`').skip(1).step_by(2);
        Row {
            section: cells[0].to_owned(),
            tests: quoted.map(str::to_owned).collect(),
            shown_by: cells[3].to_owned(),
        }
    })
    .collect()
}

/// Every test of the repository, as nextest names it: the binary, a blank, the path.
fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let krate = entry.unwrap().path();
        let name = krate.file_name().unwrap().to_str().unwrap().to_owned();
        let library = krate.join("src/lib.rs").exists();
        let source = if library { name.clone() } else { format!("{name}::bin/usher") };
        collect(&krate.join("src"), &source, &[], &mut tests);
        let Ok(folder) = fs::read_dir(krate.join("tests")) else { continue };
        for entry in folder {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if path.extension().is_some_and(|extension| extension == "rs") {
                collect_file(&path, &format!("{name}::{stem}"), &[], &mut tests);
            } else if path.join("main.rs").exists() {
                collect(&path, &format!("{name}::{stem}"), &[], &mut tests);
            }
        }
    }
    // The recordings stand beside `it`, which includes them.
    collect(&root().join("crates/gateway/tests/idp"), "gateway::it", &["idp"], &mut tests);
    assert!(tests.len() > 700, "only {} tests found", tests.len());
    tests
}

/// The tests of a folder: each file is a module, `mod.rs`, `lib.rs` and `main.rs` the folder's own.
fn collect(folder: &Path, binary: &str, modules: &[&str], tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let below = [modules, &[stem]].concat();
        if path.is_dir() {
            collect(&path, binary, &below, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let own = matches!(stem, "mod" | "lib" | "main");
            collect_file(&path, binary, if own { modules } else { &below }, tests);
        }
    }
}

/// The tests of a file; those in a `mod` of its own that begins at the margin belong to that module.
fn collect_file(file: &Path, binary: &str, modules: &[&str], tests: &mut BTreeSet<String>) {
    let text = read(file);
    let (mut inner, mut is_test) = (None, false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {")) {
            inner = Some(name);
        } else if line == "}" {
            inner = None;
        }
        let line = line.trim();
        is_test |= line == "#[test]" || line.ends_with("::test]") || line.contains("::test(");
        let function = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
        let Some(function) = function.filter(|_| is_test) else { continue };
        is_test = false;
        let name = function.split('(').next().unwrap();
        let path = modules.iter().copied().chain(inner).chain([name]).collect::<Vec<_>>().join("::");
        tests.insert(format!("{binary} {path}"));
    }
}

#[test]
fn every_section_of_the_rfcs_has_one_row_in_their_order() {
    let page = read(&root().join("docs/conformance.md"));
    for (rfc, sections) in SECTIONS {
        let told: Vec<String> = rows(&page, rfc).into_iter().map(|row| row.section).collect();
        let wanted: Vec<&str> = sections.split_whitespace().collect();
        assert_eq!(told, wanted, "{rfc} in docs/conformance.md");
    }
}

#[test]
fn every_test_that_a_row_names_exists_and_a_row_without_one_says_so() {
    let page = read(&root().join("docs/conformance.md"));
    let tests = tests();
    let mut wrong = Vec::new();
    for (rfc, _) in SECTIONS {
        for row in rows(&page, rfc) {
            let unknown = row.tests.iter().filter(|test| !tests.contains(*test));
            wrong.extend(unknown.map(|test| format!("{rfc} §{}: there is no test {test}", row.section)));
            if row.tests.is_empty() && row.shown_by != NO_TEST {
                wrong.push(format!("{rfc} §{}: name a test, or {NO_TEST}", row.section));
            }
        }
    }
    assert!(wrong.is_empty(), "docs/conformance.md:\n{}", wrong.join("\n"));
}

/// Where a row says that texts disagree, `docs/scim.md` has the row that decides.
#[test]
fn every_disagreement_that_is_named_has_its_row() {
    let page = read(&root().join("docs/conformance.md"));
    let decided = read(&root().join("docs/scim.md"));
    let named = page.split("(row \"").skip(1).map(|rest| rest.split("\")").next().unwrap());
    let named: BTreeSet<&str> = named.map(|row| row.trim_end_matches('…')).collect();
    assert!(named.len() > 10, "{named:?}");
    let lost: Vec<&str> = named.into_iter().filter(|row| !decided.contains(&format!("\n| {row}"))).collect();
    assert!(lost.is_empty(), "docs/scim.md has no row that begins so: {lost:?}");
}
