//! A request's body: its type, its size, the time it may take, and the JSON in it.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
    web::{BytesMut, Payload},
};
use futures_util::StreamExt as _;
use scim_core::{json, leniency::Tolerance};
use serde_json::Value;
use tokio::time::timeout;

use crate::api_error::ApiError;

/// Reads and parses the body of a request whose caller is known.
///
/// # Errors
/// 415, 413, 408, or 400 `invalidSyntax`.
pub(super) async fn read_json(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    patience: Duration,
    tolerance: &mut Tolerance,
) -> Result<Value, ApiError> {
    check_type(request)?;
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit.saturating_mul(DRAINED)) {
        return Err(ApiError::BodyTooLarge { limit, read: false });
    }
    let bytes = timeout(patience, collect(payload, limit, announced)).await;
    let bytes = bytes.map_err(|_| ApiError::BodyTooSlow { seconds: patience.as_secs() })??;
    Ok(json::parse(json::without_byte_order_mark(&bytes, tolerance)?)?)
}

/// A body of up to so many times the limit is read to its end, and thrown away, before it is refused: a client that still
/// sends would see its connection break and never read why.
const DRAINED: usize = 4;

/// `application/scim+json` or `application/json`, with any parameters, or none at all (RFC 7644 §3.1 and §8.1); never packed.
fn check_type(request: &HttpRequest) -> Result<(), ApiError> {
    let plain = |coding: &HeaderValue| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if !request.headers().get_all(CONTENT_ENCODING).all(plain) {
        return Err(ApiError::UnsupportedMediaType("Send the body without Content-Encoding."));
    }
    let media = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim());
    match media {
        None | Some("") => Ok(()),
        Some(m) if is_json(m) => Ok(()),
        Some(_) => Err(ApiError::UnsupportedMediaType("Send the body as application/scim+json.")),
    }
}

fn is_json(media: &str) -> bool {
    media.eq_ignore_ascii_case("application/scim+json") || media.eq_ignore_ascii_case("application/json")
}

async fn collect(mut payload: Payload, limit: usize, announced: Option<usize>) -> Result<BytesMut, ApiError> {
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or(2048).min(64 * 1024));
    let mut length = 0_usize;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::BodyBroken)?;
        length = length.saturating_add(chunk.len());
        if length > limit.saturating_mul(DRAINED) {
            return Err(ApiError::BodyTooLarge { limit, read: false });
        }
        if length > limit {
            bytes = BytesMut::new();
        } else {
            bytes.extend_from_slice(&chunk);
        }
    }
    if length > limit { Err(ApiError::BodyTooLarge { limit, read: true }) } else { Ok(bytes) }
}
