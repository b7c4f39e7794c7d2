//! Credentials of every kind: how they are made, what each opens, what each may do, and what becomes of them.

mod basic;
mod diagnose;
mod expiry;
mod guide;
mod makers;
mod oauth;
pub(crate) mod scopes;
mod staff;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Request,
    signing::{SigningKey, key_set},
};

use crate::issuers::{AUDIENCE, claims};
pub(crate) use oauth::exchanged;

/// A credential as a request bears it.
pub(crate) struct Held {
    /// What it is.
    pub(crate) kind: &'static str,
    /// What it is revoked by.
    pub(crate) key_id: String,
    /// The value of `Authorization`.
    pub(crate) authorization: String,
    /// Whether it opens its tenant: a client's secret is to be exchanged first.
    pub(crate) opens: bool,
}

/// New credentials of this tenant, one of each kind. Tests that walk all kinds read them here.
pub(crate) fn of_every_kind(gateway: &Gateway, tenant: &Tenant) -> Vec<Held> {
    let [bearer, basic, client] = ["bearer", "basic", "oauth"].map(|kind| added(gateway, tenant, kind, &[]));
    let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
    let issuer = format!("https://{}.{}.example/", tenant.key, tenant.region);
    let (key, other) = (SigningKey::ed25519("one"), SigningKey::ed25519("two"));
    let trust = |key: &SigningKey, purpose: &str| {
        let file = gateway.data_dir().join("keys.json");
        std::fs::write(&file, key_set(&[key]).to_string()).unwrap();
        let file = file.to_str().unwrap();
        let words =
            ["--issuer", &issuer, "--audience", AUDIENCE, "--jwks-file", file, "--algorithms", "EdDSA"];
        added(gateway, tenant, "issuer", &[&words[..], &["--for", purpose]].concat())
    };
    let (trusted, proving) = (trust(&key, "bearer"), trust(&other, "assertion"));
    let signed = |key: &SigningKey| format!("Bearer {}", key.token(&claims(&issuer, json!({}))));
    let held = |kind, made: &Value, authorization, opens| {
        let key_id = text(made, "key_id").to_owned();
        Held { kind, key_id, authorization, opens }
    };
    vec![
        held("bearer token", &bearer, format!("Bearer {}", text(&bearer, "token")), true),
        held("key with its secret", &basic, pair(text(&basic, "key"), text(&basic, "secret")), true),
        held("access token", &client, format!("Bearer {}", exchanged(&client, "")), true),
        held("client's secret", &client, format!("Bearer {secret}"), false),
        held("client with its secret", &client, pair(id, secret), false),
        held("token of a trusted issuer", &trusted, signed(&key), true),
        held("assertion of a client", &proving, signed(&other), false),
    ]
}

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
