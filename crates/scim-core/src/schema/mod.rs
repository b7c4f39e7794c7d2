//! Schemas and resource types as data (RFC 7643 §7): the JSON documents beside this file are what `/Schemas`
//! answers and what validation, filters and PATCH read. No attribute rule stands in code.

mod attribute;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use attribute::{Attribute, Mutability, Returned, Type, Uniqueness};

use crate::urn;

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
        self.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name))
    }
}

/// What `User`, `Group` and the like are in one tenant (RFC 7643 §6): a core schema, its extensions, an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceType {
    /// `User`, `Group`, …
    pub name: &'static str,
    /// `/Users`, `/Groups`, …
    pub endpoint: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// The core schema.
    pub core: Schema,
    /// Extension schemas; none of them is required.
    pub extensions: Vec<Schema>,
    /// `id`, `externalId`, `schemas`, `meta` (RFC 7643 §3.1): common to all types, in no schema document.
    pub common: Schema,
}

impl ResourceType {
    /// The extension with this URN, letter case ignored.
    #[must_use]
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions.iter().find(|s| s.id.eq_ignore_ascii_case(urn))
    }

    /// The attribute of this name among the common ones and the core schema's, letter case ignored.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.common.attribute(name).or_else(|| self.core.attribute(name))
    }

    /// Core schema first, then the extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&self.core).chain(&self.extensions)
    }

    /// Makes core attributes of these names required (MC12); unknown names are left alone and returned.
    pub fn require(&mut self, names: &[String]) -> Vec<String> {
        let mut unknown = Vec::new();
        for name in names {
            match self.core.attributes.iter_mut().find(|a| a.name.eq_ignore_ascii_case(name)) {
                Some(attribute) => attribute.required = true,
                None => unknown.push(name.clone()),
            }
        }
        unknown
    }

    /// Tells within what a core attribute's value is unique in this tenant.
    pub fn set_uniqueness(&mut self, name: &str, uniqueness: Uniqueness) {
        if let Some(attribute) = self.core.attributes.iter_mut().find(|a| a.name.eq_ignore_ascii_case(name)) {
            attribute.uniqueness = uniqueness;
        }
    }

    /// Tells the legal values of a core attribute in `/Schemas` (MO9).
    pub fn set_canonical_values(&mut self, name: &str, values: Vec<String>) {
        if let Some(attribute) = self.core.attributes.iter_mut().find(|a| a.name.eq_ignore_ascii_case(name)) {
            attribute.canonical_values = values;
        }
    }
}

/// The `User` resource type: core, enterprise and seat schemas.
///
/// # Panics
/// Never in a build that passed its tests: the documents are compiled in and a test parses each.
#[must_use]
pub fn user() -> ResourceType {
    ResourceType {
        name: "User",
        endpoint: "/Users",
        description: "A person who may use the application.",
        core: built_in(include_str!("user.json")),
        extensions: vec![built_in(include_str!("enterprise.json")), built_in(include_str!("seat.json"))],
        common: built_in(include_str!("common.json")),
    }
}

/// The `Group` resource type.
///
/// # Panics
/// As [`user`].
#[must_use]
pub fn group() -> ResourceType {
    ResourceType {
        name: "Group",
        endpoint: "/Groups",
        description: "A set of users and groups.",
        core: built_in(include_str!("group.json")),
        extensions: Vec::new(),
        common: built_in(include_str!("common.json")),
    }
}

/// The licenses of a tenant, read-only: an entitlement in the words of Okta's entitlement discovery.
///
/// # Panics
/// As [`user`].
#[must_use]
pub fn license() -> ResourceType {
    ResourceType {
        name: "License",
        endpoint: "/Licenses",
        description: "The licenses of the plan, with their seats in use; read-only.",
        core: built_in(include_str!("entitlement.json")),
        extensions: Vec::new(),
        common: built_in(include_str!("common.json")),
    }
}

/// The roles of a tenant, read-only: Okta's entitlement discovery reads them too.
///
/// # Panics
/// As [`user`].
#[must_use]
pub fn role() -> ResourceType {
    ResourceType {
        name: "Role",
        endpoint: "/Roles",
        description: "The roles that a person can have; read-only.",
        core: built_in(include_str!("role.json")),
        extensions: Vec::new(),
        common: built_in(include_str!("common.json")),
    }
}

#[allow(clippy::expect_used, reason = "compiled-in text, parsed by a test")]
fn built_in(text: &str) -> Schema {
    serde_json::from_str(text).expect("a built-in schema document parses")
}

/// Whether the URN is Usher's own read-only extension, which is listed for every user.
#[must_use]
pub fn is_seat(urn: &str) -> bool {
    urn.eq_ignore_ascii_case(urn::SEAT)
}
