//! Which required attributes and sub-attributes a document lacks (RFC 7643 §2.2).

use std::collections::BTreeSet;

use serde_json::Value;

use super::Document;
use super::faults::Faults;
use crate::ResourceType;
use crate::attribute_name::BorrowedName;
use crate::fold;
use crate::schema::Attribute;
use crate::value::elements;

/// The full names of all that is missing, in the schema's order.
pub(super) fn missing(rt: &ResourceType, document: &Document) -> Vec<String> {
    let mut names = Vec::new();
    for block in rt.blocks() {
        let members = block.members(&document.0);
        // RFC 7643 §6: a required extension must be there with its required attributes; any other needs them as soon as
        // the document has data of it.
        if members.is_none() && !block.required {
            continue;
        }
        let before = names.len();
        for attribute in block.attributes().filter(|a| demands(a)) {
            match members.and_then(|members| members.get(&attribute.name)) {
                Some(value) if !is_blank(value) => {
                    in_parts(attribute, value, block.name(&attribute.name), &mut names);
                }
                // Its required parts, if it has some, are what a client must send.
                _ if attribute.required => {
                    let before = names.len();
                    in_parts(attribute, &Value::Null, block.name(&attribute.name), &mut names);
                    if names.len() == before {
                        names.push(block.name(&attribute.name).to_string());
                    }
                }
                _ => {}
            }
        }
        if members.is_none() && names.len() == before {
            names.extend(block.urn.map(str::to_owned));
        }
    }
    names
}

/// Reports everything that is missing at once (MC12). Attributes that were missing `before` are no fault of this change: an
/// attribute that became mandatory later must not keep a person from being deactivated.
pub(super) fn check(rt: &ResourceType, before: Option<&Document>, after: &Document, faults: &mut Faults) {
    let missing = missing(rt, after);
    if missing.is_empty() {
        return;
    }
    let known: BTreeSet<String> =
        before.map(|before| self::missing(rt, before)).unwrap_or_default().into_iter().collect();
    missing.into_iter().filter(|name| !known.contains(name)).for_each(|name| faults.miss(name));
}

/// Required sub-attributes of a complex value, or of each element.
fn in_parts(attribute: &Attribute, value: &Value, at: BorrowedName<'_>, names: &mut Vec<String>) {
    let elements = elements(value);
    for sub in required_parts(attribute) {
        if elements.iter().any(|element| element.get(&sub.name).is_none_or(is_blank)) {
            names.push(at.sub(&sub.name).to_string());
        }
    }
}

/// Whether the attribute or a sub-attribute is required: for most attributes nothing needs to be looked up.
fn demands(attribute: &Attribute) -> bool {
    attribute.is_stored() && (attribute.required || required_parts(attribute).next().is_some())
}

fn required_parts(attribute: &Attribute) -> impl Iterator<Item = &Attribute> {
    attribute.sub_attributes.iter().filter(|sub| sub.required && sub.is_stored())
}

/// A required string of blanks, visible or not, counts as missing (attack 41).
fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(fold::is_blank)
}
