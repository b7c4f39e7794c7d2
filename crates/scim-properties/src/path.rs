//! A PATCH path is refused in words, or it names an attribute that exists.

use scim_core::ResourceType;
use scim_core::{AttributeName, path::Path};
use serde_json::Map;

use crate::grammar::{Choices, filters};
use crate::refusal::assert_is_a_refusal;
use crate::types::{TYPES, tolerances};

/// The property over a path as text.
///
/// # Panics
/// When it does not hold.
pub fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for rt in &*TYPES {
        holds(rt, text);
    }
}

/// The property over a path that the bytes choose.
///
/// # Panics
/// When it does not hold.
pub fn made(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let rt = choices.one_of(&*TYPES);
    let text = filters::path(&mut choices, rt);
    holds(rt, &text);
}

pub(crate) fn holds(rt: &ResourceType, text: &str) {
    for mut tolerance in tolerances() {
        match Path::parse(rt, text, &mut tolerance) {
            Err(error) => {
                assert_is_a_refusal(&error);
                assert_eq!(error.status, 400);
            }
            Ok(Path::Extension(urn)) => assert!(rt.extension(&urn).is_some_and(|schema| schema.id == urn)),
            Ok(path) => {
                let of = path.attribute().unwrap();
                let definition = of.definition(rt).unwrap();
                assert_eq!(of.attribute.name, definition.name, "in the schema's spelling");
                if let Some(sub) = path.sub() {
                    assert!(definition.sub_attributes.iter().any(|s| s.name == sub.name));
                }
                if let Path::Elements { filter, .. } = &path {
                    let _ = filter.matches(&Map::new());
                }
            }
        }
    }
    if let Some(found) = AttributeName::resolve(rt, text) {
        assert_eq!(
            AttributeName::resolve(rt, &found.to_string()),
            Some(found),
            "the full name names the same"
        );
    }
}
