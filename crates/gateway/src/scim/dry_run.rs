//! `Usher-Dry-Run: true`: a write is answered as it would be, and nothing of it is stored, counted or recorded.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
};
use provisioning::dry_run::Preview;
use scim_core::{ScimError, bulk::Method};
use serde_json::{Map, Value};

use super::{endpoint::Endpoint, target::Target};
use crate::api_error::ApiError;

/// The header, of the request and of its response.
const HEADER: HeaderName = HeaderName::from_static("usher-dry-run");

/// The one value that it has.
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// The method of a dry run in metrics: what counts writes does not count it.
pub(super) const METHOD: &str = "dry_run";

/// Whether a request is a dry run; asked before anything else, so that a refusal is one too. Of a read the header says nothing.
pub(super) fn is_asked(request: &HttpRequest, method: Option<Method>, target: &Target) -> bool {
    let is_true = request.headers().get(HEADER).is_some_and(|line| line == TRUE);
    is_true && method.is_some() && !matches!(Endpoint::parse(&target.rest), Some(Endpoint::Search(_)))
}

/// Refuses a header that is neither absent nor `true`, of a request that would write: who misspells it must not have written.
///
/// # Errors
/// 400.
pub(super) fn check(
    request: &HttpRequest,
    method: Option<Method>,
    endpoint: &Endpoint,
) -> Result<(), ScimError> {
    let reads = method.is_none() || matches!(endpoint, Endpoint::Search(_));
    let mut lines = request.headers().get_all(HEADER);
    match (lines.next(), lines.next()) {
        _ if reads => Ok(()),
        (None, _) => Ok(()),
        (Some(line), None) if *line == TRUE => Ok(()),
        _ => Err(ScimError::invalid_value("The header Usher-Dry-Run is true, or it is not sent.")),
    }
}

/// Says in the response that it was one.
pub(super) fn echo(response: &mut HttpResponse) {
    response.headers_mut().insert(HEADER, TRUE);
}

/// A body of ours with the seats in it.
///
/// # Errors
/// 500 for a text that is no JSON object, which none of ours is.
pub(super) fn with_seats(body: &str, preview: &Preview) -> Result<String, ApiError> {
    let body: Map<String, Value> =
        serde_json::from_str(body).map_err(|error| ApiError::Misconfigured(error.to_string()))?;
    Ok(Value::Object(preview.shown_in(body)).to_string())
}
