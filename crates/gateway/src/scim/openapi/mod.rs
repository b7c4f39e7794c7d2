//! The OpenAPI 3.1 document of the SCIM endpoints (`usher openapi`): paths and methods from the URL table, bodies from the
//! schemas that decide requests. Nothing of it is written down twice, so it cannot drift; what HTTP adds stands in
//! [`operations`].

mod components;
mod exchange;
mod messages;
mod operations;
mod shapes;

use provisioning::{Product, Rules};
use scim_core::leniency::Mode;
use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;

/// The document for tenants of a profile.
///
/// # Errors
/// A sentence when there is no such profile.
pub(crate) fn document(profile: &str, strict: bool) -> Result<Value, String> {
    let mut rules = Rules::new(Product::built_in(profile)?);
    rules.set_mode(if strict { Mode::Strict } else { Mode::Lenient });
    let mut paths = Map::new();
    let had = |endpoint: &Endpoint| endpoint.kind().is_none_or(|kind| rules.has(kind));
    for endpoint in Endpoint::every().into_iter().filter(had) {
        paths.insert(endpoint.route().into_owned(), path_item(&endpoint, strict));
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Usher: SCIM 2.0",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": description(profile, strict),
        },
        "servers": [{
            "url": "{base_url}",
            "description": "What `usher credential add` shows as base_url.",
            "variables": {"base_url": {"default": "https://scim.example.com/ire/acme/scim/v2"}},
        }],
        "security": [{"bearer": []}, {"basic": []}, {"oauth2": []}],
        "paths": paths,
        "components": components::all(&rules),
    }))
}

fn description(profile: &str, strict: bool) -> String {
    let tenant = if strict { "a strict tenant" } else { "a tenant" };
    format!(
        "SCIM 2.0 (RFC 7643, RFC 7644) of {tenant} with the profile {profile}, as its identity provider sees it. \
         HEAD is answered wherever GET is. Names of attributes and parameters have no letter case; more dialects than \
         are described here are understood (docs/scim.md). A string may be 64 KiB long, a body 8 MiB."
    )
}

fn path_item(endpoint: &Endpoint, strict: bool) -> Value {
    let methods = endpoint.methods().iter();
    let operations = methods.filter_map(|method| {
        let operation = operations::operation(endpoint, method, strict)?;
        Some((method.as_str().to_ascii_lowercase(), operation))
    });
    Value::Object(operations.collect())
}

#[cfg(test)]
mod tests;
