//! The way to the collector (OTLP over HTTP). The log tells once that it is away, and once that it is there again.

use std::{
    fmt,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tracing::{info, warn};
use ureq::{Agent, http::HeaderMap};

use crate::{authorities, settings::Traces};

/// For one batch, from the look-up of the name to the last byte. It is sent once.
pub(super) const TIME: Duration = Duration::from_secs(5);
/// Longest answer that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What the log has told of the collector.
const NOTHING: u8 = 0;
const THERE: u8 = 1;
const AWAY: u8 = 2;

/// Headers whose values are not shown.
struct Headers(HeaderMap);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The collector of traces.
#[derive(Debug)]
pub(super) struct Collector {
    agent: Agent,
    /// What it wants beside what OTLP says; secret.
    headers: Headers,
    told: AtomicU8,
}

impl Collector {
    /// # Errors
    /// One sentence for the operator, about a file of `[traces]`.
    pub(super) fn new(settings: &Traces) -> Result<Self, String> {
        let config = authorities::straight()
            .tls_config(authorities::trusted("traces.ca_file", &settings.ca_file)?)
            .http_status_as_error(false)
            .timeout_global(Some(TIME))
            .build();
        let headers = Headers(settings.headers()?);
        Ok(Self { agent: Agent::new_with_config(config), headers, told: AtomicU8::new(NOTHING) })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (mut head, body) = request.into_parts();
        // In the place of what variables of OpenTelemetry's may have added.
        for (name, value) in &self.headers.0 {
            head.headers.insert(name, value.clone());
        }
        let (head, mut body) = self.agent.run(Request::from_parts(head, body.to_vec()))?.into_parts();
        let body = body.with_config().limit(LONGEST).read_to_vec()?;
        Ok(Response::from_parts(head, body.into()))
    }

    fn is_news(&self, state: u8) -> bool {
        self.told.swap(state, Ordering::Relaxed) != state
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Blocks the calling thread, which does nothing else than to send batches.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.send(request);
        let error = match &sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("http status: {}", answer.status().as_u16())),
            Err(error) => Some(error.to_string()),
        };
        match error {
            None if self.is_news(THERE) => info!("the collector of traces is reached"),
            Some(error) if self.is_news(AWAY) => {
                warn!(error, "the collector of traces does not take them; they are lost until it does");
            }
            _ => {}
        }
        Ok(sent?)
    }
}
