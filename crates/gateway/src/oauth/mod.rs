//! OAuth 2.0 client credentials (RFC 6749 §4.4): a client's secret for a short-lived access token, and the metadata that say where
//! (RFC 8414).

mod access_token;
mod endpoint;
mod metadata;
mod sealing;
mod signing_keys;

pub(crate) use access_token::{AccessTokens, Admitted, Signature};
pub(crate) use sealing::Sealing;
pub(crate) use signing_keys::SigningKeys;

use actix_web::web;

/// The routes on the main listener.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/{before:.*}/oauth/token").to(endpoint::token));
    config.service(web::resource("/.well-known/oauth-authorization-server/{path:.*}").to(metadata::metadata));
}
