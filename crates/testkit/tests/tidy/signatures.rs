//! A function takes a tuple by a name, or a type of its own; it does not take a tuple apart in its signature.

use super::{assert_none, texts_that_run};

/// The names of the functions in some code that have a parameter such as `(a, b): (A, B)`.
fn taking_apart(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let signature = &code[at + 3..];
        let name = signature.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        let comes_after = |c: char| code[..at].ends_with(c);
        if name.is_empty() || !(at == 0 || comes_after(' ') || comes_after('\n')) {
            continue;
        }
        // Round brackets alone: a parameter begins after the first one, or after a comma directly in it.
        let (mut depth, mut begins, mut before) = (0, false, ' ');
        for character in signature.chars() {
            match character {
                '{' | ';' if depth == 0 => break,
                '(' if begins => {
                    found.push(name);
                    break;
                }
                '(' => depth += 1,
                ')' if depth == 1 => break,
                ')' => depth -= 1,
                _ => {}
            }
            if !character.is_whitespace() {
                begins = depth == 1 && (character == ',' || (character == '(' && before != '='));
                before = character;
            }
        }
    }
    found
}

#[test]
fn no_function_takes_a_tuple_apart_in_its_signature() {
    let mut wrong = Vec::new();
    for (file, text) in texts_that_run() {
        if file.starts_with("crates/") && file.contains("/src/") {
            wrong.extend(taking_apart(&text).into_iter().map(|name| format!("{file}: {name}")));
        }
    }
    assert_none(&wrong, "a signature takes no tuple apart");
}

#[test]
fn a_tuple_that_is_taken_apart_is_found() {
    for (code, is_found) in [
        ("fn f((a, b): (A, B)) {}", true),
        ("fn f(a: A, (b, c): (B, C)) {}", true),
        ("pub fn f<T>(\n    &self,\n    (b, c): (B, C),\n) -> T {}", true),
        ("fn f(a: (A, B), b: fn(A, (B, C)) -> D) {}", false),
        ("fn f(work: impl FnOnce(&mut A) -> (B, C)) {}", false),
    ] {
        assert_eq!(!taking_apart(code).is_empty(), is_found, "{code}");
    }
}
