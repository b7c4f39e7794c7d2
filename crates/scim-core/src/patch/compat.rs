//! What identity providers send beyond RFC 7644 §3.5.2, brought into the RFC's form: keys of a value without path
//! that are paths, `schemas` and the core schema's URN among them. Each is noted, so that it can be counted.

use serde_json::{Map, Value};

use super::{Content, PatchRequest, Verb, content, is_read_only};
use crate::ScimError;
use crate::leniency::{Leniency, Tolerance};
use crate::path::{self, Path};
use crate::resource::{Faults, is_reference_by_value};
use crate::schema::{Attribute, ResourceType};

/// RFC 7644 §3.5.2.1: without a path "the value is a set of attributes"; each key is read as a path, as Entra
/// means them. Read-only keys are what an identity provider has read and sends back: they are ignored.
pub(super) fn without_path(
    request: &mut PatchRequest,
    rt: &ResourceType,
    verb: Verb,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<(), ScimError> {
    let attributes = attributes(value, tolerance)?;
    let mut known = attributes.is_empty();
    let mut faults = Faults::default();
    for (key, value) in attributes {
        known |= faults.keep(keyed(request, rt, verb, key, value, tolerance)).unwrap_or_default();
    }
    faults.into_result()?;
    if known {
        return Ok(());
    }
    Err(ScimError::invalid_path(format!("the value names no attribute of a {}.", rt.name)))
}

/// The object that a value without path must be; an array of one such object is tolerated.
fn attributes<'b>(value: &'b Value, tolerance: &mut Tolerance) -> Result<&'b Map<String, Value>, ScimError> {
    match value {
        Value::Object(attributes) if !attributes.is_empty() || !tolerance.strict => Ok(attributes),
        Value::Array(elements) if !tolerance.strict => match elements.as_slice() {
            [Value::Object(attributes)] => {
                tolerance.note(Leniency::ArrayOfOne, "value");
                Ok(attributes)
            }
            _ => Err(no_object()),
        },
        _ => Err(no_object()),
    }
}

fn no_object() -> ScimError {
    ScimError::invalid_value("without a \"path\" the value must be an object of attributes.")
}

/// One key of a value without path; whether it is known.
fn keyed(
    request: &mut PatchRequest,
    rt: &ResourceType,
    verb: Verb,
    key: &str,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<bool, ScimError> {
    if rt.is_core(key) {
        return core_keys(request, rt, verb, value, tolerance);
    }
    let Ok(path) = Path::parse(rt, key, tolerance) else {
        return unknown(key, tolerance);
    };
    if is_read_only(rt, &path) {
        return Ok(true);
    }
    note_path_as_key(&path, key, tolerance)?;
    if let Path::Extension(urn) = &path {
        return extension_keys(request, rt, verb, urn, value, tolerance);
    }
    let definition = path.attribute().and_then(|of| of.definition(rt));
    if path.sub().is_none() && definition.is_some_and(|d| content(d, value) == Content::Unknown) {
        return unknown(key, tolerance);
    }
    request.push(rt, verb, path, value, tolerance)?;
    Ok(true)
}

/// The core schema's URN as a path: what stands in the value without it.
pub(super) fn core(
    request: &mut PatchRequest,
    rt: &ResourceType,
    verb: Verb,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<(), ScimError> {
    if core_keys(request, rt, verb, value, tolerance)? {
        return Ok(());
    }
    Err(ScimError::invalid_path(format!("the value names no attribute of {}.", rt.core.id)))
}

/// Core attributes under the core schema's own URN, as if it were an extension's: RFC 7643 §3.3 has them at the top.
fn core_keys(
    request: &mut PatchRequest,
    rt: &ResourceType,
    verb: Verb,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<bool, ScimError> {
    let urn = &rt.core.id;
    tolerance.allow(Leniency::PathlessKeys, urn, || {
        ScimError::invalid_path(format!(
            "attributes of {urn} stand at the top of the value, not under its URN."
        ))
    })?;
    let Value::Object(attributes) = value else {
        return if is_empty(value) {
            Ok(true)
        } else {
            Err(ScimError::invalid_value(format!("{urn} must be an object.")))
        };
    };
    let mut known = attributes.is_empty();
    let mut faults = Faults::default();
    for (key, value) in attributes {
        // One level: a second URN inside means nothing.
        let outcome = if rt.is_core(key) {
            unknown(key, tolerance)
        } else {
            keyed(request, rt, verb, key, value, tolerance)
        };
        known |= faults.keep(outcome).unwrap_or_default();
    }
    faults.into_result().map(|()| known)
}

fn unknown(key: &str, tolerance: &mut Tolerance) -> Result<bool, ScimError> {
    tolerance.allow(Leniency::UnknownAttribute, key, || {
        let shown: String = key.chars().take(100).collect();
        ScimError::invalid_path(format!("the value names an unknown attribute, \"{shown}\"."))
    })?;
    Ok(false)
}

/// The RFC knows attribute names and extension URNs as keys, no paths.
fn note_path_as_key(path: &Path, key: &str, tolerance: &mut Tolerance) -> Result<(), ScimError> {
    let is_name = matches!(path, Path::Extension(_)) || !(path::has_urn(key) || key.contains(['.', '[']));
    if is_name {
        return Ok(());
    }
    tolerance.allow(Leniency::PathlessKeys, key, || {
        ScimError::invalid_path("a key of the value is a path; send an operation with that path.")
    })
}

/// A path that is an extension's URN: its attributes one by one, or all of them removed.
pub(super) fn extension(
    request: &mut PatchRequest,
    rt: &ResourceType,
    verb: Verb,
    path: Path,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<(), ScimError> {
    let Path::Extension(urn) = &path else {
        return Ok(());
    };
    if verb == Verb::Remove {
        request.operations.push(super::Operation { verb, path, value: Value::Null, number: request.number });
        return Ok(());
    }
    if extension_keys(request, rt, verb, urn, value, tolerance)? {
        return Ok(());
    }
    Err(ScimError::invalid_path(format!("the value names no attribute of {urn}.")))
}

/// Whether anything under the extension's URN is known.
fn extension_keys(
    request: &mut PatchRequest,
    rt: &ResourceType,
    verb: Verb,
    urn: &str,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<bool, ScimError> {
    match value {
        Value::Object(attributes) => {
            let mut known = attributes.is_empty();
            let mut faults = Faults::default();
            for (key, value) in attributes {
                let Ok(path) = Path::parse(rt, &format!("{urn}:{key}"), tolerance) else {
                    known |= faults.keep(unknown(key, tolerance)).unwrap_or_default();
                    continue;
                };
                known = true;
                if !is_read_only(rt, &path) {
                    faults.keep(request.push(rt, verb, path, value, tolerance));
                }
            }
            faults.into_result().map(|()| known)
        }
        empty if is_empty(empty) => {
            tolerance.note(Leniency::NullOrEmpty, urn);
            if verb == Verb::Replace {
                let path = Path::Extension(urn.to_owned());
                let (verb, value, number) = (Verb::Remove, Value::Null, request.number);
                request.operations.push(super::Operation { verb, path, value, number });
            }
            Ok(true)
        }
        _ => Err(ScimError::invalid_value(format!("{urn} must be an object."))),
    }
}

/// The value of an array of one where the path takes a single one. A manager's shapes are told apart where it is read.
pub(super) fn single<'v>(
    definition: &Attribute,
    path: &Path,
    verb: Verb,
    value: &'v Value,
    tolerance: &mut Tolerance,
) -> &'v Value {
    let leaf = path.sub().map_or(Some(definition), |sub| definition.sub_attribute(&sub.name));
    let takes_one = leaf.is_some_and(|leaf| !leaf.multi_valued && !is_reference_by_value(leaf));
    match value {
        Value::Array(elements) if takes_one && verb != Verb::Remove && !tolerance.strict => {
            match elements.as_slice() {
                [only] if !only.is_array() => {
                    tolerance.note(Leniency::ArrayOfOne, &definition.name);
                    only
                }
                _ => value,
            }
        }
        _ => value,
    }
}

/// `schemas` is computed from what a resource holds: known URNs change nothing, unknown ones are none of ours.
pub(super) fn schemas(
    rt: &ResourceType,
    verb: Verb,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<(), ScimError> {
    if verb == Verb::Remove {
        return Err(ScimError::mutability("\"schemas\" follows from the resource; remove the attributes."));
    }
    let urns = match value {
        Value::Array(urns) if !urns.is_empty() => urns.as_slice(),
        Value::String(_) => std::slice::from_ref(value),
        _ => return Err(ScimError::invalid_value("\"schemas\" must be an array of URNs.")),
    };
    for urn in urns {
        let Some(urn) = urn.as_str() else {
            return Err(ScimError::invalid_value("\"schemas\" must be an array of URNs."));
        };
        if rt.schemas().any(|schema| schema.id.eq_ignore_ascii_case(urn)) {
            continue;
        }
        tolerance.allow(Leniency::UnknownSchema, urn, || {
            ScimError::invalid_value("\"schemas\" names an unknown schema.")
        })?;
    }
    Ok(())
}

/// The same as absent (RFC 7643 §2.5), with the empty string and `{"value": ""}` of Entra's gallery.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.iter().all(is_empty),
        Value::Object(members) => members.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
