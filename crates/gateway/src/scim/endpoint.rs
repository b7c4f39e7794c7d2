//! The URL table of SCIM (RFC 7644 §3.2): which paths there are and which methods each takes.

use actix_web::http::Method;
use scim_core::ResourceKind;

/// The kinds that clients write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

/// The kinds that clients may only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entitlement {
    License,
    Role,
}

impl From<Kind> for ResourceKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::User => Self::User,
            Kind::Group => Self::Group,
        }
    }
}

impl From<Entitlement> for ResourceKind {
    fn from(kind: Entitlement) -> Self {
        match kind {
            Entitlement::License => Self::License,
            Entitlement::Role => Self::Role,
        }
    }
}

/// What a query lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Users and groups (RFC 7644 §3.4.2.1).
    All,
    Of(Kind),
    Entitlements(Entitlement),
}

/// A path below the base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The base URL: all resource types together (RFC 7644 §3.4.2.1).
    Root,
    /// A query by POST (RFC 7644 §3.4.3).
    Search(Scope),
    Users,
    User(String),
    Groups,
    Group(String),
    /// `/Licenses` or `/Roles`.
    Entitlements(Entitlement),
    Entitlement(Entitlement, String),
    Bulk,
    ServiceProviderConfig,
    ResourceTypes,
    ResourceType(String),
    Schemas,
    Schema(String),
    /// An endpoint of the RFC that is not built: 501 (RFC 7644 §3.11 says so of `/Me`).
    NotBuilt(&'static str),
}

impl Endpoint {
    /// `None` when there is no such path.
    pub(super) fn parse(rest: &[String]) -> Option<Self> {
        let words: Vec<&str> = rest.iter().map(String::as_str).collect();
        Some(match words.as_slice() {
            ["Users"] => Self::Users,
            ["Groups"] => Self::Groups,
            [] => Self::Root,
            [".search"] => Self::Search(Scope::All),
            ["Users", ".search"] => Self::Search(Scope::Of(Kind::User)),
            ["Groups", ".search"] => Self::Search(Scope::Of(Kind::Group)),
            ["Licenses", ".search"] => Self::Search(Scope::Entitlements(Entitlement::License)),
            ["Roles", ".search"] => Self::Search(Scope::Entitlements(Entitlement::Role)),
            ["Bulk"] => Self::Bulk,
            ["Me", ..] => Self::NotBuilt("/Me"),
            ["Users", id] => Self::User((*id).to_owned()),
            ["Groups", id] => Self::Group((*id).to_owned()),
            ["Licenses"] => Self::Entitlements(Entitlement::License),
            ["Licenses", id] => Self::Entitlement(Entitlement::License, (*id).to_owned()),
            ["Roles"] => Self::Entitlements(Entitlement::Role),
            ["Roles", id] => Self::Entitlement(Entitlement::Role, (*id).to_owned()),
            ["ServiceProviderConfig"] => Self::ServiceProviderConfig,
            ["ResourceTypes"] => Self::ResourceTypes,
            ["ResourceTypes", name] => Self::ResourceType((*name).to_owned()),
            ["Schemas"] => Self::Schemas,
            ["Schemas", urn] => Self::Schema((*urn).to_owned()),
            _ => return None,
        })
    }

    /// Each endpoint that is built, once, with placeholders for what its path holds.
    pub(super) fn every() -> Vec<Self> {
        let anything = String::new;
        vec![
            Self::Root,
            Self::Search(Scope::All),
            Self::Search(Scope::Of(Kind::User)),
            Self::Search(Scope::Of(Kind::Group)),
            Self::Search(Scope::Entitlements(Entitlement::License)),
            Self::Search(Scope::Entitlements(Entitlement::Role)),
            Self::Users,
            Self::User(anything()),
            Self::Groups,
            Self::Group(anything()),
            Self::Entitlements(Entitlement::License),
            Self::Entitlement(Entitlement::License, anything()),
            Self::Entitlements(Entitlement::Role),
            Self::Entitlement(Entitlement::Role, anything()),
            Self::Bulk,
            Self::ServiceProviderConfig,
            Self::ResourceTypes,
            Self::ResourceType(anything()),
            Self::Schemas,
            Self::Schema(anything()),
        ]
    }

    /// The methods it takes, as `Allow` lists them.
    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Users | Self::Groups => &[Method::GET, Method::POST],
            Self::User(_) | Self::Group(_) => &[Method::GET, Method::PUT, Method::PATCH, Method::DELETE],
            Self::Bulk | Self::Search(_) => &[Method::POST],
            Self::Root
            | Self::Entitlements(_)
            | Self::Entitlement(..)
            | Self::ServiceProviderConfig
            | Self::ResourceTypes
            | Self::ResourceType(_)
            | Self::Schemas
            | Self::Schema(_) => &[Method::GET],
            Self::NotBuilt(_) => &[],
        }
    }

    pub(super) fn is_discovery(&self) -> bool {
        matches!(
            self,
            Self::ServiceProviderConfig
                | Self::ResourceTypes
                | Self::ResourceType(_)
                | Self::Schemas
                | Self::Schema(_)
        )
    }

    /// The path as a template: what metrics and logs name.
    pub(super) fn route(&self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::Search(Scope::All) => "/.search",
            Self::Search(Scope::Of(Kind::User)) => "/Users/.search",
            Self::Search(Scope::Of(Kind::Group)) => "/Groups/.search",
            Self::Search(Scope::Entitlements(Entitlement::License)) => "/Licenses/.search",
            Self::Search(Scope::Entitlements(Entitlement::Role)) => "/Roles/.search",
            Self::Users => "/Users",
            Self::User(_) => "/Users/{id}",
            Self::Groups => "/Groups",
            Self::Group(_) => "/Groups/{id}",
            Self::Entitlements(Entitlement::License) => "/Licenses",
            Self::Entitlement(Entitlement::License, _) => "/Licenses/{id}",
            Self::Entitlements(Entitlement::Role) => "/Roles",
            Self::Entitlement(Entitlement::Role, _) => "/Roles/{id}",
            Self::Bulk => "/Bulk",
            Self::ServiceProviderConfig => "/ServiceProviderConfig",
            Self::ResourceTypes => "/ResourceTypes",
            Self::ResourceType(_) => "/ResourceTypes/{name}",
            Self::Schemas => "/Schemas",
            Self::Schema(_) => "/Schemas/{urn}",
            Self::NotBuilt(path) => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_listed_once_and_found_by_its_route() {
        for endpoint in Endpoint::every() {
            // No catch-all arm: whoever adds an endpoint is told to list it.
            let listed = match &endpoint {
                Endpoint::Root
                | Endpoint::Search(
                    Scope::All
                    | Scope::Of(Kind::User | Kind::Group)
                    | Scope::Entitlements(Entitlement::License | Entitlement::Role),
                )
                | Endpoint::Users
                | Endpoint::User(_)
                | Endpoint::Groups
                | Endpoint::Group(_)
                | Endpoint::Entitlements(Entitlement::License | Entitlement::Role)
                | Endpoint::Entitlement(Entitlement::License | Entitlement::Role, _)
                | Endpoint::Bulk
                | Endpoint::ServiceProviderConfig
                | Endpoint::ResourceTypes
                | Endpoint::ResourceType(_)
                | Endpoint::Schemas
                | Endpoint::Schema(_) => 20,
                Endpoint::NotBuilt(_) => 0,
            };
            assert_eq!(Endpoint::every().len(), listed);
            let segments = endpoint.route().split('/').filter(|segment| !segment.is_empty());
            let rest: Vec<String> = segments.map(str::to_owned).collect();
            assert_eq!(Endpoint::parse(&rest).map(|e| e.route()), Some(endpoint.route()));
        }
    }
}
