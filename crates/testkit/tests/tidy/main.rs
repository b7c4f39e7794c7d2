//! The one tidy test: the rules of the repository that no compiler knows. Dependencies between crates, a head for every file, a
//! document for every error that a client can see, no SQL made of text.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use scim_core::ScimType;
use toml::{Table, Value};

mod circles;
mod fresh_machine;
mod signatures;

/// One crate: the crates of the workspace that it may use, and those of others that the design excludes from it.
struct Rule {
    name: &'static str,
    ours: &'static [&'static str],
    absent: &'static [&'static str],
}

const HTTP: &[&str] = &["actix-web", "ureq"];
const DATABASE: &[&str] = &["diesel", "libsqlite3-sys", "pq-sys"];
const RUNTIME: &[&str] = &["tokio"];
const CHANCE: &[&str] = &["uuid", "rand"];

/// The crate table of the design. Arrows only point down; a new crate or a new arrow is a decision (docs/decisions).
const CRATES: &[(Rule, &[&[&str]])] = &[
    (Rule { name: "scim-core", ours: &[], absent: &["store"] }, &[HTTP, DATABASE, RUNTIME, CHANCE]),
    (Rule { name: "store", ours: &[], absent: &["serde_json"] }, &[HTTP]),
    (Rule { name: "directory", ours: &["scim-core", "store"], absent: &[] }, &[HTTP, RUNTIME, CHANCE]),
    (Rule { name: "seat-ledger", ours: &["store"], absent: &["serde_json"] }, &[HTTP, RUNTIME, CHANCE]),
    (Rule { name: "metrics", ours: &[], absent: &["store"] }, &[HTTP, DATABASE, RUNTIME, CHANCE]),
    (Rule { name: "profiles", ours: &["scim-core"], absent: &[] }, &[HTTP, DATABASE, RUNTIME, CHANCE]),
    (
        Rule {
            name: "provisioning",
            ours: &["directory", "seat-ledger", "profiles", "scim-core", "store"],
            absent: &[],
        },
        &[HTTP, DATABASE, RUNTIME, CHANCE],
    ),
    // `provisioning` in its tests alone: a copy is tested with a tenant's store.
    (Rule { name: "transfer", ours: &["store", "provisioning"], absent: &[] }, &[HTTP, CHANCE]),
    (Rule { name: "tenant-registry", ours: &["store", "transfer"], absent: &[] }, &[HTTP]),
    (
        // `provisioning` in its tests alone.
        Rule { name: "backup", ours: &["tenant-registry", "transfer", "store", "provisioning"], absent: &[] },
        &[HTTP, DATABASE, CHANCE],
    ),
    (
        Rule {
            name: "staff",
            ours: &[
                "provisioning",
                "profiles",
                "tenant-registry",
                "directory",
                "seat-ledger",
                "scim-core",
                "store",
            ],
            absent: &[],
        },
        &[HTTP, DATABASE, RUNTIME],
    ),
    // It knows no rule of the gateway, or the gateway would be held to its own opinion.
    (Rule { name: "conformance", ours: &[], absent: &["actix-web"] }, &[DATABASE, RUNTIME, CHANCE]),
    (
        Rule {
            name: "cli",
            ours: &["staff", "tenant-registry", "seat-ledger", "scim-core", "conformance"],
            absent: &["actix-web"],
        },
        &[DATABASE, RUNTIME],
    ),
    (
        Rule {
            name: "gateway",
            ours: &[
                "backup",
                "cli",
                // In its tests alone: the same list, one fault at a time.
                "conformance",
                "metrics",
                "staff",
                "profiles",
                "provisioning",
                "tenant-registry",
                "directory",
                "seat-ledger",
                "scim-core",
                "store",
            ],
            // `ureq`: see `the_gateway_calls_out_from_two_files_alone`.
            absent: &[],
        },
        &[DATABASE],
    ),
    (Rule { name: "testkit", ours: &["conformance", "scim-core", "store"], absent: &[] }, &[]),
    (Rule { name: "scim-properties", ours: &["scim-core"], absent: &[] }, &[HTTP, DATABASE, RUNTIME, CHANCE]),
];

/// For tests only, so it may stand in any crate's `dev-dependencies` and nowhere else.
const TESTKIT: &str = "testkit";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// All files of the repository, without anything built, fetched or made by a run.
fn files() -> Vec<PathBuf> {
    const NOT_OURS: &[&str] =
        &[".git", "target", "corpus", "artifacts", "data", ".tools", ".venv", "node_modules"];
    let mut found = Vec::new();
    let mut directories = vec![root()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let entry = entry.unwrap();
            if NOT_OURS.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                directories.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    assert!(found.len() > 100, "only {} files found below {}", found.len(), root().display());
    found
}

/// The path as a reader knows it.
fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}

/// Our files of this kind with their texts.
fn texts(extension: &str) -> Vec<(String, String)> {
    let files = files().into_iter().filter(|file| file.extension().is_some_and(|e| e == extension));
    files.map(|file| (shown(&file), fs::read_to_string(&file).unwrap())).collect()
}

/// The sources without their tests, which stand in files of their own or come last in a file.
fn texts_that_run() -> impl Iterator<Item = (String, String)> {
    let sources =
        texts("rs").into_iter().filter(|(file, _)| !file.contains("/tests/") && !file.ends_with("/tests.rs"));
    sources.map(|(file, text)| {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        (file, code.to_owned())
    })
}

#[test]
fn the_gateway_calls_out_from_two_files_alone() {
    let makes_a_client = |text: &str| text.contains("Agent::new") || text.contains("Agent::with_parts");
    let calls = texts_that_run().filter(|(_, text)| makes_a_client(text));
    let files = calls.map(|(file, _)| file).filter(|file| file.starts_with("crates/gateway/"));
    let keys_of_issuers = "crates/gateway/src/issuers/download.rs";
    let collector_of_traces = "crates/gateway/src/telemetry/traces/collector.rs";
    assert_eq!(files.collect::<Vec<_>>(), [keys_of_issuers, collector_of_traces]);
}

fn read(path: &str) -> String {
    let file = root().join(path);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path} must be there: {error}"))
}

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

/// The names in one table of dependencies; target-specific ones are not used here and would be found as unknown.
fn names(manifest: &Table, table: &str) -> BTreeSet<String> {
    let table = manifest.get(table).and_then(Value::as_table);
    table.into_iter().flat_map(|table| table.keys().cloned()).collect()
}

fn manifest(name: &str) -> Table {
    read(&format!("crates/{name}/Cargo.toml")).parse().unwrap()
}

#[test]
fn every_crate_is_in_the_table() {
    let there: BTreeSet<String> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = CRATES.iter().map(|(rule, _)| rule.name.to_owned()).collect();
    assert_eq!(there, known);
}

#[test]
fn arrows_between_crates_only_point_down() {
    let ours: BTreeSet<&str> = CRATES.iter().map(|(rule, _)| rule.name).collect();
    let mut wrong = Vec::new();
    for (rule, groups) in CRATES {
        let manifest = manifest(rule.name);
        assert!(
            !manifest.contains_key("target"),
            "{}: dependencies of one target are not looked at",
            rule.name
        );
        let absent: BTreeSet<&str> =
            groups.iter().flat_map(|group| group.iter()).chain(rule.absent).copied().collect();
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for used in names(&manifest, table) {
                let test_only = table == "dev-dependencies";
                let unknown_arrow = ours.contains(used.as_str()) && !rule.ours.contains(&used.as_str());
                let for_tests = test_only && used == TESTKIT;
                if (unknown_arrow && !for_tests) || (!test_only && absent.contains(used.as_str())) {
                    wrong.push(format!("{} must not have {used} in its {table}", rule.name));
                }
            }
        }
    }
    assert_none(&wrong, "the crate table of the design");
}

#[test]
fn every_crate_takes_its_versions_and_lints_from_the_workspace() {
    let mut wrong = Vec::new();
    for (rule, _) in CRATES {
        let manifest = manifest(rule.name);
        let inherits = |table: &Value| table.get("workspace").and_then(Value::as_bool) == Some(true);
        if !manifest.get("lints").is_some_and(inherits) {
            wrong.push(format!("{}: [lints] workspace = true", rule.name));
        }
        for table in ["dependencies", "dev-dependencies"] {
            let Some(table) = manifest.get(table).and_then(Value::as_table) else { continue };
            let own = table.iter().filter(|(_, dependency)| !inherits(dependency));
            wrong.extend(own.map(|(name, _)| format!("{}: {name} has a version of its own", rule.name)));
        }
    }
    assert_none(&wrong, "one place for versions and lints");
}

#[test]
fn every_source_file_begins_with_what_it_is() {
    let silent = texts("rs").into_iter().filter(|(_, text)| !text.starts_with("//! "));
    let silent: Vec<String> = silent.map(|(file, _)| file).collect();
    assert_none(&silent, "a file begins with //! and says what lives in it");
}

/// Time, ids and randomness arrive as arguments, so that every rule can be tested with a literal: for a tenant's rows, only
/// `store` reads a clock.
#[test]
fn the_crates_of_rules_ask_no_clock() {
    let of_rules = ["scim-core", "directory", "seat-ledger", "provisioning"];
    let mut wrong = Vec::new();
    for (file, text) in texts_that_run() {
        if !of_rules.iter().any(|name| file.starts_with(&format!("crates/{name}/src/"))) {
            continue;
        }
        let asked = ["::now(", "now_utc(", "now_local(", "SystemTime"]
            .into_iter()
            .filter(|clock| text.contains(clock));
        wrong.extend(asked.map(|clock| format!("{file}: {clock}")));
    }
    assert_none(&wrong, "time arrives as an argument");
}

/// Attack 33: values of a caller reach SQL only as bound values.
#[test]
fn attack_33_no_sql_is_put_together_from_text() {
    let mut wrong = Vec::new();
    for (file, text) in texts("rs") {
        let dense: String = text.split_whitespace().collect();
        for begin in ["sql_query(", "sql_query(&", "sql::<Bool>(&", "sql::<Text>(&", "sql::<BigInt>(&"] {
            for made in ["format!(", "concat!("] {
                // Written apart, so that this file does not find itself.
                if dense.contains(&format!("{begin}{made}")) {
                    wrong.push(format!("{file}: {begin}{made}"));
                }
            }
        }
    }
    assert_none(&wrong, "SQL is constant text with placeholders");
}

#[test]
fn no_file_names_a_registry_host_or_a_path_of_one_machine() {
    // In two parts each, so that this file does not find itself.
    let names = [
        ("index.crates", ".io"),
        ("static.crates", ".io"),
        ("registry.npmjs", ".org"),
        ("pypi", ".org/simple"),
        ("files.python", "hosted.org"),
        ("proxy.golang", ".org"),
        ("/work", "/main"),
        ("/work", "/shared"),
        ("/work", "/."),
        ("/tmp", "/wt"),
        ("/tmp", "/target-shared"),
        ("/root", "/."),
    ];
    let mut wrong = Vec::new();
    for file in files() {
        let bytes = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for (begin, end) in names {
            if text.contains(&format!("{begin}{end}")) {
                wrong.push(format!("{}: {begin}{end}", shown(&file)));
            }
        }
    }
    for lock in ["Cargo.lock", "fuzz/Cargo.lock"] {
        let sources = read(lock);
        let sources = sources.lines().filter_map(|line| line.strip_prefix("source = "));
        let foreign =
            sources.filter(|source| *source != "\"registry+https://github.com/rust-lang/crates.io-index\"");
        wrong.extend(foreign.map(|source| format!("{lock}: {source}")));
    }
    assert_none(&wrong, "the repository builds anywhere");
}

/// The first two cells of every row `| status | scimType | … |`.
fn documented() -> BTreeSet<(String, String)> {
    let text = read("docs/errors.md");
    let mut answers_scim = false;
    let rows = text.lines().filter_map(|line| {
        // Other tables list other answers, such as the admin API's.
        answers_scim = line.starts_with("| status | scimType |") || (answers_scim && line.starts_with('|'));
        let line = Some(line).filter(|_| answers_scim)?;
        let mut cells =
            line.strip_prefix('|')?.split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        let (status, keyword) = (cells.next()?, cells.next()?);
        (status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit())).then_some((status, keyword))
    });
    let rows: BTreeSet<_> = rows.collect();
    assert!(rows.len() > 10, "docs/errors.md has no table `| status | scimType | ... |`");
    rows
}

/// Every status of an error in the code that runs.
fn statuses() -> BTreeSet<String> {
    let mut statuses = BTreeSet::new();
    for (file, text) in texts_that_run() {
        let answers_scim = ["scim-core", "provisioning", "gateway"]
            .iter()
            .any(|name| file.contains(&format!("{name}/src/")));
        if !answers_scim || file.contains("/admin/") || file.contains("/cli/") {
            continue;
        }
        let dense: String = text.split_whitespace().collect();
        for maker in ["ScimError::new(", "Self::new(", "Failure::new("] {
            for call in dense.split(maker).skip(1) {
                let status: String = call.chars().take_while(char::is_ascii_digit).collect();
                if status.len() == 3 {
                    statuses.insert(status);
                }
            }
        }
    }
    assert!(statuses.len() > 10 && statuses.contains("503"), "{statuses:?}");
    statuses
}

#[test]
fn every_error_that_a_client_can_see_is_documented() {
    let documented = documented();
    let keywords: BTreeSet<&str> = ScimType::ALL.iter().map(|keyword| keyword.keyword()).collect();
    let mut wrong = Vec::new();
    for keyword in &keywords {
        if !documented.iter().any(|(_, documented)| documented == keyword) {
            wrong.push(format!("scimType {keyword} has no row"));
        }
    }
    for status in statuses() {
        if !documented.iter().any(|(documented, _)| *documented == status) {
            wrong.push(format!("status {status} has no row"));
        }
    }
    for (status, keyword) in &documented {
        if !keyword.is_empty() && !keywords.contains(keyword.as_str()) {
            wrong.push(format!("{status} {keyword} is documented, but nothing answers it"));
        }
    }
    assert_none(&wrong, "docs/errors.md");
}

/// What `usher openapi` tells of refusals and what people read are one list.
#[test]
fn every_documented_status_stands_in_the_openapi_document() {
    let text = read("crates/gateway/src/scim/openapi/exchange.rs");
    let dense: String = text.split_whitespace().collect();
    // What no operation of the document can meet: a method or an endpoint that is not there, a head that is no request.
    let elsewhere = ["405", "414", "431", "501"];
    let told = |status: &str| dense.contains(&format!("({status},\"")) || elsewhere.contains(&status);
    let statuses: BTreeSet<String> = documented().into_iter().map(|(status, _)| status).collect();
    let missing: Vec<String> = statuses.into_iter().filter(|status| !told(status)).collect();
    assert_none(&missing, "docs/errors.md names them, the OpenAPI document does not");
}

/// Judged by a person: a file that grows past about 400 lines is usually two ideas.
#[test]
fn the_longest_files_are_shown() {
    let mut lengths: Vec<(usize, String)> =
        texts("rs").into_iter().map(|(file, text)| (text.lines().count(), file)).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    for (lines, file) in lengths.iter().take(12) {
        eprintln!("{lines:5} {file}");
    }
    assert!(lengths.iter().all(|(lines, _)| *lines > 0));
}
