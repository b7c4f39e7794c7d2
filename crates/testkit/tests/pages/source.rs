//! The sources of the repository, and the tests in them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every test of the repository, as nextest names it: the binary, a blank, the path.
pub(crate) fn tests() -> BTreeSet<String> {
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
