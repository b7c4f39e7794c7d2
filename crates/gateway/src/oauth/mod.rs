//! OAuth 2.0 client credentials (RFC 6749 §4.4): a client's secret for a short-lived access token, and the metadata that say where
//! (RFC 8414).

mod access_token;
mod endpoint;
mod metadata;
mod sealing;
mod signing_keys;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use percent_encoding::percent_decode_str;

pub(crate) use access_token::{AccessTokens, Admitted, Signature};
pub(crate) use sealing::Sealing;
pub(crate) use signing_keys::SigningKeys;

use crate::app::App;

/// Answers what clients ask here. The paths are told apart by hand: patterns with a region and a key in them would cost each request
/// of SCIM a third of its work.
pub(crate) enum Path {
    /// `…/oauth/token`: what stands before it.
    Token(Vec<String>),
    /// `/.well-known/oauth-authorization-server/…`: what follows.
    Metadata(Vec<String>),
}

impl Path {
    /// `None` for a path of anything else.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let segments = |text: &str| {
            let segments = text.split('/').filter(|segment| !segment.is_empty());
            segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
        };
        match path.strip_suffix("/oauth/token") {
            Some(before) => Some(Self::Token(segments(before))),
            None => {
                let rest = path.strip_prefix("/.well-known/oauth-authorization-server/")?;
                Some(Self::Metadata(segments(rest)))
            }
        }
    }
}

pub(crate) async fn answer(
    path: Path,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> HttpResponse {
    match path {
        Path::Token(before) => endpoint::token(&before, &request, payload, &app).await,
        Path::Metadata(named) => metadata::metadata(&named, &request, &app),
    }
}
