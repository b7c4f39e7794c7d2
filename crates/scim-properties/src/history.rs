//! A resource is created, then patched and replaced. Each step is refused in words and changes nothing, or leaves a document
//! that conforms to its schema.

use scim_core::leniency::Tolerance;
use scim_core::patch::PatchRequest;
use scim_core::{Document, ResourceKind, ResourceType, ScimError, json, resource, urn};
use serde_json::{Value, json};

use crate::grammar::{Choices, patches, resources};
use crate::refusal::taken;
use crate::resource::{assert_is_normalised, created};
use crate::types::{TYPES, tolerances};

/// More steps than a text of a few KiB should ask for.
const MAX_STEPS: usize = 20;

/// The property over `[body of a POST, body of a PATCH or a PUT, …]`.
///
/// # Panics
/// When it does not hold.
pub fn text(bytes: &[u8]) {
    let Ok(Value::Array(bodies)) = json::parse(bytes, &json::Limits::SCIM) else { return };
    for rt in &*TYPES {
        holds(rt, &bodies);
    }
}

/// The property over a history that the bytes choose.
///
/// # Panics
/// When it does not hold.
pub fn made(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let rt = choices.one_of(&*TYPES);
    let mut bodies = vec![Value::Object(resources::body(&mut choices, rt))];
    while bodies.len() < MAX_STEPS && choices.more() {
        bodies.push(if choices.one_in(5) {
            Value::Object(resources::body(&mut choices, rt))
        } else {
            patches::patch(&mut choices, rt)
        });
    }
    holds(rt, &bodies);
}

pub(crate) fn holds(rt: &ResourceType, bodies: &[Value]) {
    let Some((first, later)) = bodies.split_first() else { return };
    for mut tolerance in tolerances() {
        let Some(mut document) = created(rt, first, &mut tolerance) else { continue };
        for body in later.iter().take(MAX_STEPS) {
            if let Some(after) = taken(step(rt, body, &document, &mut tolerance)) {
                assert_is_normalised(rt, &after);
                document = after;
            }
        }
        what_changes_nothing(rt, &document, &mut tolerance);
    }
}

fn step(
    rt: &ResourceType,
    body: &Value,
    document: &Document,
    tolerance: &mut Tolerance,
) -> Result<Document, ScimError> {
    let is_patch =
        body.as_object().is_some_and(|b| b.keys().any(|key| key.eq_ignore_ascii_case("operations")));
    if !is_patch {
        let keep: &[&str] = if rt.kind == ResourceKind::User { &["active", "userType"] } else { &[] };
        let mut after = resource::replace(rt, body, document, keep, tolerance)?;
        resource::take_members(&mut after);
        return Ok(after);
    }
    let (request, _) = PatchRequest::parse(rt, body, tolerance)?.split_members();
    let after = request.apply(rt, document, tolerance)?;
    let again = request.apply(rt, document, tolerance);
    assert_eq!(again.as_ref(), Ok(&after), "the same request on the same document has the same effect");
    Ok(after)
}

/// A body with nothing but what the RFC requires; a schema of the tenant may require more.
pub(crate) fn smallest(rt: &ResourceType) -> Value {
    json!({"schemas": [rt.core.id], "userName": "ada", "displayName": "All"})
}

/// A PATCH that says what is there already, whole or attribute by attribute.
fn what_changes_nothing(rt: &ResourceType, document: &Document, tolerance: &mut Tolerance) {
    let whole = json!([{"op": "replace", "value": document.0}]);
    let each: Vec<Value> = paths(rt, document)
        .into_iter()
        .map(|(path, value)| json!({"op": "replace", "path": path, "value": value}))
        .collect();
    for operations in [whole, each.into()] {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
        let after = step(rt, &body, document, tolerance);
        assert_eq!(after.as_ref(), Ok(document), "{body}");
    }
}

/// Each attribute of the document by its path.
fn paths(rt: &ResourceType, document: &Document) -> Vec<(String, Value)> {
    let mut paths = Vec::new();
    for (name, value) in &document.0 {
        match (rt.extension(name), value) {
            (Some(_), Value::Object(block)) => {
                paths.extend(block.iter().map(|(sub, value)| (format!("{name}:{sub}"), value.clone())));
            }
            _ => paths.push((name.clone(), value.clone())),
        }
    }
    paths
}
