//! A tenant's own schema document is refused with sentences, or every property of the built-in schemas holds for it too.

use scim_core::schema::{self, Extension, ResourceType, Schema, document};
use serde_json::{Map, Value};

use crate::grammar::{Choices, filters, patches, resources, schemas};
use crate::{filter, history, path};

/// The property over a document as text.
///
/// # Panics
/// When it does not hold.
pub fn text(bytes: &[u8]) {
    match document::parse(bytes) {
        Err(faults) => assert_are_sentences(&faults),
        Ok(schema) => {
            let rt = extended(schema);
            history::holds(&rt, &[history::smallest(&rt)]);
        }
    }
}

/// The property over a document, and resources, PATCHes, filters and paths of it, that the bytes choose.
///
/// # Panics
/// When it does not hold.
pub fn made(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let written = schemas::document(&mut choices);
    let schema = match document::read(&written) {
        Err(faults) => return assert_are_sentences(&faults),
        Ok(schema) => schema,
    };
    let rt = extended(schema);
    let mut bodies = vec![Value::Object(resources::body(&mut choices, &rt))];
    bodies.extend(choices.some(6, |choices| patches::patch(choices, &rt)));
    history::holds(&rt, &bodies);
    let resource = resources::resource(&mut choices, &rt);
    for _ in 0..3 {
        filter::holds(&rt, &filters::filter(&mut choices, &rt), std::slice::from_ref(&resource));
        path::holds(&rt, &filters::path(&mut choices, &rt));
    }
}

/// A User with the extension; the schema stays the same when it is written and read again.
fn extended(schema: Schema) -> ResourceType {
    assert!(schema.attributes.len() <= document::MAX_ATTRIBUTES);
    let written = serde_json::to_value(&schema).unwrap();
    let again = document::read(&written);
    assert_eq!(again.as_ref(), Ok(&schema), "{written}");
    assert!(schema.takes_all_of(&schema), "a schema may be replaced by itself");
    let required = schema.attributes.iter().any(|attribute| attribute.required);
    assert_eq!(schema.misfits(&Map::new()).is_empty(), !required);
    let mut rt = schema::user();
    rt.add_extension(Extension { schema, required: false });
    rt
}

/// Faults are whole sentences on one line each, and not too many.
fn assert_are_sentences(faults: &[String]) {
    assert!((1..=50).contains(&faults.len()), "{faults:?}");
    for fault in faults {
        assert!(
            fault.ends_with('.') && fault.len() < 2_000 && !fault.contains(char::is_control),
            "{fault:?}"
        );
    }
}
