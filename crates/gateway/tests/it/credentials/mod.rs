//! Credentials of every kind: how they are made, what each opens, what each may do, and what becomes of them.

mod basic;
mod diagnose;
mod guide;
mod makers;
mod oauth;
mod scopes;
mod staff;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use testkit::{
    gateway::{Gateway, Tenant},
    http::Request,
};

/// A credential of this tenant, by the command line.
pub(crate) fn added(gateway: &Gateway, tenant: &Tenant, kind: &str, words: &[&str]) -> Value {
    crate::people::said(gateway, tenant, &[&["credential", "add", kind], words].concat())
}

/// A member that is a text.
#[track_caller]
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is no text in {value}"))
}

/// The value of `Authorization` for this pair.
pub(crate) fn pair(key: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")))
}

/// A request below the tenant's base URL with this `Authorization`.
pub(crate) fn asked(tenant: &Tenant, method: &str, path: &str, authorization: &str) -> Request {
    Request::new(method, &format!("{}{path}", tenant.base_url)).header("authorization", authorization)
}
