//! The way to the collector (OTLP over HTTP). The log tells once that it is away, and once that it is there again.

use std::{
    path::Path,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tracing::{info, warn};
use ureq::Agent;

use crate::authorities;

/// For one batch, from the look-up of the name to the last byte.
const TIME: Duration = Duration::from_secs(5);
/// Longest answer that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What the log has told of the collector.
const NOTHING: u8 = 0;
const THERE: u8 = 1;
const AWAY: u8 = 2;

/// The collector of traces.
#[derive(Debug)]
pub(super) struct Collector {
    agent: Agent,
    told: AtomicU8,
}

impl Collector {
    /// # Errors
    /// One sentence for the operator, about `traces.ca_file`.
    pub(super) fn new(ca_file: &Path) -> Result<Self, String> {
        let config = Agent::config_builder()
            .tls_config(authorities::trusted("traces.ca_file", ca_file)?)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(TIME))
            .user_agent("usher")
            .build();
        Ok(Self { agent: Agent::new_with_config(config), told: AtomicU8::new(NOTHING) })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (head, body) = request.into_parts();
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
