//! Problem details (RFC 9457): what staff are told when an act is refused or fails.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use directory::DirectoryError;
use provisioning::ProvisioningError;
use seat_ledger::SeatError;
use serde_json::json;
use store::StoreError;
use tenant_registry::RegistryError;
use tracing::error;

use crate::{printable::on_one_line, regions::RegionDown};

/// One problem: a status, a sentence that says what to change, and an id that the log has too when there is more to say.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    /// All faults one by one, where there can be several.
    errors: Vec<String>,
    /// Seconds.
    retry_after: Option<u64>,
    /// For the log alone.
    cause: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: u16, detail: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Self { status, detail: detail.into(), errors: Vec::new(), retry_after, cause: None }
    }

    pub(crate) fn too_many_attempts(seconds: u64) -> Self {
        let detail = "Too many wrong credentials from here; wait before the next try.";
        Self { retry_after: Some(seconds), ..Self::new(429, detail) }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, detail)
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether there was no room on the disk.
    pub(crate) fn is_full(&self) -> bool {
        self.status == StatusCode::INSUFFICIENT_STORAGE
    }

    /// With a list of all faults beside the sentence.
    pub(crate) fn with_errors(self, errors: Vec<String>) -> Self {
        Self { errors, ..self }
    }

    /// The cause goes to the log, the caller gets a plain sentence.
    fn internal(cause: &dyn fmt::Display) -> Self {
        Self { cause: Some(cause.to_string()), ..Self::new(500, "Something went wrong here; it was logged.") }
    }

    /// The answer to the request of this id; logs what the caller is not told.
    pub(crate) fn tell(&self, request_id: &str) -> HttpResponse {
        if let Some(cause) = &self.cause {
            error!(request_id, cause, "an admin request failed");
        }
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": sentence(&self.detail),
            "request_id": request_id,
        });
        if let (false, Some(members)) = (self.errors.is_empty(), body.as_object_mut()) {
            let errors: Vec<String> = self.errors.iter().map(|error| sentence(error)).collect();
            members.insert("errors".into(), json!(errors));
        }
        let mut response = self.error_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.set_body(BoxBody::new(body.to_string()))
    }
}

/// What is told may repeat what was sent, so it is held to one line that shows, and to a length.
fn sentence(text: &str) -> String {
    /// Characters; ten faults of a schema fit.
    const LONGEST: usize = 2_000;
    let told: String = on_one_line(text).chars().take(LONGEST).collect();
    if text.chars().count() > LONGEST { told + "..." } else { told }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// On its way out of a handler; the door of the admin API makes the answer of it, with [`Problem::tell`].
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status)
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        let sentence = format!("{error}.");
        match error {
            RegistryError::BadName(_) | RegistryError::Initialise(_) => Self::new(400, sentence),
            RegistryError::KeyTaken { .. } | RegistryError::BeingDeleted { .. } => Self::new(409, sentence),
            RegistryError::NotRemoved { .. } => {
                Self { cause: Some(error.to_string()), ..Self::new(503, sentence) }
            }
            RegistryError::NoTenant { .. } | RegistryError::NoToken(_) => Self::new(404, sentence),
            RegistryError::Damaged(_) => Self::internal(&error),
            RegistryError::Store(error) => error.into(),
        }
    }
}

impl From<RegionDown> for Problem {
    fn from(down: RegionDown) -> Self {
        Self::new(503, format!("The {down}. It is tried again every few seconds."))
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::new(503, "The store is busy; retry after a moment."),
            StoreError::OverLimit { .. } => Self::new(507, format!("{error}.")),
            StoreError::Full => Self::new(507, "The disk is full; nothing was changed."),
            StoreError::Unavailable(_)
            | StoreError::Missing
            | StoreError::Corrupt(_)
            | StoreError::Migration(_) => Self {
                cause: Some(error.to_string()),
                ..Self::new(503, "The data of this tenant cannot be reached now; the cause was logged.")
            },
            StoreError::Panicked | StoreError::Unique(_) | StoreError::Query(_) => Self::internal(&error),
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
            ProvisioningError::Store(error)
            | ProvisioningError::Directory(DirectoryError::Store(error))
            | ProvisioningError::Seats(SeatError::Store(error)) => error.into(),
            other => Self::internal(&other),
        }
    }
}

impl From<SeatError> for Problem {
    fn from(error: SeatError) -> Self {
        ProvisioningError::from(error).into()
    }
}
