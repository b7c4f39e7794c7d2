//! Successful responses of the admin API: one JSON value.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;
use serde_json::Value;

/// A JSON response.
pub(super) fn json(status: u16, body: &impl Serialize) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    HttpResponse::build(status)
        .content_type("application/json; charset=utf-8")
        .body(serde_json::to_string(body).unwrap_or_default())
}

/// The object with more members.
pub(super) fn with<'n>(mut object: Value, more: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

/// A response with a JSON list.
pub(super) fn list(elements: impl Iterator<Item = Value>) -> HttpResponse {
    json(200, &elements.collect::<Value>())
}
