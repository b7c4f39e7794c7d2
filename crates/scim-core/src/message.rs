//! What the messages of RFC 7644 have in common: the URN in `schemas` by which each is known (§3.1), and the list of
//! operations of a PATCH and of a bulk.

use serde_json::{Map, Value};

use crate::ScimError;
use crate::json::Limits;
use crate::leniency::{Leniency, Tolerance};
use crate::value::{is_empty, member};

/// Whether a `schemas` counts as absent.
pub(crate) fn names_nothing(schemas: &Value) -> bool {
    is_empty(schemas) && !schemas.is_object()
}

/// Checks that the body is the message of this URN; `what` names it in the refusal.
///
/// # Errors
/// 400 `invalidSyntax` for another one, and for none from a strict tenant.
pub(crate) fn check(
    body: &Map<String, Value>,
    urn: &str,
    what: &str,
    tolerance: &mut Tolerance,
) -> Result<(), ScimError> {
    let refusal = || ScimError::invalid_syntax(format!("\"schemas\" of {what} must be [\"{urn}\"]."));
    match member(body, "schemas") {
        None => tolerance.allow(Leniency::MissingSchemas, urn, refusal),
        Some(schemas) if names_nothing(schemas) => tolerance.allow(Leniency::MissingSchemas, urn, refusal),
        Some(Value::Array(urns)) if urns.iter().any(|listed| is(listed, urn)) => Ok(()),
        Some(_) => Err(refusal()),
    }
}

/// Checks how many operations a PATCH or a bulk has: one limit for both, because clients cut both by the one number that
/// is announced.
///
/// # Errors
/// 400 `invalidSyntax` for none from a strict tenant; 413 for too many (RFC 7644 §3.7.4).
pub(crate) fn check_operations(operations: &[Value], tolerance: &mut Tolerance) -> Result<(), ScimError> {
    if operations.is_empty() {
        tolerance.allow(Leniency::EmptyOperations, "Operations", || {
            ScimError::invalid_syntax("\"Operations\" is empty; send at least one operation.")
        })?;
    }
    let most = Limits::SCIM.operations;
    if operations.len() > most { Err(ScimError::too_many_operations(most)) } else { Ok(()) }
}

fn is(listed: &Value, urn: &str) -> bool {
    listed.as_str().is_some_and(|listed| listed.eq_ignore_ascii_case(urn))
}
