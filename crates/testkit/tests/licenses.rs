//! The licences of all dependencies are in `deny.toml`'s list. Cargo reads them from this machine: the part of `cargo deny
//! check` that needs neither a tool of its own nor the network. Advisories need both, and are checked by hand.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn allowed() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let deny: toml::Table = text.parse().unwrap();
    let list = deny["licenses"]["allow"].as_array().unwrap();
    list.iter().map(|license| license.as_str().unwrap().to_owned()).collect()
}

/// Every package that `Cargo.lock` holds, for every platform.
fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--locked"]).current_dir(root());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether one choice of the SPDX expression is wholly in the list; `/` is the old form of `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest, allowed) && rest.is_empty()
}

fn any(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut is = all(rest, allowed);
    while let Some(after) = rest.strip_prefix(&["OR"]) {
        *rest = after;
        is |= all(rest, allowed);
    }
    is
}

fn all(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut is = one(rest, allowed);
    while let Some(after) = rest.strip_prefix(&["AND"]) {
        *rest = after;
        is &= one(rest, allowed);
    }
    is
}

fn one(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let (is, after) = match *rest {
        ["(", inner @ ..] => {
            let mut inner = inner;
            let is = any(&mut inner, allowed);
            (is, inner.strip_prefix(&[")"]).unwrap_or(&["unclosed"]))
        }
        [license, "WITH", exception, after @ ..] => {
            (allowed.contains(&format!("{license} WITH {exception}")), after)
        }
        [license, after @ ..] => (allowed.contains(*license), after),
        [] => (false, *rest),
    };
    *rest = after;
    is
}

#[test]
fn every_dependency_may_be_passed_on() {
    let (allowed, packages) = (allowed(), packages());
    assert!(packages.len() > 100 && allowed.len() > 5);
    let wrong: Vec<String> = packages
        .iter()
        .filter(|package| !is_allowed(package["license"].as_str().unwrap_or_default(), &allowed))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(wrong.is_empty(), "not in the list of deny.toml:\n{}", wrong.join("\n"));
}

#[test]
fn an_expression_is_allowed_when_one_choice_is() {
    let allowed: BTreeSet<String> =
        ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Apache-2.0", true),
        ("(MIT OR GPL-3.0) AND BSD-1-Clause", false),
        ("GPL-3.0 AND GPL-2.0 OR MIT", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("MIT WITH LLVM-exception", false),
        ("", false),
        ("MIT MIT", false),
        ("(MIT", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
    }
}
