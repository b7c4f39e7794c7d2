//! What identity providers send beyond RFC 7644 §3.5.2, brought into the RFC's form. Each is noted, so that it can be counted.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::change::Verb;
use crate::leniency::{Leniency, Tolerance};
use crate::path::Path;
use crate::resource::{self, is_reference_by_value};
use crate::schema::{Attribute, ResourceType, Schema, Type};
use crate::value::{elements, only_element, says_nothing};
use crate::{Document, ScimError};

/// One value where the attribute of this name holds several.
pub(super) fn allow_single(name: &str, tolerance: &mut Tolerance) -> Result<(), ScimError> {
    let refusal = || ScimError::invalid_value(format!("{name} must be an array."));
    tolerance.allow(Leniency::SingleForList, name, refusal)
}

/// Whether the value holds an object: an empty object under an extension's URN names no attribute, so that it clears
/// none.
pub(super) fn holds_object(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(holds_object),
        single => single.is_object(),
    }
}

/// The value of an array of one where the path takes a single one. The shapes of a manager are read later.
pub(super) fn single<'v>(
    definition: &Attribute,
    path: &Path,
    verb: Verb,
    value: &'v Value,
    tolerance: &mut Tolerance,
) -> &'v Value {
    let leaf = path.sub().map_or(Some(definition), |sub| definition.sub_attribute(&sub.name));
    let takes_one = leaf.is_some_and(|leaf| !leaf.multi_valued && !is_reference_by_value(leaf));
    match only_element(value) {
        Some(only)
            if takes_one
                && verb != Verb::Remove
                && !tolerance.refuses(Leniency::ArrayOfOne)
                && !only.is_array() =>
        {
            tolerance.note(Leniency::ArrayOfOne, &definition.name);
            only
        }
        _ => value,
    }
}

/// The value in an array of one, where the path selects elements and takes one value for them.
pub(super) fn unlisted<'v>(
    value: &'v Value,
    name: &str,
    tolerance: &mut Tolerance,
    refusal: impl FnOnce() -> ScimError,
) -> Result<&'v Value, ScimError> {
    match only_element(value) {
        Some(only) if !only.is_array() => tolerance.allow(Leniency::ArrayOfOne, name, refusal).map(|()| only),
        _ => Ok(value),
    }
}

/// `schemas` as a path: they follow from what the resource holds, so that an operation can only repeat them. `None` when the
/// value is empty.
pub(super) fn schemas_as_path(verb: Verb, value: &Value) -> Result<Option<Vec<String>>, ScimError> {
    match verb {
        Verb::Add if says_nothing(value) => Ok(None),
        Verb::Add | Verb::Replace if !says_nothing(value) => urns(value).map(Some),
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

pub(super) fn urns(value: &Value) -> Result<Vec<String>, ScimError> {
    let texts: Option<Vec<String>> =
        elements(value).iter().map(|urn| urn.as_str().map(str::to_owned)).collect();
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

/// The value that comes as JSON in a text.
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

/// Whether the value of a complex attribute is an empty object, or a list of such: it names no sub-attribute, so that
/// nothing changes. Null would clear the attribute.
pub(super) fn names_no_part(definition: &Attribute, value: &Value) -> bool {
    let is_hollow = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    definition.kind == Type::Complex
        && match value {
            Value::Array(elements) => !elements.is_empty() && elements.iter().all(is_hollow),
            single => is_hollow(single),
        }
}
