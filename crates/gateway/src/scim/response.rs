//! Responses to SCIM clients: media type, entity tag, location, one body in one write.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    http::{
        StatusCode,
        header::{ACCEPT, CONTENT_TYPE, ETAG, LOCATION, WWW_AUTHENTICATE},
    },
    web::Bytes,
};

use provisioning::Done;
use scim_core::ScimError;

use crate::{
    api_error::ApiError,
    credential::CHALLENGES,
    shares::{AnswerRoom, Held, SHORT},
};

/// RFC 7644 §8.1.
const SCIM_JSON: &str = "application/scim+json; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

/// A response before it meets HTTP.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) body: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) location: Option<String>,
    /// A part of the tenant's share, if the body is long.
    pub(super) room: Option<Held>,
    /// The id of the resource that was written.
    pub(super) id: Option<String>,
    /// What was done, for the log and the metrics.
    pub(super) done: Done,
}

impl Response {
    pub(super) fn ok(body: String) -> Self {
        Self { body: Some(body), ..Self::empty(StatusCode::OK) }
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, body: None, etag: None, location: None, room: None, id: None, done: Done::default() }
    }

    pub(super) fn with_etag(mut self, etag: String) -> Self {
        self.etag = Some(etag);
        self
    }

    /// Takes room for the body if it is long and has none yet; false when there is none.
    pub(super) fn takes_room(&mut self, mut room: AnswerRoom) -> bool {
        let length = self.length();
        if self.room.is_some() || length <= SHORT {
            return true;
        }
        let fits = room.fits(length);
        self.room = room.held();
        fits
    }

    fn length(&self) -> usize {
        self.body.as_ref().map_or(0, String::len)
    }

    pub(super) fn into_http(self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(etag) = self.etag {
            response.insert_header((ETAG, etag));
        }
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        match self.body {
            Some(body) => {
                response.insert_header((CONTENT_TYPE, media_type(request)));
                if body.len() <= SHORT {
                    return response.body(body);
                }
                response
                    .body(LongBody { left: body.into(), pauses: false, _room: self.room })
                    .map_into_boxed_body()
            }
            None => response.finish(),
        }
    }
}

/// A long body, which is written piece by piece: its thread serves others in between, the connection holds no copy of it, and
/// its room is given back when all of it is written or nobody wants it any more.
struct LongBody {
    left: Bytes,
    /// Whether others have their turn now.
    pauses: bool,
    _room: Option<Held>,
}

impl MessageBody for LongBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.left.len()).unwrap_or(u64::MAX))
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let body = self.get_mut();
        if body.left.is_empty() {
            return Poll::Ready(None);
        }
        body.pauses = !body.pauses;
        if !body.pauses {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = SHORT.min(body.left.len());
        Poll::Ready(Some(Ok(body.left.split_to(piece))))
    }
}

/// An error, in the form that SCIM clients read.
pub(super) fn error_response(error: &ApiError, scim: &ScimError, request: &HttpRequest) -> HttpResponse {
    let status = StatusCode::from_u16(scim.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((WWW_AUTHENTICATE, CHALLENGES));
    }
    if let ApiError::OutOfScope(scope) = error {
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        response.insert_header((WWW_AUTHENTICATE, challenge));
    }
    if let Some(seconds) = error.failure().retry_after {
        response.insert_header(("Retry-After", seconds.to_string()));
    }
    if let ApiError::MethodNotAllowed { allow } = error {
        response.insert_header(("Allow", allow.clone()));
    }
    if error.leaves_body_unread() {
        // What is left of the body would be taken for the next request.
        response.force_close();
    }
    response.insert_header((CONTENT_TYPE, media_type(request))).body(scim.to_json().to_string())
}

/// `application/json` when `Accept` admits of the two only that, else `application/scim+json`. An `Accept` that admits
/// neither is answered all the same: RFC 9110 §12.4.1 lets a server disregard it, and a 406 would tell an administrator
/// nothing.
fn media_type(request: &HttpRequest) -> &'static str {
    let lines = || request.headers().get_all(ACCEPT).filter_map(|line| line.to_str().ok());
    let ranges: Vec<_> = lines().flat_map(|line| line.split(',')).filter_map(range).collect();
    if welcome("application/json", &ranges) > welcome("application/scim+json", &ranges) {
        JSON
    } else {
        SCIM_JSON
    }
}

/// How a type is met by an `Accept`, from worst to best.
#[derive(PartialEq, PartialOrd)]
enum Welcome {
    /// `q=0`: "not acceptable" (RFC 9110 §12.4.2).
    Refused,
    NotNamed,
    Admitted,
}

/// What the most specific range that a type falls into says of it (RFC 9110 §12.5.1); without any range all is welcome alike.
fn welcome(media: &str, ranges: &[(&str, bool)]) -> Welcome {
    let says = |wanted: &str| ranges.iter().rfind(|(range, _)| range.eq_ignore_ascii_case(wanted));
    match says(media).or_else(|| says("application/*")).or_else(|| says("*/*")) {
        Some((_, true)) => Welcome::Admitted,
        Some((_, false)) => Welcome::Refused,
        None => Welcome::NotNamed,
    }
}

/// One element of `Accept`: its media range, and whether that is wanted; `None` for an empty one.
fn range(element: &str) -> Option<(&str, bool)> {
    let mut parts = element.split(';').map(str::trim);
    let media = parts.next().filter(|media| !media.is_empty())?;
    let weight = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
    let zero = weight.is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0));
    Some((media, !zero))
}
