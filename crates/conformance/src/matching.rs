//! Wanted against found. A scalar or list must be equal; each member of an object must match; an object of `$…` members holds all of them:
//! `$exists`, `$empty`, `$type`, `$ne`, `$in`, `$gte`, `$lte`, `$len`, `$ieq`, `$starts`, `$set` (any order), `$contains`, `$lacks`,
//! `$each` (every element matches), `$if` (a condition, and what must then match).

use serde_json::{Map, Value};

use crate::path::plain;

/// Compares what was found with what is wanted; `place` is where it was found.
///
/// # Errors
/// The first difference, in words.
pub fn check(place: &str, wanted: &Value, found: Option<&Value>) -> Result<(), String> {
    if let Some(operators) = operators(wanted) {
        return operators.iter().try_for_each(|(operator, argument)| {
            match holds(operator, argument, found)? {
                true => Ok(()),
                false => Err(format!("{place}: want {operator} {argument}, got {}", shown(found))),
            }
        });
    }
    match (wanted, found) {
        (Value::Object(members), Some(object @ Value::Object(_))) => members
            .iter()
            .try_for_each(|(key, wanted)| check(&format!("{place}.{key}"), wanted, object.get(key))),
        (wanted, Some(found)) if wanted == found => Ok(()),
        _ => Err(format!("{place}: want {wanted}, got {}", shown(found))),
    }
}

fn operators(wanted: &Value) -> Option<&Map<String, Value>> {
    let object = wanted.as_object().filter(|object| !object.is_empty())?;
    object.keys().all(|key| key.starts_with('$') && key != "$ref").then_some(object)
}

fn shown(found: Option<&Value>) -> String {
    found.map_or_else(|| "nothing".to_owned(), |value| value.to_string().chars().take(300).collect())
}

fn matches(wanted: &Value, found: Option<&Value>) -> bool {
    check("", wanted, found).is_ok()
}

fn holds(operator: &str, argument: &Value, found: Option<&Value>) -> Result<bool, String> {
    let number = || argument.as_i64().ok_or_else(|| format!("{operator} takes an integer"));
    let list = || argument.as_array().ok_or_else(|| format!("{operator} takes a list"));
    let elements = found.and_then(Value::as_array);
    Ok(match operator {
        "$exists" => Value::Bool(found.is_some()) == *argument,
        "$empty" => Value::Bool(found.is_none_or(is_empty)) == *argument,
        "$type" => found.is_some_and(|found| plain(argument) == type_of(found)),
        "$ne" => found.is_none_or(|found| !matches(argument, Some(found))),
        "$in" => list()?.iter().any(|wanted| matches(wanted, found)),
        "$gte" => number().map(|least| found.and_then(Value::as_i64).is_some_and(|found| found >= least))?,
        "$lte" => number().map(|most| found.and_then(Value::as_i64).is_some_and(|found| found <= most))?,
        "$len" => found.and_then(length) == usize::try_from(number()?).ok(),
        "$ieq" => found.is_some_and(|found| plain(found).eq_ignore_ascii_case(&plain(argument))),
        "$starts" => found.is_some_and(|found| plain(found).starts_with(&plain(argument))),
        "$set" => list().map(|wanted| elements.is_some_and(|found| sorted(found) == sorted(wanted)))?,
        "$contains" => found.is_some_and(|found| has(found, argument)),
        "$lacks" => !found.is_some_and(|found| has(found, argument)),
        "$each" => {
            elements.is_some_and(|elements| elements.iter().all(|element| matches(argument, Some(element))))
        }
        "$if" => match list()?.as_slice() {
            [condition, then] => !matches(condition, found) || matches(then, found),
            _ => return Err("$if takes a condition and what must then match".to_owned()),
        },
        unknown => return Err(format!("there is no matcher {unknown}")),
    })
}

fn sorted(values: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = values.iter().map(Value::to_string).collect();
    texts.sort();
    texts
}

fn has(found: &Value, wanted: &Value) -> bool {
    match found {
        Value::Array(elements) => elements.iter().any(|element| matches(wanted, Some(element))),
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

    fn passes(wanted: &Value, found: Option<Value>) -> bool {
        check("here", wanted, found.as_ref()).is_ok()
    }

    #[test]
    fn a_wanted_object_is_contained_and_anything_else_equal() {
        assert!(passes(&json!({ "a": 1 }), Some(json!({ "a": 1, "b": 2 }))));
        assert!(passes(&json!({ "a": { "$gte": 1 } }), Some(json!({ "a": 1 }))));
        assert!(!passes(&json!({ "a": 1 }), Some(json!({ "a": "1" }))));
        assert!(!passes(&json!([1]), Some(json!([1, 2]))));
        assert!(!passes(&json!(true), Some(json!("true"))));
        assert!(!passes(&json!(1), None));
    }

    #[test]
    fn every_matcher_can_hold_and_can_fail() {
        let work = Some(json!([{ "type": "work", "value": "x" }, { "type": "home" }]));
        let only_work_has_a_value = json!({ "$each": { "$if": [{ "type": "work" }, { "value": "x" }] } });
        for (matcher, good, bad) in [
            (json!({ "$exists": true }), work.clone(), None),
            (json!({ "$exists": false }), None, work.clone()),
            (json!({ "$empty": true }), Some(json!([])), work.clone()),
            (json!({ "$type": "integer" }), Some(json!(1)), Some(json!("1"))),
            (json!({ "$type": "boolean" }), Some(json!(true)), Some(json!("true"))),
            (json!({ "$ne": 1 }), None, Some(json!(1))),
            (json!({ "$in": [1, { "$len": 2 }] }), work.clone(), None),
            (json!({ "$gte": 2, "$lte": 3 }), Some(json!(2)), Some(json!(4))),
            (json!({ "$len": 2 }), work.clone(), Some(json!([]))),
            (json!({ "$ieq": "ABC" }), Some(json!("abc")), Some(json!("abd"))),
            (json!({ "$starts": "ab" }), Some(json!("abc")), Some(json!("cab"))),
            (json!({ "$set": ["a", "b"] }), Some(json!(["b", "a"])), Some(json!(["a", "b", "b"]))),
            (json!({ "$contains": { "type": "work" } }), work.clone(), Some(json!([]))),
            (json!({ "$lacks": "x" }), Some(json!("abc")), Some(json!("axc"))),
            (json!({ "$each": { "type": { "$exists": true } } }), work.clone(), Some(json!([{}]))),
            (only_work_has_a_value, work.clone(), Some(json!([{ "type": "work" }]))),
            (json!({ "$unknown": 1 }), None, work.clone()),
        ] {
            let is_known = !matcher.to_string().contains("unknown");
            assert_eq!(passes(&matcher, good), is_known, "{matcher}");
            assert!(!passes(&matcher, bad), "{matcher}");
        }
    }
}
