//! The conditions of a request, as HTTP carries them, and what they make of a read (RFC 7644 §3.14).

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{HeaderName, IF_MATCH, IF_NONE_MATCH},
    },
};
use provisioning::Preconditions;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::response::Response;
use crate::api_error::ApiError;

/// `If-Match` and `If-None-Match`, as sent. A list may stand in several lines (RFC 9110 §5.3).
pub(super) fn conditions(request: &HttpRequest) -> Preconditions {
    let list = |name: HeaderName| {
        // A line that is no text names no tag, and must not be taken for absent.
        let mut lines = request.headers().get_all(name).map(|line| line.to_str().unwrap_or_default());
        let first = lines.next()?.to_owned();
        Some(lines.fold(first, |list, line| format!("{list},{line}")))
    };
    Preconditions { if_match: list(IF_MATCH), if_none_match: list(IF_NONE_MATCH) }
}

/// One resource of this entity tag, as the conditions want it.
///
/// # Errors
/// 412, or what `text` fails with.
pub(super) fn conditional(
    conditions: &Preconditions,
    tag: String,
    text: impl FnOnce() -> Result<String, ApiError>,
) -> Result<Response, ApiError> {
    conditions.check_read(&tag)?;
    let known = conditions.has(&tag);
    let answer = if known { Response::empty(StatusCode::NOT_MODIFIED) } else { Response::ok(text()?) };
    Ok(answer.with_etag(tag))
}

/// Gives a resource whose versions nobody counts one that is made of its text.
pub(super) fn give_version(resource: &mut Map<String, Value>) -> String {
    let mut digest = Sha256::new();
    for (name, value) in resource.iter() {
        digest.update(format!("{name}:{value},"));
    }
    let start: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let version = format!("W/\"{start}\"");
    if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
        meta.insert("version".to_owned(), version.as_str().into());
    }
    version
}
