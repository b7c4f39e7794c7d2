//! A schema as data, and those of the discovery endpoints.

use serde::{Deserialize, Serialize};

use super::attribute::{Attribute, Mutability};

/// One schema document (RFC 7643 §7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The schema's URN.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// One sentence for people.
    pub description: String,
    /// In the order of the RFC.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// The top-level attribute of this name, letter case ignored.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.is_called(name))
    }

    /// The last part of the URN, which names the resource of a core schema: `User`, `ServiceProviderConfig`.
    #[must_use]
    pub fn resource_name(&self) -> &str {
        self.id.rsplit(':').next().unwrap_or_default()
    }

    /// Whether all its attributes are read-only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.attributes.iter().all(|attribute| attribute.mutability == Mutability::ReadOnly)
    }
}

/// The schemas of the discovery endpoints' responses (RFC 7643 §8.7.2): ServiceProviderConfig, ResourceType, Schema.
///
/// # Panics
/// When a built-in schema document is damaged; a test parses all of them.
#[must_use]
pub fn discovery() -> [Schema; 3] {
    [
        include_str!("service_provider_config.json"),
        include_str!("resource_type.json"),
        include_str!("schema.json"),
    ]
    .map(built_in)
}

#[allow(clippy::expect_used, reason = "compiled-in text, parsed by a test")]
pub(crate) fn built_in(text: &str) -> Schema {
    serde_json::from_str(text).expect("a built-in schema document parses")
}
