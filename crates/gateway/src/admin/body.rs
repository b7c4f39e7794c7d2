//! Bodies of the admin API: one JSON object of the route's form, without duplicate keys and without invisible characters.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_ENCODING, HeaderValue},
    web,
};
use scim_core::json;
use serde::de::DeserializeOwned;
use serde_json::Value;
use staff::printable::is_printable;

use super::Problem;

/// The largest body of an admin route, in bytes, unless its scope sets [`Largest`].
const LIMIT: usize = 64 * 1024;

/// The largest body of the routes of a scope, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Largest(pub(super) usize);

/// A parsed body. `Body<Option<T>>` also accepts an empty one.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = web::Payload::from_request(&request, payload);
        Box::pin(async move {
            let limit = request.app_data::<Largest>().map_or(LIMIT, |largest| largest.0);
            let too_long = |_| Problem::new(413, format!("The body is longer than {limit} bytes."));
            let broken = |_| Problem::bad_request("The body broke off or was not framed as its headers say.");
            let payload = payload.await.map_err(broken)?;
            let bytes = payload.to_bytes_limited(limit).await.map_err(too_long)?.map_err(broken)?;
            if bytes.is_empty() {
                let nothing = serde_json::from_value(Value::Null);
                return nothing.map(Self).map_err(|_| Problem::bad_request("Send a body: one JSON object."));
            }
            check_type(&request)?;
            read(&bytes).map(Self)
        })
    }
}

/// Accepts uncompressed JSON only: a page of another origin cannot send that without a preflight request (attack 54).
fn check_type(request: &HttpRequest) -> Result<(), Problem> {
    let plain = |coding: &HeaderValue| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if !request.headers().get_all(CONTENT_ENCODING).all(plain) {
        return Err(Problem::new(415, "Send the body without Content-Encoding."));
    }
    let media = request.content_type().to_ascii_lowercase();
    if media.is_empty()
        || media == "application/json"
        || (media.starts_with("application/") && media.ends_with("+json"))
    {
        return Ok(());
    }
    Err(Problem::new(415, "Send the body as application/json."))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let document =
        json::parse(bytes, &json::Limits::SCIM).map_err(|error| Problem::new(error.status, error.detail))?;
    // serde reads a list as the members of a struct, in their order.
    if !document.is_object() {
        return Err(Problem::bad_request("The body must be one JSON object."));
    }
    if let Some(hidden) = hidden_in(&document) {
        return Err(Problem::bad_request(format!(
            "The body holds the character U+{:04X}, which does not show; leave it out.",
            u32::from(hidden)
        )));
    }
    // Parsed a second time, because this error names line and column.
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::bad_request(format!("The body is not what this needs: {error}.")))
}

/// The first invisible character in a name or a text. Line breaks and tabs are allowed, because descriptions are long.
fn hidden_in(value: &Value) -> Option<char> {
    let in_text = |text: &str| text.chars().find(|c| !is_printable(*c) && !matches!(c, '\n' | '\r' | '\t'));
    match value {
        Value::String(text) => in_text(text),
        Value::Array(elements) => elements.iter().find_map(hidden_in),
        Value::Object(members) => {
            members.iter().find_map(|(name, value)| in_text(name).or_else(|| hidden_in(value)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
