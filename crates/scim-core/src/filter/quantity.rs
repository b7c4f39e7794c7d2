//! Numbers in the order of their values, whole or not: a whole number of 64 bits has more digits than a floating-point one.

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// A JSON number as the nearest floating-point number and the distance of a whole number from it, so that whole numbers
/// beyond 2^53 keep their order among themselves and among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quantity {
    /// The bits of the nearest `f64`, in an order that is that of the numbers.
    nearest: u64,
    rest: i16,
}

impl Quantity {
    pub(crate) fn of(number: &Number) -> Option<Self> {
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
