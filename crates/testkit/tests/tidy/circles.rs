//! Files of a crate that use each other in a circle can be read, or moved, only together. A use counts for the file that
//! defines the item, whichever module re-exports it.

use std::collections::{BTreeMap, BTreeSet};

use super::{assert_none, texts_that_run};

/// A module's path from its crate's root, such as `["http", "door"]`.
type Module = Vec<String>;

/// One file: the names that its `use` declarations bring in, each with its whole path, and its other code.
struct Source {
    file: String,
    imports: Vec<(String, Vec<String>)>,
    code: String,
}

/// The files of one library or binary.
type Tree = BTreeMap<Module, Source>;

fn trees() -> BTreeMap<String, Tree> {
    let mut trees: BTreeMap<String, Tree> = BTreeMap::new();
    for (file, text) in texts_that_run() {
        let Some((krate, path)) = file.split_once("/src/").filter(|_| file.starts_with("crates/")) else {
            continue;
        };
        let (root, inner) = match path.strip_prefix("bin/").map(|binary| binary.split_once('/')) {
            None => (format!("{krate}/src"), path),
            Some(Some((binary, inner))) => (format!("{krate}/src/bin/{binary}"), inner),
            // A binary of one file has no circle.
            Some(None) => continue,
        };
        let mut module: Module = inner.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        module.pop_if(|last| matches!(last.as_str(), "lib" | "main" | "mod"));
        let (imports, code) = declarations(&text);
        trees.entry(root).or_default().insert(module, Source { file: file.clone(), imports, code });
    }
    assert!(trees.len() > 8, "{:?}", trees.keys());
    trees
}

/// The names that all `use` declarations of a file bring in, with their paths, and the code without them and without comments.
fn declarations(text: &str) -> (Vec<(String, Vec<String>)>, String) {
    let (mut imports, mut code) = (Vec::new(), String::new());
    let mut lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    while let Some(line) = lines.next() {
        let first = line.split_whitespace().find(|word| !word.starts_with("pub"));
        if first != Some("use") {
            code.push_str(line);
            code.push('\n');
            continue;
        }
        let mut declaration = line.split_once("use ").unwrap().1.to_owned();
        while !declaration.contains(';') {
            declaration.push_str(lines.next().unwrap());
        }
        let dense: String = declaration.replace(" as ", "@").split_whitespace().collect();
        spread(dense.trim_end_matches(';'), &[], &mut imports);
    }
    (imports, code)
}

/// Spreads a tree such as `a::{b, c::{self, d as e}}` into its names and paths.
fn spread(tree: &str, before: &[String], found: &mut Vec<(String, Vec<String>)>) {
    if let Some(inner) = tree.strip_prefix('{') {
        let (mut depth, mut start) = (0, 0);
        let inner = inner.strip_suffix('}').unwrap();
        for (index, character) in inner.char_indices().chain([(inner.len(), ',')]) {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    if start < index {
                        spread(&inner[start..index], before, found);
                    }
                    start = index + 1;
                }
                _ => {}
            }
        }
    } else if let Some((first, rest)) = tree.split_once("::").filter(|(first, _)| !first.contains('{')) {
        spread(rest, &[before, &[first.to_owned()]].concat(), found);
    } else {
        let (last, name) = tree.split_once('@').unwrap_or((tree, tree));
        let path = if last == "self" { before.to_vec() } else { [before, &[last.to_owned()]].concat() };
        let name = if name == "self" { path.last().unwrap().clone() } else { name.to_owned() };
        found.push((name, path));
    }
}

/// The paths in some code that begin with this name and go on.
fn paths(code: &str, name: &str) -> Vec<Vec<String>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let begin = format!("{name}::");
    let begins = code.match_indices(&begin).map(|(at, _)| at);
    let whole = begins.filter(|&at| !code[..at].ends_with(|c| is_part(c) || c == ':' || c == '$'));
    let path = |at: usize| {
        let end = code[at..].find(|c| !is_part(c) && c != ':').map_or(code.len(), |length| at + length);
        code[at..end].split("::").filter(|step| !step.is_empty()).map(str::to_owned).collect()
    };
    whole.map(path).collect()
}

/// The meaning of a path.
enum Named {
    /// A module itself.
    Module,
    /// An item that this module defines.
    ItemOf(Module),
}

/// The meaning of a path in a module; `None` when it leads out of this tree.
fn named(tree: &Tree, from: &Module, path: &[String]) -> Option<Named> {
    let (mut module, mut rest) = (from.clone(), path);
    match path.first()?.as_str() {
        "crate" => (module, rest) = (Vec::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {}
        child if tree.contains_key(&[&from[..], &[child.to_owned()]].concat()) => {}
        _ => return None,
    }
    while let Some((next, after)) = rest.split_first() {
        let child = [&module[..], std::slice::from_ref(next)].concat();
        if next == "super" {
            module.pop();
        } else if tree.contains_key(&child) {
            module = child;
        } else {
            // Defined here, or imported from where it is.
            return match tree[&module].imports.iter().find(|(name, _)| name == next) {
                Some((_, import)) => named(tree, &module, &[import, after].concat()),
                None => Some(Named::ItemOf(module)),
            };
        }
        rest = after;
    }
    Some(Named::Module)
}

/// The modules that define the items which a file uses.
fn uses(tree: &Tree, module: &Module) -> BTreeSet<Module> {
    let source = &tree[module];
    let mut used: Vec<Vec<String>> = source.imports.iter().map(|(_, path)| path.clone()).collect();
    used.extend(["crate", "self", "super"].iter().flat_map(|begin| paths(&source.code, begin)));
    let children = tree.keys().filter(|child| child.split_last().is_some_and(|(_, parent)| parent == module));
    used.extend(children.filter_map(|child| child.last()).flat_map(|child| paths(&source.code, child)));
    for (name, path) in &source.imports {
        if matches!(named(tree, module, path), Some(Named::Module)) {
            used.extend(paths(&source.code, name).iter().map(|more| [path, &more[1..]].concat()));
        }
    }
    let items = used.iter().filter_map(|path| match named(tree, module, path)? {
        Named::ItemOf(definer) if definer != *module => Some(definer),
        _ => None,
    });
    items.collect()
}

/// Each file of a tree that is in a circle, with the files of that circle that it uses.
fn circles(tree: &Tree) -> Vec<String> {
    let direct: BTreeMap<&Module, BTreeSet<Module>> =
        tree.keys().map(|module| (module, uses(tree, module))).collect();
    let reached = |from: &Module| {
        let (mut found, mut left) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = left.pop() {
            left.extend(direct[&module].iter().filter(|next| found.insert((*next).clone())).cloned());
        }
        found
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        tree.keys().map(|module| (module, reached(module))).collect();
    let in_circles = tree.keys().filter(|module| reached[module].contains(*module));
    let shown = in_circles.map(|module| {
        let used = direct[module].iter().filter(|used| reached[used].contains(module));
        let used: Vec<&str> = used.map(|used| tree[used].file.rsplit("/src/").next().unwrap()).collect();
        format!("{} uses {}", tree[module].file, used.join(", "))
    });
    shown.collect()
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let wrong: Vec<String> = trees().values().flat_map(circles).collect();
    assert_none(&wrong, "files use each other in a circle");
}
