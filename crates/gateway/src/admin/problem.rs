//! Problem details (RFC 9457): what staff are told when an act is refused or fails.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use provisioning::ProvisioningError;
use seat_ledger::SeatError;
use serde_json::json;
use store::StoreError;
use tenant_registry::RegistryError;
use tracing::error;

use crate::request_id;

/// One problem: a status, a sentence that says what to change, and an id that the log has too when there is more to say.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    request_id: String,
}

impl Problem {
    pub(crate) fn new(status: u16, detail: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, detail: detail.into(), request_id: request_id::new() }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, detail)
    }

    /// The cause goes to the log, the caller gets a plain sentence.
    fn internal(cause: &dyn fmt::Display) -> Self {
        let problem = Self::new(500, "Something went wrong here; it was logged.");
        error!(request_id = problem.request_id, %cause, "an admin request failed");
        problem
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "request_id": self.request_id,
        });
        let mut response = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header(("WWW-Authenticate", "Bearer"));
        }
        response.content_type("application/problem+json").body(body.to_string())
    }
}

impl actix_web::Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &actix_web::HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        let sentence = format!("{error}.");
        match error {
            RegistryError::BadName(_) | RegistryError::Initialise(_) => Self::new(400, sentence),
            RegistryError::KeyTaken { .. } => Self::new(409, sentence),
            RegistryError::NoTenant { .. } | RegistryError::NoToken(_) => Self::new(404, sentence),
            RegistryError::Damaged(_) => Self::internal(&error),
            RegistryError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::new(503, "The store is busy; retry after a moment."),
            StoreError::Full => Self::new(507, "The disk is full; nothing was changed."),
            other => Self::internal(&other),
        }
    }
}

impl From<ProvisioningError> for Problem {
    fn from(error: ProvisioningError) -> Self {
        match error {
            ProvisioningError::Seats(SeatError::NoFallback(license)) => Self::new(
                400,
                format!("{license} has no license to fall back to; its policy can only be refuse."),
            ),
            ProvisioningError::Store(error) => error.into(),
            other => Self::internal(&other),
        }
    }
}

impl From<SeatError> for Problem {
    fn from(error: SeatError) -> Self {
        ProvisioningError::from(error).into()
    }
}
