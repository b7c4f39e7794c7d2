//! `make test` on a bare machine: it fetches each thing at a fixed version, so that no new release breaks it, and calls only
//! programs that it installs. `make bare` tries the whole on such a machine.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{assert_none, read, texts};

/// The commands of all scripts, each with its file; one that goes on over several lines is one.
fn commands() -> Vec<(String, String)> {
    let mut scripts = texts("sh");
    scripts.extend([".ci/run", "Makefile"].map(|file| (file.to_owned(), read(file))));
    let joined = scripts.into_iter().map(|(file, text)| (file, text.replace("\\\n", " ")));
    let commands = joined.flat_map(|(file, text)| {
        let commands = text.lines().filter(|line| !line.trim_start().starts_with('#')).map(str::to_owned);
        commands.map(|command| (file.clone(), command)).collect::<Vec<_>>()
    });
    commands.collect()
}

#[test]
fn what_comes_from_crates_io_or_pypi_has_a_version() {
    let mut installs = 0;
    let mut wrong = Vec::new();
    for (file, command) in commands() {
        let words: BTreeSet<&str> = command.split_whitespace().collect();
        let has = |word: &str| words.contains(word);
        let by_cargo = command.contains("cargo install");
        let by_pip = has("install") && words.iter().any(|word| word.contains("pip[@]"));
        let versioned = |word: &&str| word.contains("cargo-") && word.contains('@');
        let good = if by_cargo {
            has("--locked") && words.iter().any(versioned)
        } else {
            let pinned = command.contains("==") || (has("--no-deps") && has("--require-hashes"));
            has("--no-index") || (has("\"${wheels[@]}\"") && pinned)
        };
        installs += usize::from(by_cargo || by_pip);
        if (by_cargo || by_pip) && !good {
            wrong.push(format!("{file}: {}", command.trim()));
        }
    }
    assert!(installs >= 5, "only {installs} installs found");
    assert_none(&wrong, "what is installed stands at one version, and nothing beside it is looked up");
}

#[test]
fn every_pin_of_pypi_is_one_version_with_its_hashes() {
    for folder in ["crates/gateway/tests/conformance", "deploy/checks"] {
        one_version_with_its_hashes(folder);
    }
}

fn one_version_with_its_hashes(folder: &str) {
    let wanted = read(&format!("{folder}/requirements.in"));
    let pins = read(&format!("{folder}/requirements.txt")).replace("\\\n", " ");
    let meant = |text: &str| {
        let lines =
            text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (wanted, pins) = (meant(&wanted), meant(&pins));
    let mut wrong: Vec<&String> = wanted.iter().filter(|line| !line.contains("==")).collect();
    wrong.extend(pins.iter().filter(|line| !line.contains("==") || !line.contains("--hash=sha256:")));
    assert!(pins.len() > wanted.len() && !wanted.is_empty());
    assert!(wrong.is_empty(), "{folder}: {wrong:?}");
}

#[test]
fn every_program_that_is_called_is_installed_or_part_of_any_system() {
    let tools = read("deploy/install-tools.sh");
    // Every script of the repository is one of bash.
    let mut known: BTreeSet<&str> = BTreeSet::from(["sh", "bash"]);
    known.extend(tools.split("has ").skip(1).filter_map(|rest| rest.split_whitespace().next()));
    assert!(known.contains("sqlite3"), "{known:?}");
    let mut called = 0;
    let mut unknown = Vec::new();
    for (file, text) in texts("rs") {
        // Both ways to name a program; written apart, so that this file does not find itself.
        for way in [concat!("Command::", "new(\""), concat!("start_again_", "under(\"")] {
            for call in text.split(way).skip(1) {
                let program = call.split('"').next().unwrap_or_default();
                called += 1;
                if !known.contains(program) {
                    unknown.push(format!("{file}: {program}"));
                }
            }
        }
    }
    assert!(called > 1, "only {called} calls found");
    assert_none(&unknown, "deploy/install-tools.sh installs what tests call");
}

#[test]
fn no_dependency_takes_whatever_is_newest() {
    let workspace: Table = read("Cargo.toml").parse().unwrap();
    let fuzz: Table = read("fuzz/Cargo.toml").parse().unwrap();
    let tables = [&workspace["workspace"]["dependencies"], &fuzz["dependencies"]];
    let dependencies: Vec<_> = tables.into_iter().flat_map(|table| table.as_table().unwrap()).collect();
    assert!(dependencies.len() > 30, "only {} found", dependencies.len());
    let others = dependencies.into_iter().filter(|(_, wanted)| wanted.get("path").is_none());
    let wrong = others.filter_map(|(name, wanted)| {
        let version = wanted.as_str().or_else(|| wanted.get("version").and_then(Value::as_str));
        version.is_none_or(|version| version.contains('*')).then(|| name.clone())
    });
    assert_none(&wrong.collect::<Vec<_>>(), "a dependency names the version that it fits");
}
