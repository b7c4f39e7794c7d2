//! The keys by which resources are ordered: one value, comparable with that of any other resource.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::filter::{Instant, Quantity};
use crate::schema::Type;

/// One value by its attribute's type (RFC 7644 §3.4.2.3). All keys of one list are of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SortKey {
    /// False before true.
    #[serde(rename = "b")]
    Boolean(bool),
    /// By value, whole or not.
    #[serde(rename = "n")]
    Number(Quantity),
    /// By time, whatever the zone it was written in.
    #[serde(rename = "i")]
    Instant(Instant),
    /// By Unicode code points; without letter case it is folded already.
    #[serde(rename = "t")]
    Text(String),
}

impl SortKey {
    /// The key of a value that is no text; `None` for one that is not of its attribute's type.
    pub(super) fn of(kind: Type, value: &Value) -> Option<Self> {
        match (kind, value) {
            (Type::Boolean, Value::Bool(boolean)) => Some(Self::Boolean(*boolean)),
            (Type::Integer | Type::Decimal, Value::Number(number)) => Quantity::of(number).map(Self::Number),
            (Type::DateTime, Value::String(text)) => Instant::parse(text).map(Self::Instant),
            _ => None,
        }
    }
}
