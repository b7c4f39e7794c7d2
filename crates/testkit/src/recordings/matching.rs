//! Wanted against found: a scalar or list must be equal, an object must be contained; or one or more of `$exists`, `$empty`,
//! `$type`, `$ne`, `$in`, `$gte`, `$lte`, `$len`, `$ieq`, `$set` (any order), `$contains`, `$lacks`, all of which must hold.

use serde_json::{Map, Value};

use super::path::plain;

/// `Err` names the difference.
pub(super) fn check(place: &str, wanted: &Value, found: Option<&Value>) -> Result<(), String> {
    match operators(wanted) {
        Some(operators) => {
            operators.iter().try_for_each(|(operator, argument)| match holds(operator, argument, found) {
                true => Ok(()),
                false => Err(format!("{place}: want {operator} {argument}, got {}", shown(found))),
            })
        }
        None if found.is_some_and(|found| contained(wanted, found)) => Ok(()),
        None => Err(format!("{place}: want {wanted}, got {}", shown(found))),
    }
}

fn operators(wanted: &Value) -> Option<&Map<String, Value>> {
    let object = wanted.as_object().filter(|object| !object.is_empty())?;
    object.keys().all(|key| key.starts_with('$') && key != "$ref").then_some(object)
}

fn shown(found: Option<&Value>) -> String {
    found.map_or_else(|| "nothing".to_owned(), |value| value.to_string().chars().take(300).collect())
}

/// Whether `wanted` is equal, or an object whose every member is contained.
fn contained(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.iter().all(|(key, value)| found.get(key).is_some_and(|found| contained(value, found)))
        }
        _ => wanted == found,
    }
}

fn holds(operator: &str, argument: &Value, found: Option<&Value>) -> bool {
    let number = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("{operator} takes an integer"));
    match operator {
        "$exists" => Value::Bool(found.is_some()) == *argument,
        "$empty" => Value::Bool(found.is_none_or(is_empty)) == *argument,
        "$type" => found.is_some_and(|found| plain(argument) == type_of(found)),
        "$ne" => !found.is_some_and(|found| contained(argument, found)),
        "$in" => found.is_some_and(|found| list(argument).iter().any(|wanted| contained(wanted, found))),
        "$gte" => found.and_then(Value::as_i64).is_some_and(|found| found >= number(argument)),
        "$lte" => found.and_then(Value::as_i64).is_some_and(|found| found <= number(argument)),
        "$len" => found.and_then(length) == usize::try_from(number(argument)).ok(),
        "$ieq" => found.is_some_and(|found| plain(found).eq_ignore_ascii_case(&plain(argument))),
        "$set" => {
            found.and_then(Value::as_array).is_some_and(|found| sorted(found) == sorted(list(argument)))
        }
        "$contains" => found.is_some_and(|found| has(found, argument)),
        "$lacks" => !found.is_some_and(|found| has(found, argument)),
        unknown => panic!("unknown matcher {unknown}"),
    }
}

fn list(argument: &Value) -> &[Value] {
    argument.as_array().map_or_else(|| panic!("{argument} is no list"), Vec::as_slice)
}

fn sorted(values: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = values.iter().map(Value::to_string).collect();
    texts.sort();
    texts
}

fn has(found: &Value, wanted: &Value) -> bool {
    match found {
        Value::Array(elements) => elements.iter().any(|element| contained(wanted, element)),
        other => plain(other).contains(&plain(wanted)),
    }
}

fn length(found: &Value) -> Option<usize> {
    match found {
        Value::Array(elements) => Some(elements.len()),
        Value::Object(members) => Some(members.len()),
        Value::String(text) => Some(text.chars().count()),
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || length(value) == Some(0)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "decimal",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;

    fn passes(wanted: Value, found: Option<Value>) -> bool {
        check("here", &wanted, found.as_ref()).is_ok()
    }

    #[test]
    fn a_wanted_object_is_contained_and_anything_else_equal() {
        assert!(passes(json!({ "a": 1 }), Some(json!({ "a": 1, "b": 2 }))));
        assert!(!passes(json!({ "a": 1 }), Some(json!({ "a": "1" }))));
        assert!(!passes(json!([1]), Some(json!([1, 2]))));
        assert!(!passes(json!(true), Some(json!("true"))));
        assert!(!passes(json!(1), None));
    }

    #[test]
    fn every_matcher_can_hold_and_can_fail() {
        let work = Some(json!([{ "type": "work", "value": "x" }, { "type": "home" }]));
        for (matcher, good, bad) in [
            (json!({ "$exists": true }), work.clone(), None),
            (json!({ "$exists": false }), None, work.clone()),
            (json!({ "$empty": true }), Some(json!([])), work.clone()),
            (json!({ "$type": "integer" }), Some(json!(1)), Some(json!("1"))),
            (json!({ "$type": "boolean" }), Some(json!(true)), Some(json!("true"))),
            (json!({ "$ne": 1 }), None, Some(json!(1))),
            (json!({ "$in": [1, 2] }), Some(json!(2)), None),
            (json!({ "$gte": 2, "$lte": 3 }), Some(json!(2)), Some(json!(4))),
            (json!({ "$len": 2 }), work.clone(), Some(json!([]))),
            (json!({ "$ieq": "ABC" }), Some(json!("abc")), Some(json!("abd"))),
            (json!({ "$set": ["a", "b"] }), Some(json!(["b", "a"])), Some(json!(["a", "b", "b"]))),
            (json!({ "$contains": { "type": "work" } }), work.clone(), Some(json!([]))),
            (json!({ "$lacks": "x" }), Some(json!("abc")), Some(json!("axc"))),
        ] {
            assert!(passes(matcher.clone(), good), "{matcher}");
            assert!(!passes(matcher.clone(), bad), "{matcher}");
        }
    }
}
