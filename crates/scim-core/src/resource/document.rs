//! The part of a resource that its client writes and the directory stores.

use serde_json::{Map, Value};

use crate::ResourceType;

/// Canonical: the schema's spelling and order, values of the schema's types, nothing empty. Without `schemas`, `id`,
/// `meta`, `groups`, `password` and a group's `members`; extension data is under its URN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document(pub Map<String, Value>);

impl Document {
    /// The value of a core attribute, or the block of an extension by its URN.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The value of a string attribute.
    #[must_use]
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// The value of a boolean attribute.
    #[must_use]
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    /// Reads what [`Document::to_stored`] wrote.
    ///
    /// # Errors
    /// The text is no JSON object: the row was not written by this program.
    pub fn from_stored(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self)
    }

    /// The text for the store; equal documents of one history give equal texts.
    #[must_use]
    #[allow(clippy::missing_panics_doc, clippy::expect_used, reason = "JSON values always serialise")]
    pub fn to_stored(&self) -> String {
        serde_json::to_string(&self.0).expect("JSON values serialise")
    }

    /// About how long the stored text is, in bytes, without members, which are stored elsewhere.
    pub(super) fn length(&self) -> usize {
        self.0
            .iter()
            .filter(|(name, _)| *name != "members")
            .map(|(name, value)| name.len() + length(value))
            .sum()
    }

    /// The registered extension URNs that are present, in the order of the resource type.
    pub fn extension_urns<'a>(&'a self, rt: &'a ResourceType) -> impl Iterator<Item = &'a str> {
        rt.extension_schemas().map(|s| s.id.as_str()).filter(|urn| self.0.contains_key(*urn))
    }
}

/// Names, texts, and the few characters around each of them.
fn length(value: &Value) -> usize {
    const AROUND: usize = 5;
    AROUND
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(elements) => elements.iter().map(length).sum(),
            Value::Object(members) => members.iter().map(|(name, value)| name.len() + length(value)).sum(),
        }
}
