//! One value of a simple type (RFC 7643 §2.3): checked, and kept as it was sent except for booleans and the letters of times.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;

use super::faults::not_legal;
use super::limits::{MAX_KEY, MAX_STRING, is_too_long};
use crate::ScimError;
use crate::attribute_name::BorrowedName;
use crate::filter::Instant;
use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Type};

const TWO_TO_THE_63: f64 = 9_223_372_036_854_775_808.0;

/// The canonical form of a simple value that is not empty.
pub(super) fn simple(
    attribute: &Attribute,
    value: &Value,
    at: BorrowedName<'_>,
    t: &mut Tolerance,
) -> Result<Value, ScimError> {
    match attribute.kind {
        Type::Boolean => boolean(value, at, t),
        Type::Integer => kept_if(value.is_i64(), value, || integer(value, at)),
        Type::Decimal => kept_if(value.is_number(), value, || at.must_be("a number")),
        Type::String | Type::Reference => {
            let text = text(value, at, "a string", |_| true)?;
            // A `$ref` is not kept, so that its length does not matter.
            if attribute.kind == Type::String && at.is_part_of("members") && is_too_long(text) {
                return Err(at.must_be(&format!("at most {MAX_KEY} characters long")));
            }
            canonical(attribute, text, at)?;
            Ok(text.into())
        }
        // xsd:dateTime (RFC 7643 §2.3.5) writes its letters as capitals.
        Type::DateTime => {
            let form = "a dateTime such as 2026-01-31T12:00:00Z";
            let text = text(value, at, form, |text| Instant::parse(text).is_some())?;
            if Instant::has_small_letters(text) {
                t.allow(Leniency::LowerCaseTime, &at.to_string(), || at.must_be(form))?;
            }
            Ok(text.to_ascii_uppercase().into())
        }
        Type::Binary => text(value, at, "base64 (RFC 4648, section 4)", is_base64).map(Value::from),
        Type::Complex => Err(at.must_be("an object")),
    }
}

/// RFC 7643 §2.3.4 sets no bound; beyond 64 bits JSON's readers differ, and ours would round (RFC 8259 §6).
fn integer(value: &Value, at: BorrowedName<'_>) -> ScimError {
    if value.as_f64().is_some_and(|number| number.abs() >= TWO_TO_THE_63) {
        at.must_be(&format!("an integer from {} to {}", i64::MIN, i64::MAX))
    } else {
        at.must_be("an integer")
    }
}

/// Canonical values are hints, unless the tenant's profile binds them; what was sent is kept in its own spelling.
fn canonical(attribute: &Attribute, text: &str, at: BorrowedName<'_>) -> Result<(), ScimError> {
    if !attribute.binding_values || attribute.is_canonical(text) {
        Ok(())
    } else {
        Err(not_legal(&at, &attribute.canonical_values))
    }
}

/// Entra and OneLogin send `"True"`; the RFC knows only `true` (RFC 7643 §2.3.2).
fn boolean(value: &Value, at: BorrowedName<'_>, t: &mut Tolerance) -> Result<Value, ScimError> {
    let refusal = || at.must_be("true or false");
    let spelled = match value {
        Value::Bool(_) => return Ok(value.clone()),
        Value::String(word) => word.to_ascii_lowercase().parse().map_err(|_| refusal())?,
        _ => return Err(refusal()),
    };
    t.allow(Leniency::BooleanAsString, &at.to_string(), refusal)?;
    Ok(Value::Bool(spelled))
}

/// Kept as sent: Entra sends a value that came back altered again in every cycle.
fn text<'v>(
    value: &'v Value,
    at: BorrowedName<'_>,
    form: &str,
    is_valid: impl FnOnce(&str) -> bool,
) -> Result<&'v str, ScimError> {
    let text = value.as_str().ok_or_else(|| at.must_be(form))?;
    if text.len() > MAX_STRING {
        return Err(at.must_be("at most 64 KiB long"));
    }
    if is_valid(text) { Ok(text) } else { Err(at.must_be(form)) }
}

fn kept_if(valid: bool, value: &Value, refusal: impl FnOnce() -> ScimError) -> Result<Value, ScimError> {
    if valid { Ok(value.clone()) } else { Err(refusal()) }
}

/// RFC 7643 §2.3.6, where "trailing padding characters MAY be omitted"; certificates are often cut out of PEM files, so line
/// ends may stand in them.
fn is_base64(text: &str) -> bool {
    let unbroken: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    STANDARD.decode(&unbroken).is_ok() || STANDARD_NO_PAD.decode(&unbroken).is_ok()
}
