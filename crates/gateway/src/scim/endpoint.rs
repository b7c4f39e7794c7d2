//! The URL table of SCIM (RFC 7644 §3.2): which paths there are and which methods each takes. The endpoints of resources follow
//! from [`ResourceKind`].

use std::borrow::Cow;

use actix_web::http::Method;
use metrics::Operation;
use scim_core::ResourceKind;

/// A path below the base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The base URL: users and groups together (RFC 7644 §3.4.2.1).
    Root,
    /// A query by POST (RFC 7644 §3.4.3) of one kind, or of users and groups together.
    Search(Option<ResourceKind>),
    /// All resources of a kind.
    Collection(ResourceKind),
    /// One resource, by its id.
    Resource(ResourceKind, String),
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
        Some(match *words.as_slice() {
            [] => Self::Root,
            [".search"] => Self::Search(None),
            ["Bulk"] => Self::Bulk,
            ["Me", ..] => Self::NotBuilt("/Me"),
            ["ServiceProviderConfig"] => Self::ServiceProviderConfig,
            ["ResourceTypes"] => Self::ResourceTypes,
            ["ResourceTypes", name] => Self::ResourceType(name.to_owned()),
            ["Schemas"] => Self::Schemas,
            ["Schemas", urn] => Self::Schema(urn.to_owned()),
            [collection] => Self::Collection(ResourceKind::at_endpoint(collection)?),
            [collection, ".search"] => Self::Search(Some(ResourceKind::at_endpoint(collection)?)),
            // PostgreSQL cannot even be asked for it.
            [_, id] if id.contains('\0') => return None,
            [collection, id] => Self::Resource(ResourceKind::at_endpoint(collection)?, id.to_owned()),
            _ => return None,
        })
    }

    /// Each endpoint that is built, once, with placeholders for what its path holds.
    pub(super) fn every() -> Vec<Self> {
        let search = ResourceKind::ALL.iter().map(|kind| Self::Search(Some(*kind)));
        let resources = ResourceKind::ALL
            .iter()
            .flat_map(|kind| [Self::Collection(*kind), Self::Resource(*kind, String::new())]);
        let others = [
            Self::Bulk,
            Self::ServiceProviderConfig,
            Self::ResourceTypes,
            Self::ResourceType(String::new()),
            Self::Schemas,
            Self::Schema(String::new()),
        ];
        [Self::Root, Self::Search(None)].into_iter().chain(search).chain(resources).chain(others).collect()
    }

    /// The kind of resources that it is about, if it is about one.
    pub(super) fn kind(&self) -> Option<ResourceKind> {
        match self {
            Self::Collection(kind) | Self::Resource(kind, _) | Self::Search(Some(kind)) => Some(*kind),
            _ => None,
        }
    }

    /// The methods it takes, as `Allow` lists them.
    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Collection(kind) if !kind.is_read_only() => &[Method::GET, Method::POST],
            Self::Resource(kind, _) if !kind.is_read_only() => {
                &[Method::GET, Method::PUT, Method::PATCH, Method::DELETE]
            }
            Self::Bulk | Self::Search(_) => &[Method::POST],
            Self::NotBuilt(_) => &[],
            _ => &[Method::GET],
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

    /// What a request to it is, for its duration.
    pub(super) fn operation(&self, method: &Method) -> Operation {
        match self {
            Self::Bulk => Operation::Bulk,
            Self::Root | Self::Search(_) => Operation::List,
            endpoint if endpoint.is_discovery() => Operation::Discovery,
            Self::Collection(_) if *method == Method::POST => Operation::Create,
            Self::Collection(_) => Operation::List,
            Self::Resource(..) if method.is_safe() => Operation::Read,
            Self::Resource(..) if *method == Method::DELETE => Operation::Delete,
            Self::Resource(ResourceKind::Group, _) => Operation::GroupChange,
            Self::Resource(..) => Operation::Change,
            _ => Operation::Other,
        }
    }

    /// The path as a template: what metrics, logs and the OpenAPI document name.
    pub(super) fn route(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Search(Some(kind)) => return Cow::Owned(format!("{}/.search", kind.endpoint())),
            Self::Resource(kind, _) => return Cow::Owned(format!("{}/{{id}}", kind.endpoint())),
            Self::Collection(kind) => kind.endpoint(),
            Self::Root => "/",
            Self::Search(None) => "/.search",
            Self::Bulk => "/Bulk",
            Self::ServiceProviderConfig => "/ServiceProviderConfig",
            Self::ResourceTypes => "/ResourceTypes",
            Self::ResourceType(_) => "/ResourceTypes/{name}",
            Self::Schemas => "/Schemas",
            Self::Schema(_) => "/Schemas/{urn}",
            Self::NotBuilt(path) => path,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_endpoint_is_listed_once_and_found_by_its_route() {
        let mut routes = BTreeSet::new();
        for endpoint in Endpoint::every() {
            // No catch-all arm: a new endpoint does not compile until it is counted here.
            let listed = match &endpoint {
                Endpoint::Root
                | Endpoint::Search(_)
                | Endpoint::Collection(_)
                | Endpoint::Resource(..)
                | Endpoint::Bulk
                | Endpoint::ServiceProviderConfig
                | Endpoint::ResourceTypes
                | Endpoint::ResourceType(_)
                | Endpoint::Schemas
                | Endpoint::Schema(_) => 3 * ResourceKind::ALL.len() + 8,
                Endpoint::NotBuilt(_) => 0,
            };
            assert_eq!(Endpoint::every().len(), listed);
            assert!(routes.insert(endpoint.route()), "{endpoint:?}");
            let route = endpoint.route();
            let segments = route.split('/').filter(|segment| !segment.is_empty());
            let rest: Vec<String> = segments.map(str::to_owned).collect();
            assert_eq!(Endpoint::parse(&rest).map(|e| e.route()), Some(endpoint.route()));
        }
    }
}
