//! Problem details (RFC 9457): the response when an act is refused or fails.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde_json::{Value, json};
use staff::printable::on_one_line;
use tracing::error;

use super::response::with;
use crate::{
    api_error::{Failure, Fault},
    credential::CHALLENGES,
    telemetry::traces,
};

/// A failure as staff see it.
#[derive(Debug)]
pub(crate) struct Problem(Failure);

impl Problem {
    pub(crate) fn new(status: u16, detail: impl Into<String>) -> Self {
        Failure::new(status, detail).into()
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, detail)
    }

    /// No route has this path and method.
    pub(super) fn nothing_here() -> Self {
        Self::new(404, "There is nothing at this path, or it does not take this method.")
    }

    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The response to the request of this id. Logs the cause, which the response does not contain.
    pub(crate) fn tell(&self, request_id: &str) -> HttpResponse {
        let (status, Failure { detail, errors, retry_after, cause, .. }) = (self.status(), &self.0);
        if let Some(cause) = cause {
            error!(request_id, cause, trace_id = traces::trace_id(), "an admin request failed");
        }
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": sentence(detail),
            "request_id": request_id,
        });
        let body = match errors.as_slice() {
            [] => body,
            errors => with(body, [("errors", errors.iter().map(fault).collect())]),
        };
        let mut response = self.error_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGES));
        }
        if let Some(seconds) = *retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.set_body(BoxBody::new(body.to_string()))
    }
}

fn fault(fault: &Fault) -> Value {
    match fault {
        Fault::Sentence(text) => sentence(text).into(),
        Fault::OfProfile(fault) => {
            json!({ "line": fault.line, "key": sentence(&fault.key), "reason": sentence(&fault.reason) })
        }
    }
}

/// A detail may repeat what was sent, so it is cut to one line of visible characters and to a length.
fn sentence(text: &str) -> String {
    /// Characters; ten faults of a schema fit.
    const LONGEST: usize = 2_000;
    let shown: String = on_one_line(text).chars().take(LONGEST).collect();
    if text.chars().count() > LONGEST { shown + "..." } else { shown }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

/// The handler of every path and method that no route has.
pub(super) async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::nothing_here())
}

/// Handlers return it as an error; the middleware of the admin API makes the response, with [`Problem::tell`].
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status())
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl<E> From<E> for Problem
where
    for<'e> Failure: From<&'e E>,
{
    fn from(error: E) -> Self {
        Failure::from(&error).into()
    }
}
