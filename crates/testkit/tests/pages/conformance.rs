//! `docs/conformance.md` is held to the repository: every section of the RFCs that asks something has its row, every row names
//! a test or says why there is none, and every test that is named exists.

use std::collections::BTreeSet;

use crate::source::{read, root, tests};

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
