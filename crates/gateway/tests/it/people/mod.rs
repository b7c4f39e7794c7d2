//! People and groups of two origins: what identity providers see of it, and what staff see and do.

mod local;
mod origin;

use serde_json::Value;
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
};

/// A request of staff about this tenant's people or groups.
pub(crate) fn staff(
    gateway: &Gateway,
    tenant: &Tenant,
    method: &str,
    below: &str,
    body: Option<&Value>,
) -> Answer {
    gateway.admin(method, &format!("{}{below}", tenant.admin_path()), body)
}

/// A command about this tenant, and its answer as JSON.
pub(crate) fn said(gateway: &Gateway, tenant: &Tenant, words: &[&str]) -> Value {
    let of = ["--region", &tenant.region, "--key", &tenant.key, "--json"];
    serde_json::from_str(&gateway.cli_ok(&[words, &of].concat())).unwrap()
}
