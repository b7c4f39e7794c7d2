//! Applies one change to a document (RFC 7644 §3.5.2.1 to §3.5.2.3). Changes to elements of a list are in
//! [`elements`](super::elements).

use serde_json::{Map, Value};

use super::change::{Change, Edit, SubAttribute};
use super::effort::Effort;
use super::elements::{ListAttribute, append, edit_list, put};
use crate::ScimError;
use crate::attribute_name::AttributeName;
use crate::leniency::Tolerance;
use crate::path::Path;
use crate::resource::keep_in_value;
use crate::schema::{Attribute, ResourceType};

/// # Errors
/// What was wrong with the operation's value; 400 when the resource does not allow the change, or it costs too much.
pub(super) fn apply(
    rt: &ResourceType,
    change: &Change,
    document: &mut Map<String, Value>,
    tolerance: &mut Tolerance,
    effort: &mut Effort,
) -> Result<(), ScimError> {
    let edit = change.edit.as_ref().map_err(Clone::clone)?;
    let (of, filter) = match &change.path {
        Path::Extension(urn) => {
            document.shift_remove(urn);
            return Ok(());
        }
        Path::Attribute(of) => (of, None),
        Path::Elements { of, filter, .. } => (of, Some(filter)),
    };
    let block = rt.block(of.urn.as_deref());
    let Some((block, definition)) = block.zip(of.definition(rt)) else {
        return Err(ScimError::invalid_path("The path names no attribute of this resource type."));
    };
    let name = AttributeName { sub: None, ..of.clone() }.to_string();
    let mut attribute = ListAttribute { definition, name, verb: change.verb, filter, tolerance, effort };
    block.fill(document, |members| in_block(&mut attribute, edit, members)).unwrap_or(Ok(()))
}

/// `block` holds the attribute: it is the document, or the object in it under an extension's URN.
fn in_block(
    attribute: &mut ListAttribute<'_>,
    edit: &Edit,
    block: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    let definition = attribute.definition;
    match edit {
        Edit::Nothing => {}
        Edit::AddEmpty if definition.required && block.contains_key(&definition.name) => {
            let name = &attribute.name;
            return Err(ScimError::invalid_value(format!("{name} is required; it must not be empty.")));
        }
        Edit::AddEmpty => {}
        Edit::Replace { value, sent } => replace(definition, value.clone(), sent, block),
        Edit::SubAttributes(written) => write(definition, written, block),
        Edit::Append(new) => {
            return edit_list(definition, &attribute.name, block, |list| {
                append(list, new);
                Ok(())
            });
        }
        Edit::Elements(selection, edit) => {
            let name = attribute.name.clone();
            return edit_list(definition, &name, block, |list| attribute.change(selection, edit, list));
        }
    }
    Ok(())
}

/// The new value keeps the parts of the old one that the client could not name because no response shows them.
fn replace(definition: &Attribute, mut value: Option<Value>, sent: &Value, block: &mut Map<String, Value>) {
    if let (Some(new), Some(held)) = (&mut value, block.get(&definition.name)) {
        keep_in_value(definition, sent, held, new);
    }
    put(block, &definition.name, value);
}

fn write(definition: &Attribute, written: &[SubAttribute], block: &mut Map<String, Value>) {
    let name = &definition.name;
    let held = block.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(members) = held {
        for (sub, value) in written {
            put(members, sub, value.clone());
        }
        if members.is_empty() {
            block.shift_remove(name);
        }
    }
}
