//! When two values of one attribute are the same (RFC 7643 §2.2 `caseExact`, §2.3): one rule for uniqueness,
//! immutability, repeated elements and what a PATCH removes.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::filter::Instant;
use crate::fold::fold;
use crate::schema::{Attribute, Type};

/// Parts the texts of an object's or a list's parts; no string of a body holds one.
const SEPARATOR: char = '\0';

/// Two values of the attribute are the same exactly when these texts are equal: strings without letter case unless
/// they are `caseExact`, times as points in time, numbers by their value, lists as sets.
#[must_use]
pub fn identity<'v>(attribute: &Attribute, value: &'v Value) -> Cow<'v, str> {
    match value {
        Value::String(text) if attribute.kind == Type::DateTime => match Instant::parse(text) {
            Some(instant) => instant.to_string().into(),
            None => text.into(),
        },
        Value::String(text) if attribute.case_exact || attribute.kind == Type::Binary => text.into(),
        Value::String(text) => fold(text),
        Value::Number(number) => number_identity(number).into(),
        Value::Bool(_) | Value::Null => value.to_string().into(),
        Value::Array(elements) => {
            let mut parts: Vec<_> = elements.iter().map(|element| identity(attribute, element)).collect();
            parts.sort_unstable();
            parts.dedup();
            joined(parts.iter().map(AsRef::as_ref)).into()
        }
        Value::Object(members) => {
            let parts = attribute.sub_attributes.iter().filter_map(|sub| {
                members.get(&sub.name).map(|value| format!("{}={}", sub.name, identity(sub, value)))
            });
            joined(parts).into()
        }
    }
}

/// Whether two values of the attribute are the same.
#[must_use]
pub fn same(attribute: &Attribute, one: &Value, other: &Value) -> bool {
    one == other || identity(attribute, one) == identity(attribute, other)
}

fn joined(parts: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(part.as_ref());
        text.push(SEPARATOR);
    }
    text
}

/// `1`, `1.0` and `1e0` are one number.
fn number_identity(number: &Number) -> String {
    /// Up to here every whole number is a floating point number of its own.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < WHOLE => {
            // Negative zero is zero.
            format!("{:.0}", float + 0.0)
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema;

    fn attribute(kind: &str, case_exact: bool) -> Attribute {
        serde_json::from_value(json!({"name": "x", "type": kind, "caseExact": case_exact})).unwrap()
    }

    #[test]
    fn values_compare_as_their_attribute_says() {
        for (kind, exact, one, other, expected) in [
            ("string", false, json!("Ab"), json!("aB"), true),
            ("string", true, json!("Ab"), json!("aB"), false),
            ("binary", false, json!("QUI="), json!("qui="), false),
            ("dateTime", false, json!("2026-01-01T01:00:00+01:00"), json!("2026-01-01T00:00:00.000Z"), true),
            ("dateTime", false, json!("2026-01-01T00:00:00Z"), json!("2026-01-01T00:00:00.001Z"), false),
            ("decimal", false, json!(1), json!(1.0), true),
            ("decimal", false, json!(0), json!(-0.0), true),
            ("decimal", false, json!(1.5), json!(1.25), false),
            ("integer", false, json!(i64::MAX), json!(i64::MAX - 1), false),
            ("integer", false, json!(u64::MAX), json!(u64::MAX - 1), false),
            ("boolean", false, json!(true), json!(false), false),
            ("string", false, json!(["b", "A"]), json!(["a", "B"]), true),
            ("string", false, json!(["a", "b", "A"]), json!(["a", "b"]), true),
            ("string", false, json!(["a", "b"]), json!(["a\u{1}b"]), false),
        ] {
            assert_eq!(same(&attribute(kind, exact), &one, &other), expected, "{kind} {one} {other}");
        }
    }

    #[test]
    fn objects_compare_part_by_part() {
        let user = schema::user();
        let emails = user.core.attribute("emails").unwrap();
        let (one, other) = (json!({"value": "A@x", "type": "work"}), json!({"type": "WORK", "value": "a@X"}));
        assert!(same(emails, &one, &other));
        assert!(!same(emails, &one, &json!({"value": "a@x", "display": "work"})));
    }
}
