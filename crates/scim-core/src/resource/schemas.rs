//! The `schemas` member of a request body (RFC 7643 §3): which URNs a client says it uses.

use serde_json::{Map, Value};

use crate::leniency::{Leniency, Tolerance};
use crate::message;
use crate::value::member;
use crate::{ResourceType, ScimError, urn};

/// The URNs listed in a body of this type, checked. Without any the endpoint decides the type.
///
/// # Errors
/// 400 `invalidSyntax` when `schemas` is no array of strings, and when it names the other core schema; for a strict tenant
/// also when it is missing or empty, a URN is not registered, or the core schema's is missing.
pub(super) fn listed<'a>(
    rt: &ResourceType,
    body: &'a Map<String, Value>,
    t: &mut Tolerance,
) -> Result<Vec<&'a str>, ScimError> {
    let refusal =
        || ScimError::invalid_syntax(format!("schemas must be an array that holds {}.", rt.core.id));
    let sent = member(body, "schemas").filter(|sent| !message::names_nothing(sent));
    let Some(sent) = sent else {
        return t.allow(Leniency::MissingSchemas, &rt.core.id, refusal).map(|()| Vec::new());
    };
    let urns = strings(sent).ok_or_else(refusal)?;
    for urn in &urns {
        check(rt, urn, t)?;
    }
    if t.refuses(Leniency::MissingSchemas) && !holds(&urns, &rt.core.id) {
        return Err(ScimError::invalid_syntax(format!("schemas must hold {}.", rt.core.id)));
    }
    Ok(urns)
}

/// Whether a URN is listed, letter case ignored.
pub(super) fn holds(urns: &[&str], urn: &str) -> bool {
    urns.iter().any(|listed| listed.eq_ignore_ascii_case(urn))
}

fn strings(sent: &Value) -> Option<Vec<&str>> {
    sent.as_array()?.iter().map(Value::as_str).collect()
}

fn check(rt: &ResourceType, urn: &str, t: &mut Tolerance) -> Result<(), ScimError> {
    if rt.schemas().any(|schema| schema.id.eq_ignore_ascii_case(urn)) {
        return Ok(());
    }
    if [urn::USER, urn::GROUP].iter().any(|other| other.eq_ignore_ascii_case(urn)) {
        return Err(ScimError::invalid_syntax(format!(
            "{} takes no resource of another type.",
            rt.kind.endpoint()
        )));
    }
    t.allow(Leniency::UnknownSchema, urn, || {
        ScimError::invalid_syntax("schemas holds a URI that is not registered for this resource type.")
    })
}
