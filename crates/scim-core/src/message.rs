//! The `schemas` of a message (RFC 7644 §3.1): a PATCH, a search and a bulk are each known by one URN.

use serde_json::{Map, Value};

use crate::leniency::{Leniency, Tolerance};
use crate::resource::member;
use crate::{ScimError, value};

/// Whether a `schemas` says no more than an absent one.
pub(crate) fn names_nothing(schemas: &Value) -> bool {
    value::is_empty(schemas) && !schemas.is_object()
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

fn is(listed: &Value, urn: &str) -> bool {
    listed.as_str().is_some_and(|listed| listed.eq_ignore_ascii_case(urn))
}
