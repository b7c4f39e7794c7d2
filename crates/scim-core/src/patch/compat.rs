//! What identity providers send beyond RFC 7644 §3.5.2, brought into the RFC's form: keys of a value without path
//! that are paths, `schemas` and the core schema's URN among them. Each is noted, so that it can be counted.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Content, PatchRequest, SCHEMAS, Verb, content, is_read_only};
use crate::attribute_name::has_urn;
use crate::leniency::{Leniency, Tolerance};
use crate::path::Path;
use crate::resource::{self, Faults, is_reference_by_value};
use crate::schema::{Attribute, ResourceType, Schema, Type};
use crate::{Document, ScimError};

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
    Err(ScimError::invalid_path(format!("the value names no attribute of a {}.", rt.kind.name())))
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
    if path.attribute().is_some_and(|of| of.is_name(SCHEMAS, None)) {
        return schemas_as_key(rt, value, tolerance).map(|()| true);
    }
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
    let is_name = matches!(path, Path::Extension(_)) || !(has_urn(key) || key.contains(['.', '[']));
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
            let is_null = !holds_object(empty);
            if verb == Verb::Replace && is_null {
                let path = Path::Extension(urn.to_owned());
                let (verb, value, number) = (Verb::Remove, Value::Null, request.number);
                request.operations.push(super::Operation { verb, path, value, number });
            }
            Ok(true)
        }
        _ => Err(ScimError::invalid_value(format!("{urn} must be an object."))),
    }
}

/// Whether some object is in it: what stands under an extension's URN is one, and says of each attribute what becomes of it.
fn holds_object(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(holds_object),
        single => single.is_object(),
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

/// `schemas` among the attributes of a value, as a client has read them: known URNs change nothing, unknown ones are none of
/// ours.
fn schemas_as_key(rt: &ResourceType, value: &Value, tolerance: &mut Tolerance) -> Result<(), ScimError> {
    for urn in urns(value)? {
        if !rt.schemas().any(|schema| schema.id.eq_ignore_ascii_case(&urn)) {
            tolerance.allow(Leniency::UnknownSchema, &urn, || {
                ScimError::invalid_value("\"schemas\" names an unknown schema.")
            })?;
        }
    }
    Ok(())
}

/// `schemas` as a path: they follow from what the resource holds, so they can only be said to be what they are. `None` when
/// nothing is said.
pub(super) fn schemas(verb: Verb, value: &Value) -> Result<Option<Vec<String>>, ScimError> {
    match verb {
        Verb::Add if is_empty(value) => Ok(None),
        Verb::Add | Verb::Replace if !is_empty(value) => urns(value).map(Some),
        _ => Err(schemas_follow()),
    }
}

/// Whether the URNs are those of schemas that the resource uses.
pub(super) fn check_schemas(
    rt: &ResourceType,
    document: &Document,
    urns: &[String],
) -> Result<(), ScimError> {
    let is_used = |urn: &String| {
        let is_there = |schema: &Schema| schema.is_read_only() || document.get(&schema.id).is_some();
        rt.is_core(urn) || rt.extension(urn).is_some_and(is_there)
    };
    if urns.iter().all(is_used) { Ok(()) } else { Err(schemas_follow()) }
}

fn schemas_follow() -> ScimError {
    ScimError::mutability("\"schemas\" follows from the resource; add or remove the attributes.")
}

fn urns(value: &Value) -> Result<Vec<String>, ScimError> {
    let elements = match value {
        Value::Array(elements) => elements.as_slice(),
        single => std::slice::from_ref(single),
    };
    let texts: Option<Vec<String>> = elements.iter().map(|urn| urn.as_str().map(str::to_owned)).collect();
    texts.ok_or_else(|| ScimError::invalid_value("\"schemas\" must be an array of URNs."))
}

/// The value in an object under the attribute's own name: `{"active": false}` at the path `active`.
pub(super) fn unwrapped<'v>(
    definition: &Attribute,
    path: &Path,
    value: &'v Value,
    tolerance: &mut Tolerance,
) -> Result<&'v Value, ScimError> {
    let is_whole = matches!(path, Path::Attribute(of) if of.sub.is_none());
    let Value::Object(around) = value else { return Ok(value) };
    let mut parts = around.iter();
    match (parts.next(), parts.next()) {
        (Some((name, inner)), None)
            if is_whole && definition.is_called(name) && definition.sub_attribute(name).is_none() =>
        {
            let refusal = || {
                let name = &definition.name;
                ScimError::invalid_value(format!(
                    "the value of {name} must not be an object that holds {name}."
                ))
            };
            tolerance.allow(Leniency::WrappedValue, &definition.name, refusal)?;
            Ok(inner)
        }
        _ => Ok(value),
    }
}

/// What a value says that comes as JSON in a text.
pub(super) fn unpacked<'v>(
    definition: &Attribute,
    path: &Path,
    value: &'v Value,
    tolerance: &mut Tolerance,
) -> Result<Cow<'v, Value>, ScimError> {
    if path.sub().is_some() {
        return Ok(Cow::Borrowed(value));
    }
    resource::unpack(definition, value, &path, tolerance)
}

/// Whether an empty object stands where a complex value belongs, or a list of such: it names no part, so that nothing changes.
/// It is not null.
pub(super) fn names_no_part(definition: &Attribute, value: &Value) -> bool {
    let is_hollow = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    definition.kind == Type::Complex
        && match value {
            Value::Array(elements) => !elements.is_empty() && elements.iter().all(is_hollow),
            single => is_hollow(single),
        }
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
