//! A resource type: a core schema, its extensions, and the attributes that all types have.

use std::sync::LazyLock;

use super::attribute::Attribute;
use super::definition::{Schema, built_in};
use crate::ResourceKind;
use crate::resource_kind::Row;

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

impl ResourceKind {
    /// The resource type as it is before a tenant's profile and own schemas shape it.
    ///
    /// # Panics
    /// When a built-in schema document is damaged; a test parses all of them.
    #[must_use]
    pub fn resource_type(self) -> ResourceType {
        /// Parsed once: a tenant's rules begin with a copy.
        static PARSED: LazyLock<Vec<ResourceType>> =
            LazyLock::new(|| ResourceKind::ALL.iter().map(|kind| kind.parsed()).collect());
        let of_kind = PARSED.iter().find(|resource_type| resource_type.kind == self);
        of_kind.map_or_else(|| self.parsed(), ResourceType::clone)
    }

    fn parsed(self) -> ResourceType {
        let Row { core, extensions, .. } = self.row();
        let extension = |text: &&str| Extension { schema: built_in(text), required: false };
        ResourceType {
            kind: self,
            core: built_in(core),
            extensions: extensions.iter().map(extension).collect(),
            common: built_in(include_str!("common.json")),
        }
    }
}

/// The `Role` resource type of draft-ietf-scim-roles-entitlements, which has Okta's endpoint and another schema.
#[must_use]
pub fn role_of_the_draft() -> ResourceType {
    ResourceType { core: built_in(include_str!("draft_role.json")), ..ResourceKind::Role.resource_type() }
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
