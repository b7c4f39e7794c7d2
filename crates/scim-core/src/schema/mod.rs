//! Schemas and resource types as data (RFC 7643 §7): `/Schemas` returns the JSON documents beside this file, and
//! validation, filters and PATCH read them. Rules of single attributes are there, not in code.

mod attribute;
mod block;
mod change;
pub mod document;

use serde::{Deserialize, Serialize};

pub use attribute::{Attribute, Mutability, Returned, Type, Uniqueness, alike};
pub use block::Block;

use crate::{ResourceKind, attribute_name};

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

/// An extension schema on a resource type (RFC 7643 §6, `schemaExtensions`).
#[derive(Clone, Debug, PartialEq)]
pub struct Extension {
    /// The schema.
    pub schema: Schema,
    /// Whether every resource of the type must have data of it.
    pub required: bool,
}

/// A resource type in one tenant (RFC 7643 §6), such as `User` or `Group`: a core schema and its extensions.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceType {
    /// Its kind, the same in every tenant.
    pub kind: ResourceKind,
    /// The core schema.
    pub core: Schema,
    /// Extension schemas, in the order in which responses list them.
    pub extensions: Vec<Extension>,
    /// `id`, `externalId`, `schemas`, `meta` (RFC 7643 §3.1): common to all types, in no schema document.
    pub common: Schema,
}

impl ResourceType {
    /// The extension with this URN, letter case ignored.
    #[must_use]
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extension_schemas().find(|s| s.id.eq_ignore_ascii_case(urn))
    }

    /// The schemas of the extensions that clients write, in order.
    pub fn written_extensions(&self) -> impl Iterator<Item = &Schema> + Clone {
        self.extension_schemas().filter(|schema| !schema.is_read_only())
    }

    /// The extensions' schemas, in order.
    pub fn extension_schemas(&self) -> impl Iterator<Item = &Schema> + Clone {
        self.extensions.iter().map(|extension| &extension.schema)
    }

    /// Whether this is the core schema's URN, letter case ignored.
    #[must_use]
    pub fn is_core(&self, urn: &str) -> bool {
        self.core.id.eq_ignore_ascii_case(urn)
    }

    /// The attribute of this name among the common ones and the core schema's, letter case ignored.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.common.attribute(name).or_else(|| self.core.attribute(name))
    }

    /// Core schema first, then the extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&self.core).chain(self.extension_schemas())
    }

    /// The attribute or sub-attribute of this full name (`userType`, `emails.type`, `urn:…:User:badge`), so that a
    /// tenant's own characteristics can be set.
    pub fn attribute_mut(&mut self, full_name: &str) -> Option<&mut Attribute> {
        let (found, _) = attribute_name::find(self, full_name)?;
        let schema = match &found.urn {
            Some(urn) => &mut self.extensions.iter_mut().find(|e| e.schema.id == *urn)?.schema,
            None if self.common.attribute(&found.attribute.name).is_some() => &mut self.common,
            None => &mut self.core,
        };
        let attribute = schema.attributes.iter_mut().find(|a| a.name == found.attribute.name)?;
        match found.sub {
            Some(sub) => attribute.sub_attributes.iter_mut().find(|a| a.name == sub.name),
            None => Some(attribute),
        }
    }

    /// Makes the attributes of these full names required (MC12); names that this type does not have are returned.
    pub fn require(&mut self, names: &[String]) -> Vec<String> {
        self.mark(names, |attribute| {
            attribute.required = true;
            true
        })
    }

    /// Makes the canonical values of these attributes the only ones that are accepted (RFC 7643 §2.3.1: a provider may
    /// "restrict accepted values to the specified values"), and says so in their descriptions; names that this type
    /// does not have, or that have no canonical values, are returned.
    pub fn bind_values(&mut self, names: &[String]) -> Vec<String> {
        self.mark(names, Attribute::bind_values)
    }

    /// Marks the attributes of these full names. Names that `mark` refuses, or that this type does not have, are returned.
    fn mark(&mut self, names: &[String], mark: impl Fn(&mut Attribute) -> bool) -> Vec<String> {
        names.iter().filter(|name| !self.attribute_mut(name).is_some_and(&mark)).cloned().collect()
    }

    /// Sets the scope in which an attribute's value is unique in this tenant.
    pub fn set_uniqueness(&mut self, name: &str, uniqueness: Uniqueness) {
        if let Some(attribute) = self.attribute_mut(name) {
            attribute.uniqueness = uniqueness;
        }
    }

    /// Sets the legal values of an attribute, as `/Schemas` shows them (MO9).
    pub fn set_canonical_values(&mut self, name: &str, values: Vec<String>) {
        if let Some(attribute) = self.attribute_mut(name) {
            attribute.canonical_values = values;
        }
    }

    /// Adds an extension that clients write, before the computed ones: a response ends with those.
    pub fn add_extension(&mut self, extension: Extension) {
        let computed = self.extensions.iter().position(|e| e.schema.is_read_only());
        self.extensions.insert(computed.unwrap_or(self.extensions.len()), extension);
    }

    /// Whether some stored values are not returned by default (`returned` is `never` or `request`). writeOnly values are
    /// never stored.
    #[must_use]
    pub fn hides_values(&self) -> bool {
        self.schemas().flat_map(|schema| &schema.attributes).any(Attribute::hides_values)
    }
}

/// The `User` resource type.
#[must_use]
pub fn user() -> ResourceType {
    ResourceKind::User.resource_type()
}

/// The `Group` resource type.
#[must_use]
pub fn group() -> ResourceType {
    ResourceKind::Group.resource_type()
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

#[cfg(test)]
mod tests;
