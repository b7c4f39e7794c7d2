//! What the documents say of the repository is held to it: links, the numbers of decisions, the modules of each crate.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use toml::Table;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn crates() -> impl Iterator<Item = PathBuf> {
    fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path())
}

/// Every module at the top of a crate has a row in its README, which is the crate's first page in the API documentation.
#[test]
fn each_crate_tells_of_all_its_modules() {
    let mut wrong = Vec::new();
    for krate in crates() {
        let (library, binary) = (krate.join("src/lib.rs"), krate.join("src/main.rs"));
        let text = read(if library.exists() { &library } else { &binary });
        let readme = read(&krate.join("README.md"));
        let modules = text.lines().filter_map(|line| {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            line.strip_prefix("mod ")?.strip_suffix(';')
        });
        let untold = modules
            .filter(|name| !readme.contains(&format!("`{name}`")) && !readme.contains(&format!("`{name}/`")));
        wrong.extend(untold.map(|name| format!("{}: {name}", krate.display())));
    }
    assert!(wrong.is_empty(), "modules without a row in README.md:\n{}", wrong.join("\n"));
}

/// The sources of all crates, without tests, which stand in files of their own or come last in a file.
fn sources() -> Vec<String> {
    fn collect(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(read(&path).split("#[cfg(test)]").next().unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    let of_the_program = crates().filter(|krate| !krate.ends_with("testkit"));
    of_the_program.for_each(|krate| collect(&krate.join("src"), &mut found));
    found
}

/// The last text in the call whose arguments begin here: the message of a log line.
fn message(arguments: &str) -> Option<String> {
    let (mut depth, mut literal, mut last) = (1, None, None);
    for character in arguments.chars() {
        match (&mut literal, character) {
            (Some(text), '"') => last = Some(std::mem::take::<String>(text)),
            (Some(text), other) => text.push(other),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        if character == '"' {
            literal = if literal.is_some() { None } else { Some(String::new()) };
        }
        if depth == 0 {
            break;
        }
    }
    last
}

/// Every message of the log stands in the documents; leniencies are held to theirs in scim-core, and metrics in the crate `metrics`.
#[test]
fn every_log_line_is_described() {
    let docs = root().join("docs");
    let mut wrong = Vec::new();
    let mut check = |page: &str, words: BTreeSet<String>, least: usize| {
        let text = read(&docs.join(page));
        assert!(words.len() >= least, "only {} found for {page}: {words:?}", words.len());
        let untold = words.into_iter().filter(|word| !text.contains(&format!("`{word}`")));
        wrong.extend(untold.map(|word| format!("docs/{page}: {word}")));
    };
    let mut messages = BTreeSet::new();
    for source in sources() {
        for level in ["error!(", "warn!(", "info!(", "debug!("] {
            messages.extend(source.split(level).skip(1).filter_map(message));
        }
    }
    check("logging.md", messages, 15);
    assert!(wrong.is_empty(), "not told:\n{}", wrong.join("\n"));
}

/// Each metric of the list moves in a test of the gateway that names it.
#[test]
fn every_metric_moves_in_a_test() {
    let page = read(&root().join("docs/metrics.md"));
    let names: BTreeSet<&str> = page.split("| `").filter_map(|rest| rest.split('`').next()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| name.starts_with("usher_")).collect();
    assert!(names.len() > 50, "only {} found", names.len());
    let mut tests = read(&root().join("crates/gateway/src/telemetry/panics.rs"));
    let mut folders = vec![root().join("crates/gateway/tests/it")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                tests.push_str(&read(&path));
            }
        }
    }
    // Some names are put together: `usher_tenant_{name}`.
    let is_named = |name: &str| {
        let short = name.strip_prefix("usher_tenant_").or_else(|| name.strip_prefix("usher_seats_"));
        tests.contains(name) || short.is_some_and(|short| tests.contains(&format!("\"{short}\"")))
    };
    let untested: Vec<&str> = names.into_iter().filter(|name| !is_named(name)).collect();
    assert!(untested.is_empty(), "no test names {untested:?}");
}

/// Why each crate of others is used stands in one of the decisions on dependencies, with the version that is built.
#[test]
fn every_dependency_has_its_line_and_its_version() {
    let decisions = root().join("docs/decisions");
    let [store, others, benchmark] =
        ["0002-dependencies.md", "0006-other-dependencies.md", "0021-benchmark-dependencies.md"]
            .map(|name| read(&decisions.join(name)));
    let all = format!("{store}{others}{benchmark}");
    let table = |text: &str, key: &str| text.parse::<Table>().unwrap().get(key).cloned().unwrap();
    let workspace = table(&read(&root().join("Cargo.toml")), "workspace");
    let used = workspace["dependencies"].as_table().unwrap().iter();
    let used = used.filter(|(_, from)| from.get("path").is_none()).map(|(name, _)| name);
    let mut wrong: Vec<String> = used
        .filter(|name| !all.contains(&format!("`{name}`")))
        .map(|name| format!("{name} has no line"))
        .collect();
    let lock = table(&read(&root().join("Cargo.lock")), "package");
    let built: BTreeSet<(String, String)> = lock
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let text = |key: &str| package[key].as_str().unwrap().split('+').next().unwrap().to_owned();
            (text("name"), text("version"))
        })
        .collect();
    // The rows of the first table: names, versions, users, reasons. Features stand in brackets.
    let rows =
        others.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with('|'));
    for row in rows {
        let mut cells = row.trim_matches('|').split('|');
        let (names, versions) = (cells.next().unwrap(), cells.next().unwrap());
        let bare: String = names.split('(').map(|part| part.split(')').next_back().unwrap()).collect();
        let names = bare.split('`').skip(1).step_by(2).map(str::to_owned);
        let told: Vec<(String, String)> =
            names.zip(versions.split(',').map(|v| v.trim().to_owned())).collect();
        assert_eq!(told.len(), versions.split(',').count(), "{row}");
        wrong.extend(
            told.into_iter()
                .filter(|one| !built.contains(one))
                .map(|one| format!("{one:?} is not in Cargo.lock")),
        );
    }
    assert!(wrong.is_empty(), "docs/decisions:\n{}", wrong.join("\n"));
}

/// A link to a file leads to one, and a decision is called by one number.
#[test]
fn links_between_documents_lead_somewhere_and_each_decision_has_its_own_number() {
    let docs = root().join("docs");
    let in_folder = |folder: &Path| {
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|e| e == "md")).collect::<Vec<_>>()
    };
    let decisions = in_folder(&docs.join("decisions"));
    let crates = crates().map(|krate| krate.join("README.md"));
    let readme = std::iter::once(root().join("README.md"));
    let pages = in_folder(&docs).into_iter().chain(decisions.iter().cloned()).chain(crates).chain(readme);
    let mut wrong = Vec::new();
    for page in pages {
        let text = read(&page);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let file = page.parent().unwrap().join(link.split('#').next().unwrap());
            if !file.exists() {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    let mut numbers = BTreeSet::new();
    for decision in &decisions {
        let number = decision.file_name().unwrap().to_str().unwrap()[..4].to_owned();
        if !read(decision).starts_with(&format!("# {number} ")) {
            wrong.push(format!("{}: its title does not begin with its number", decision.display()));
        }
        if !numbers.insert(number) {
            wrong.push(format!("{}: another decision has this number", decision.display()));
        }
    }
    assert!(wrong.is_empty(), "docs:\n{}", wrong.join("\n"));
}

/// The indexes list every page, so that readers find it.
#[test]
fn every_page_and_every_decision_is_in_its_index() {
    let docs = root().join("docs");
    let mut wrong = Vec::new();
    let mut check = |folder: &str, index: &str| {
        let text = read(&docs.join(index));
        for entry in fs::read_dir(docs.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let link = format!("]({folder}{name}");
            if name.ends_with(".md") && name != index && !text.contains(&link) {
                wrong.push(format!("docs/{folder}{name} is not in docs/{index}"));
            }
        }
    };
    check("", "README.md");
    check("decisions/", "decisions.md");
    assert!(wrong.is_empty(), "docs:\n{}", wrong.join("\n"));
}

/// The anchor of a heading, as renderers of Markdown make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_to_headings_lead_to_one() {
    let docs = root().join("docs");
    let decisions = docs.join("decisions");
    let pages = [&docs, &decisions].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let pages = pages.map(|entry| entry.unwrap().path()).chain([root().join("README.md")]);
    let mut wrong = Vec::new();
    for page in pages.filter(|page| page.extension().is_some_and(|e| e == "md")) {
        let text = read(&page);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for (file, heading) in links.filter_map(|link| link.split_once('#')) {
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            if file.contains("://") || target.extension().is_none_or(|e| e != "md") {
                continue;
            }
            let headings = read(&target);
            if !headings.lines().any(|line| line.starts_with('#') && anchor(line) == heading) {
                wrong.push(format!("{}: {file}#{heading}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "docs:\n{}", wrong.join("\n"));
}

/// The arguments of the call whose text begins here, up to its end.
fn arguments(call: &str) -> Vec<String> {
    let (mut depth, mut is_literal, mut found) = (1, false, vec![String::new()]);
    for character in call.chars() {
        match character {
            '"' => is_literal = !is_literal,
            '(' | '[' | '{' if !is_literal => depth += 1,
            ')' | ']' | '}' if !is_literal => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        match character {
            ',' if depth == 1 && !is_literal => found.push(String::new()),
            other => found.last_mut().unwrap().push(other),
        }
    }
    found
}

/// Every field of a log line stands in the list of fields. Values are chosen where the line is written, so the list is also what a reader
/// judges them by.
#[test]
fn every_field_of_the_log_is_described() {
    let page = read(&root().join("docs/logging.md"));
    let mut fields = BTreeSet::new();
    for source in sources() {
        for level in ["error!(", "warn!(", "info!(", "debug!(", "trace!(", "$level!("] {
            for argument in source.split(level).skip(1).flat_map(arguments) {
                let name = argument.split('=').next().unwrap().trim().trim_start_matches(['%', '?']);
                let name = name.rsplit('.').next().unwrap();
                let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                fields.extend(is_name.then(|| name.to_owned()));
            }
        }
    }
    assert!(fields.len() > 40 && fields.contains("request_id"), "{fields:?}");
    let untold: Vec<_> = fields.into_iter().filter(|field| !page.contains(&format!("`{field}`"))).collect();
    assert!(untold.is_empty(), "docs/logging.md does not tell of {untold:?}");
}
