//! A request's body: its type, its size, the time it may take, the JSON in it, and what is made of that. A long one waits for
//! its share of memory, and is parsed and judged in the background.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
    web::{BytesMut, Payload},
};
use futures_util::StreamExt as _;
use provisioning::{RequestContext, user_name};
use scim_core::{json, leniency::Tolerance};
use serde_json::Value;
use store::in_background;
use tenant_registry::Tenant;
use tokio::time::timeout;

use crate::{
    api_error::ApiError,
    app::App,
    shares::{Arriving, Held, SHORT},
};

/// A body as it came.
pub(super) struct Body {
    bytes: BytesMut,
    /// Of a long one.
    room: Option<Arriving>,
}

/// What was read from a body.
pub(super) struct Parsed<T> {
    pub(super) value: T,
    /// The memory of what a long one was parsed to, to be held for as long as the request has work.
    pub(super) memory: Option<Held>,
}

impl Body {
    /// Reads the body of a request whose caller is known.
    ///
    /// # Errors
    /// 415, 413, 408; 503 when there is no memory for it.
    pub(super) async fn read(
        app: &App,
        tenant: &Tenant,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<Self, ApiError> {
        check_type(request)?;
        let server = &app.settings.server;
        let (limit, time) = (server.body_limit_bytes, server.body_timeout_seconds.0);
        let announced =
            request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limit.saturating_mul(DRAINED)) {
            return Err(ApiError::BodyTooLarge { limit, read: false });
        }
        let mut reading = Reading { app, tenant, limit, bytes: BytesMut::new(), room: None };
        if let Some(length) = announced.filter(|length| *length <= limit) {
            reading.announce(length).await?;
        }
        let read = timeout(time, reading.collect(payload)).await;
        read.map_err(|_| ApiError::BodyTooSlow { seconds: time.as_secs() })??;
        Ok(Self { bytes: reading.bytes, room: reading.room })
    }

    /// Parses the body, and reads what the request asks for from the JSON in it.
    ///
    /// # Errors
    /// 400 `invalidSyntax`; 503 when its turn does not come; or those of `read`.
    pub(super) async fn parse<T, F>(
        self,
        app: &App,
        tenant: &Tenant,
        context: &mut RequestContext,
        read: F,
    ) -> Result<Parsed<T>, ApiError>
    where
        F: FnOnce(Value, &mut RequestContext) -> Result<T, ApiError> + Send + 'static,
        T: Send + 'static,
    {
        let Self { bytes, room } = self;
        let Some(room) = room else {
            let value = read(parse(&bytes, &mut context.tolerance)?, context)?;
            return Ok(Parsed { value, memory: None });
        };
        let memory = app.shares.values(tenant, bytes.len()).await?;
        let turn = app.shares.work(tenant).await?;
        let mut own = context.attempt();
        let work = move || {
            let _turn = turn;
            let parsed = parse(&bytes, &mut own.tolerance);
            drop((bytes, room));
            let value = parsed.and_then(|value| read(value, &mut own));
            // The caller may be gone by now; the memory is held for as long as it is used.
            Ok::<_, ApiError>((value.map(|value| Parsed { value, memory: Some(memory) }), own))
        };
        let (parsed, own) = in_background(work).await?;
        context.tolerance.seen.extend(own.tolerance.seen);
        context.sent = own.sent;
        parsed
    }
}

/// The longest wait for the body of a request that is refused in any case.
const REFUSED: Duration = Duration::from_secs(2);

/// The userName in the body of a creation that is refused whatever it holds. `None` of a body that is long, slow or cannot be read.
pub(super) async fn user_name_in(request: &HttpRequest, payload: Payload) -> Option<String> {
    check_type(request).ok()?;
    let bytes = timeout(REFUSED, payload.to_bytes_limited(SHORT)).await.ok()?.ok()?.ok()?;
    user_name(&parse(&bytes, &mut Tolerance::lenient()).ok()?)
}

fn parse(bytes: &[u8], tolerance: &mut Tolerance) -> Result<Value, ApiError> {
    Ok(json::parse(json::without_byte_order_mark(bytes, tolerance)?, &json::Limits::SCIM)?)
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

/// A body on its way.
struct Reading<'a> {
    app: &'a App,
    tenant: &'a Tenant,
    limit: usize,
    bytes: BytesMut,
    room: Option<Arriving>,
}

impl Reading<'_> {
    /// Waits until a body of this length may come, unless it is short.
    async fn announce(&mut self, length: usize) -> Result<(), ApiError> {
        if length > SHORT {
            self.room = Some(self.app.shares.body(self.tenant, length).await?);
        }
        self.bytes.reserve(length.min(SHORT));
        Ok(())
    }

    async fn collect(&mut self, mut payload: Payload) -> Result<(), ApiError> {
        let (limit, mut length) = (self.limit, 0_usize);
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| ApiError::BodyBroken)?;
            length = length.saturating_add(chunk.len());
            if length > limit.saturating_mul(DRAINED) {
                return Err(ApiError::BodyTooLarge { limit, read: false });
            }
            if length > limit {
                self.bytes = BytesMut::new();
                continue;
            }
            if length > SHORT && self.room.is_none() {
                // How long a body will be that did not announce it, only its end tells.
                self.announce(limit).await?;
            }
            if let Some(room) = &mut self.room {
                room.comes_to(length).await?;
            }
            self.bytes.extend_from_slice(&chunk);
        }
        if length > limit { Err(ApiError::BodyTooLarge { limit, read: true }) } else { Ok(()) }
    }
}
