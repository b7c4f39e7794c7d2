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
pub(super) fn find(document: &Value, path: &str) -> Option<Value> {
    walk(Some(document), &steps(path))
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
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn steps(path: &str) -> Vec<Step> {
    let mut rest =
        path.strip_prefix('$').filter(|r| r.is_empty() || r.starts_with(['.', '['])).unwrap_or(path);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, left) = match rest.strip_prefix('[') {
            Some(inner) => bracket(inner),
            None => name(rest.strip_prefix('.').unwrap_or(rest)),
        }
        .unwrap_or_else(|| panic!("bad path {path:?} at {rest:?}"));
        steps.push(step);
        rest = left;
    }
    steps
}

fn name(text: &str) -> Option<(Step, &str)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    (end > 0).then(|| (Step::Key(text[..end].to_owned()), &text[end..]))
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
    use serde_json::json;

    use super::find;

    #[test]
    fn every_kind_of_step_finds_what_it_names() {
        let document = json!({
            "a": { "b": 1 }, "list": [{ "type": "work", "value": "x" }, { "type": "home", "primary": true }],
            "urn:x:2.0:User": { "c": "d" },
        });
        assert_eq!(find(&document, "$"), Some(document.clone()));
        assert_eq!(find(&document, "a.b"), Some(json!(1)));
        assert_eq!(find(&document, "list[1].type"), Some(json!("home")));
        assert_eq!(find(&document, "list[*].value"), Some(json!(["x"])));
        assert_eq!(find(&document, "list[?type=='Work'].value"), Some(json!("x")));
        assert_eq!(find(&document, "list[?primary=='true'].type"), Some(json!("home")));
        assert_eq!(find(&document, "['urn:x:2.0:User'].c"), Some(json!("d")));
        assert_eq!(find(&document, "nothing[*].x"), Some(json!([])));
        for missing in ["x", "a.b.c", "list[7]", "list[?type=='other']"] {
            assert_eq!(find(&document, missing), None, "{missing}");
        }
    }
}
