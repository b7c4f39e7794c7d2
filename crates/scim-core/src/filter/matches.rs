//! Evaluates a filter over one resource in memory. This defines the meaning of a filter; tests compare the SQL of a store
//! with it.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Filter, Instant, Literal, Op, Quantity};
use crate::attribute_name::AttributeName;
use crate::schema::Type;
use crate::value::{is_empty, value_alone};

impl Filter {
    /// Whether the resource, or the element of a multi-valued attribute, matches.
    #[must_use]
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(resource)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(resource)),
            Self::Not(part) => !part.matches(resource),
            Self::Present(path) => is_present(path, resource),
            Self::ValuePath { path, filter } => {
                path.iter(resource).any(|element| filter.matches_element(element))
            }
            Self::Compare { path, op, value } => compares(path, *op, value, resource),
        }
    }

    /// Whether one element of a multi-valued attribute matches; a simple one is its own `value`.
    #[must_use]
    pub fn matches_element(&self, element: &Value) -> bool {
        match element {
            Value::Object(parts) => self.matches(parts),
            simple => self.matches(&value_alone(simple)),
        }
    }
}

fn compares(path: &AttributeName, op: Op, literal: &Literal, resource: &Map<String, Value>) -> bool {
    match (op, literal) {
        (Op::Eq, Literal::Null) => !is_present(path, resource),
        (Op::Ne, Literal::Null) => is_present(path, resource),
        (Op::Ne, _) => path.compared(resource).any(|value| !holds(path, Op::Eq, literal, value)),
        _ => path.compared(resource).any(|value| holds(path, op, literal, value)),
    }
}

/// RFC 7644 §3.4.2.2, `pr`: "has a non-empty or non-null value".
fn is_present(path: &AttributeName, resource: &Map<String, Value>) -> bool {
    path.iter(resource).any(|value| !is_empty(value))
}

fn holds(path: &AttributeName, op: Op, literal: &Literal, value: &Value) -> bool {
    match (literal, value) {
        (Literal::Boolean(wanted), Value::Bool(actual)) => op == Op::Eq && wanted == actual,
        (Literal::Number(wanted), Value::Number(actual)) => {
            match (Quantity::of(actual), Quantity::of(wanted)) {
                (Some(actual), Some(wanted)) => orders(op, actual.cmp(&wanted)),
                _ => false,
            }
        }
        (Literal::String(wanted), Value::String(actual)) => text_holds(path, op, wanted, actual),
        _ => false,
    }
}

fn text_holds(path: &AttributeName, op: Op, wanted: &str, actual: &str) -> bool {
    let leaf = path.leaf();
    if leaf.kind == Type::DateTime && !op.is_substring() {
        return match (Instant::parse(actual), Instant::parse(wanted)) {
            (Some(actual), Some(wanted)) => orders(op, actual.cmp(&wanted)),
            _ => false,
        };
    }
    compare_text(op, &path.comparable(actual), &path.comparable(wanted))
}

fn compare_text(op: Op, actual: &str, wanted: &str) -> bool {
    match op {
        Op::Co => actual.contains(wanted),
        Op::Sw => actual.starts_with(wanted),
        Op::Ew => actual.ends_with(wanted),
        _ => orders(op, actual.cmp(wanted)),
    }
}

fn orders(op: Op, ordering: Ordering) -> bool {
    match op {
        Op::Eq => ordering.is_eq(),
        Op::Gt => ordering.is_gt(),
        Op::Ge => ordering.is_ge(),
        Op::Lt => ordering.is_lt(),
        Op::Le => ordering.is_le(),
        Op::Ne | Op::Co | Op::Sw | Op::Ew => false,
    }
}
