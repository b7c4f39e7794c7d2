//! Lists over HTTP: their order, their cursors, searches by POST, and what is listed at the base URL.

mod bounds;
mod cursors;
mod root;
mod search;
mod sorting;
mod walks;

use serde_json::Value;
use testkit::urn::SEARCH_REQUEST;
use testkit::{
    gateway::Tenant,
    http::{Answer, encode},
};

/// A path with parameters, encoded.
fn with(path: &str, parameters: &[(&str, &str)]) -> String {
    let parameters: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("{path}?{}", parameters.join("&"))
}

fn list(tenant: &Tenant, path: &str, parameters: &[(&str, &str)]) -> Answer {
    tenant.get(&with(path, parameters))
}

/// What stands on a page: of users their names, of groups their display names.
fn names(page: &Value) -> Vec<String> {
    let name = |resource: &Value| {
        let name = resource.get("userName").unwrap_or(&resource["displayName"]);
        name.as_str().unwrap().to_owned()
    };
    page["Resources"].as_array().unwrap().iter().map(name).collect()
}

fn ids(page: &Value) -> Vec<String> {
    page["Resources"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
}

fn cursor(page: &Value, which: &str) -> Option<String> {
    page.get(which).map(|cursor| cursor.as_str().unwrap().to_owned())
}
