//! The kinds of resources: a new one is a row here and a schema document.

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// A kind of resource. Its word is the `name` of its resource type (RFC 7643 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantArray)]
pub enum ResourceKind {
    /// RFC 7643 §4.1.
    User,
    /// RFC 7643 §4.2.
    Group,
    /// The licenses of the plan, which Okta's entitlement discovery reads.
    License,
    /// The roles of the profile, which Okta's entitlement discovery and draft-ietf-scim-roles-entitlements read.
    Role,
    /// The licenses of the plan, as the draft reads them.
    Entitlement,
}

/// The properties of a kind that are the same in every tenant.
pub(crate) struct Row {
    endpoint: &'static str,
    description: &'static str,
    /// The core schema's document.
    pub(crate) core: &'static str,
    /// The documents of the extensions.
    pub(crate) extensions: &'static [&'static str],
    is_read_only: bool,
}

impl ResourceKind {
    /// Every kind, in the order in which `/ResourceTypes` lists them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    pub(crate) const fn row(self) -> Row {
        match self {
            Self::User => Row {
                endpoint: "/Users",
                description: "A person who may use the application.",
                core: include_str!("schema/user.json"),
                extensions: &[
                    include_str!("schema/enterprise.json"),
                    include_str!("schema/seat.json"),
                    include_str!("schema/origin_user.json"),
                ],
                is_read_only: false,
            },
            Self::Group => Row {
                endpoint: "/Groups",
                description: "A set of users and groups.",
                core: include_str!("schema/group.json"),
                extensions: &[include_str!("schema/origin_group.json")],
                is_read_only: false,
            },
            Self::License => Row {
                endpoint: "/Licenses",
                description: "The licenses of the plan, with their seats in use; read-only.",
                core: include_str!("schema/entitlement.json"),
                extensions: &[],
                is_read_only: true,
            },
            Self::Role => Row {
                endpoint: "/Roles",
                description: "The roles that a person can have; read-only.",
                core: include_str!("schema/role.json"),
                extensions: &[],
                is_read_only: true,
            },
            Self::Entitlement => Row {
                endpoint: "/Entitlements",
                description: "The licenses of the plan, with their seats in use; read-only.",
                core: include_str!("schema/draft_entitlement.json"),
                extensions: &[],
                is_read_only: true,
            },
        }
    }

    /// `User`, `Group`, …
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// `/Users`, `/Groups`, … below the base URL.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        self.row().endpoint
    }

    /// One sentence for people.
    #[must_use]
    pub const fn description(self) -> &'static str {
        self.row().description
    }

    /// The kind whose endpoint is this path segment: `Users`, `Groups`, …
    #[must_use]
    pub fn at_endpoint(segment: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.endpoint().strip_prefix('/') == Some(segment))
    }

    /// The kinds that clients create, change and delete.
    pub fn written() -> impl Iterator<Item = Self> + Clone {
        Self::ALL.iter().copied().filter(|kind| !kind.is_read_only())
    }

    /// Whether clients may only read it.
    #[must_use]
    pub const fn is_read_only(self) -> bool {
        self.row().is_read_only
    }
}
