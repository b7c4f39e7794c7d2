//! Paths into an answer: `a.b`, `a[0].b`, `a[*].b` (all of them, as a list), `a[?type=='work'].b` (the first such element),
//! `['urn:…:User'].x` for keys with dots, `$` for the whole.

use serde_json::Value;

/// One step of a path.
enum Step {
    Key(String),
    Index(usize),
    All,
    Where(String, String),
}

/// The value at a path.
///
/// # Errors
/// When the path itself cannot be read.
pub fn find(document: &Value, path: &str) -> Result<Option<Value>, String> {
    Ok(walk(Some(document), &steps(path)?))
}

fn walk(node: Option<&Value>, steps: &[Step]) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else { return node.cloned() };
    match step {
        Step::Key(key) => walk(node?.get(key), rest),
        Step::Index(index) => walk(node?.get(index), rest),
        Step::Where(key, wanted) => {
            let is = |v: &&Value| v.get(key).is_some_and(|v| plain(v).eq_ignore_ascii_case(wanted));
            walk(node?.as_array()?.iter().find(is), rest)
        }
        Step::All => {
            let elements = node.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            Some(elements.iter().filter_map(|element| walk(Some(element), rest)).collect())
        }
    }
}

/// A value as text: strings without their quotes.
#[must_use]
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut rest =
        path.strip_prefix('$').filter(|r| r.is_empty() || r.starts_with(['.', '['])).unwrap_or(path);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, left) = match rest.strip_prefix('[') {
            Some(inner) => bracket(inner),
            None => name(rest.strip_prefix('.').unwrap_or(rest)),
        }
        .ok_or_else(|| format!("the path {path:?} cannot be read at {rest:?}"))?;
        steps.push(step);
        rest = left;
    }
    Ok(steps)
}

fn name(text: &str) -> Option<(Step, &str)> {
    let (name, left) = text.split_at_checked(text.find(['.', '[']).unwrap_or(text.len()))?;
    (!name.is_empty()).then(|| (Step::Key(name.to_owned()), left))
}

fn bracket(inner: &str) -> Option<(Step, &str)> {
    if let Some(quoted) = inner.strip_prefix('\'') {
        let (key, left) = quoted.split_once("']")?;
        return Some((Step::Key(key.to_owned()), left));
    }
    let (content, left) = inner.split_once(']')?;
    let step = match content.strip_prefix('?') {
        Some(condition) => {
            let (key, value) = condition.split_once("==")?;
            Step::Where(key.trim().to_owned(), value.trim().trim_matches('\'').to_owned())
        }
        None if content == "*" => Step::All,
        None => Step::Index(content.parse().ok()?),
    };
    Some((step, left))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in tests a panic is how they fail")]

    use serde_json::json;

    use super::find;

    #[test]
    fn every_kind_of_step_finds_what_it_names() {
        let document = json!({
            "a": { "b": 1 }, "list": [{ "type": "work", "value": "x" }, { "type": "home", "primary": true }],
            "urn:x:2.0:User": { "c": "d" },
        });
        let found = |path: &str| find(&document, path).unwrap();
        assert_eq!(found("$"), Some(document.clone()));
        assert_eq!(found("a.b"), Some(json!(1)));
        assert_eq!(found("list[1].type"), Some(json!("home")));
        assert_eq!(found("list[*].value"), Some(json!(["x"])));
        assert_eq!(found("list[?type=='Work'].value"), Some(json!("x")));
        assert_eq!(found("list[?primary=='true'].type"), Some(json!("home")));
        assert_eq!(found("['urn:x:2.0:User'].c"), Some(json!("d")));
        assert_eq!(found("nothing[*].x"), Some(json!([])));
        for missing in ["x", "a.b.c", "list[7]", "list[?type=='other']"] {
            assert_eq!(found(missing), None, "{missing}");
        }
        for broken in ["a[", "a[x]", "a..", "[?x]"] {
            assert!(find(&document, broken).is_err(), "{broken}");
        }
    }
}
