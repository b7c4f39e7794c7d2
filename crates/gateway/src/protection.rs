//! Headers of every response of SCIM and of the admin API.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// Forbids caches and type sniffing (attack 55), and adds the request id, by which the log lines are found.
pub(crate) fn protect(headers: &mut HeaderMap, request_id: &str) {
    let mut set = |name: &'static str, value: &'static str| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    };
    set("cache-control", "no-store");
    set("x-content-type-options", "nosniff");
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
}
