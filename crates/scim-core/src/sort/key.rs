//! What resources are ordered by: one value, comparable with that of any other resource.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::filter::Instant;
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

/// A JSON number as the nearest floating-point number and what a whole number is above it, so that whole numbers beyond
/// 2^53 keep their order among themselves and among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quantity {
    /// The bits of the nearest `f64`, in an order that is that of the numbers.
    nearest: u64,
    rest: i16,
}

impl Quantity {
    pub(super) fn of(number: &Number) -> Option<Self> {
        let nearest = number.as_f64().filter(|nearest| !nearest.is_nan())?;
        let whole = number.as_i128();
        let rest = whole.map_or(0, |whole| whole - rounded(nearest));
        // Adding zero makes -0 0.
        Some(Self { nearest: ordered(nearest + 0.0), rest: i16::try_from(rest).unwrap_or_default() })
    }
}

/// Bits that compare as the numbers do: those of negative ones turned round, behind them the others.
fn ordered(number: f64) -> u64 {
    let bits = number.to_bits();
    if number.is_sign_negative() { !bits } else { bits | (1 << 63) }
}

/// A whole floating-point number that is near an `i64` or `u64`, exactly.
#[allow(clippy::as_conversions, reason = "such a number is within an i128")]
fn rounded(nearest: f64) -> i128 {
    nearest as i128
}
