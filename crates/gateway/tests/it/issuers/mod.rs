//! Tokens that other issuers sign: sent with requests, and as the assertions of clients; and where the keys come from.

mod assertions;
mod keys;
pub(crate) mod server;
mod tokens;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
    signing::{SigningKey, key_set},
};

use crate::{credentials::added, running::gateway_with};
use server::Issuer;

pub(crate) const AUDIENCE: &str = "api://usher";
/// The issuer whose keys are in a file.
pub(crate) const BY_FILE: &str = "https://login.example.com/";

/// A gateway that fetches keys from loopback.
pub(crate) fn trusting() -> Gateway {
    gateway_with(&[("USHER__AUTH__INSECURE_JWKS", "true"), ("USHER__AUTH__JWKS_FETCH_SECONDS", "2")])
}

/// Seconds since 1970 UTC.
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The claims of a good token of this issuer, with some of them changed; null takes one away.
pub(crate) fn claims(issuer: &str, changes: Value) -> Value {
    let now = now();
    let mut claims = json!({
        "iss": issuer, "aud": AUDIENCE, "sub": "sync", "iat": now, "nbf": now, "exp": now + 3_600,
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// Lets a tenant trust an issuer, by the command line.
pub(crate) fn trust(gateway: &Gateway, tenant: &Tenant, issuer: &Issuer, more: &[&str]) -> Value {
    let (iss, url) = (issuer.name(), issuer.url());
    let words = ["--issuer", &iss, "--audience", AUDIENCE, "--jwks-url", &url];
    added(gateway, tenant, "issuer", &[&words[..], more].concat())
}

/// An issuer whose keys are in a file, for this tenant.
pub(crate) fn by_file(gateway: &Gateway, tenant: &Tenant, keys: &[&SigningKey], more: &[&str]) -> Value {
    let file = gateway.data_dir().join("keys.json");
    std::fs::write(&file, key_set(keys).to_string()).unwrap();
    let words = ["--issuer", BY_FILE, "--audience", AUDIENCE, "--jwks-file"];
    added(gateway, tenant, "issuer", &[&words[..], &[file.to_str().unwrap()], more].concat())
}

/// The tenant by this token.
pub(crate) fn by(tenant: &Tenant, token: &str) -> Tenant {
    Tenant { token: token.to_owned(), ..tenant.clone() }
}

/// The answer to a probe with this token.
pub(crate) fn probe(tenant: &Tenant, token: &str) -> Answer {
    by(tenant, token).get("/Users?count=1")
}

/// A token of this issuer, signed by this key.
pub(crate) fn token(key: &SigningKey, issuer: &Issuer, changes: Value) -> String {
    key.token(&claims(&issuer.name(), changes))
}
