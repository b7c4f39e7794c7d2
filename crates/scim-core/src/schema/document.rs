//! A tenant's own schema document (RFC 7643 §7) as staff hand it in: read, checked, and refused with every fault at once.
//! The gateway honours every characteristic that it accepts here, and refuses those that it could not honour.

mod attribute;
mod faults;
mod name;

use serde_json::{Map, Value};

pub use attribute::MAX_SUB_ATTRIBUTES;
pub use name::{check_attribute_name, is_urn};

use super::{Attribute, Schema};
use crate::{json, urn};
use attribute::{MAX_DESCRIPTION, Reader};
use faults::Faults;

/// Longest document, in bytes: 1,000 attributes with a sentence each.
pub const MAX_BYTES: usize = 256 * 1024;
/// Most schemas of its own in one tenant: resolving a name searches all of them.
pub const MAX_SCHEMAS: usize = 20;
/// Most attributes of one schema (attack 70).
pub const MAX_ATTRIBUTES: usize = 200;
/// Most attributes and sub-attributes of one schema together.
pub const MAX_ALL: usize = 1_000;
/// Longest schema name, in characters: as long as a URN, because a schema without a name is named by its URN.
const MAX_NAME: usize = name::MAX_URN;

/// Reads a document from its text.
///
/// # Errors
/// Every fault as a sentence, at least one and at most 50.
pub fn parse(text: &[u8]) -> Result<Schema, Vec<String>> {
    if text.len() > MAX_BYTES {
        return Err(vec![format!("The document is longer than {MAX_BYTES} bytes.")]);
    }
    let value = json::parse(text, &json::Limits::SCIM)
        .map_err(|error| vec![error.detail.replace("The body", "The document")])?;
    read(&value)
}

/// Reads a document that is JSON already.
///
/// # Errors
/// As [`parse`].
pub fn read(document: &Value) -> Result<Schema, Vec<String>> {
    let Some(members) = document.as_object() else {
        return Err(vec!["The document must be a JSON object: one schema as in RFC 7643, section 7.".into()]);
    };
    let mut faults = Faults::default();
    let id = id(members, &mut faults);
    let name = text(members, "name", MAX_NAME, &mut faults).filter(|name| !name.is_empty());
    let description = text(members, "description", MAX_DESCRIPTION, &mut faults).unwrap_or_default();
    let attributes = attributes(members, &mut faults);
    // `schemas` and `meta` are of the resource that /Schemas makes of the document.
    if members.get("schemas").is_some_and(|urns| !is_of_a_schema(urns)) {
        faults.add(format!("schemas must hold {}: the document is a schema, and id its URN.", urn::SCHEMA));
    }
    for key in members.keys() {
        if !["id", "name", "description", "attributes", "schemas", "meta"].contains(&key.as_str()) {
            faults.add(format!("{} is no member of a schema.", name::shown(key)));
        }
    }
    let name = name.unwrap_or_else(|| id.clone());
    faults.into_result().map(|()| Schema { id, name, description, attributes })
}

fn is_of_a_schema(urns: &Value) -> bool {
    let is_schema = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(urn::SCHEMA));
    urns.as_array().is_some_and(|urns| urns.iter().any(is_schema))
}

fn id(members: &Map<String, Value>, faults: &mut Faults) -> String {
    let urn = members.get("id").and_then(Value::as_str);
    let checked = urn.map_or(Err("id is missing: the URN of the schema.".into()), name::check_urn);
    checked.unwrap_or_else(|fault| faults.add(fault));
    urn.unwrap_or_default().to_owned()
}

fn text(members: &Map<String, Value>, key: &str, most: usize, faults: &mut Faults) -> Option<String> {
    match members.get(key)? {
        Value::String(text) if text.chars().count() <= most && !text.chars().any(char::is_control) => {
            Some(text.clone())
        }
        _ => {
            faults.add(format!("{key} must be text on one line, at most {most} characters."));
            None
        }
    }
}

fn attributes(members: &Map<String, Value>, faults: &mut Faults) -> Vec<Attribute> {
    let list = match members.get("attributes") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        _ => {
            faults.add("attributes is missing: at least one attribute.".into());
            return Vec::new();
        }
    };
    if list.len() > MAX_ATTRIBUTES {
        faults.add(format!(
            "A schema may have at most {MAX_ATTRIBUTES} attributes; this one has {}.",
            list.len()
        ));
        return Vec::new();
    }
    let attributes = Reader { faults }.attributes(list, None);
    let all = attributes.iter().map(|attribute| 1 + attribute.sub_attributes.len()).sum::<usize>();
    if all > MAX_ALL {
        faults.add(format!("A schema may have at most {MAX_ALL} attributes and sub-attributes together."));
    }
    attributes
}

#[cfg(test)]
mod tests;
