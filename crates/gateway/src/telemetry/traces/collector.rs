//! The way to the collector (OTLP over HTTP). The log tells once that it is away, and once that it is there again.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tracing::{info, warn};
use ureq::{Agent, http::HeaderMap};

use crate::{outgoing, settings::Traces};

/// For one batch, from the look-up of the name to the last byte. It is sent once.
pub(super) const TIME: Duration = Duration::from_secs(5);
/// Longest answer that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// The collector of traces.
#[derive(Debug)]
pub(super) struct Collector {
    agent: Agent,
    /// The headers that it wants beside those of OTLP; their values are marked as secret.
    headers: HeaderMap,
    /// Whether it took traces, as the log has told it last.
    told: Mutex<Option<bool>>,
}

impl Collector {
    /// # Errors
    /// One sentence for the operator, about a file of `[traces]`.
    pub(super) fn new(settings: &Traces) -> Result<Self, String> {
        let config = outgoing::straight()
            .tls_config(outgoing::tls("traces.ca_file", &settings.ca_file)?)
            .http_status_as_error(false)
            .timeout_global(Some(TIME))
            .build();
        let headers = settings.headers()?;
        Ok(Self { agent: Agent::new_with_config(config), headers, told: Mutex::default() })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (mut head, body) = request.into_parts();
        // In the place of what variables of OpenTelemetry's may have added.
        for (name, value) in &self.headers {
            head.headers.insert(name, value.clone());
        }
        let (head, mut body) = self.agent.run(Request::from_parts(head, body.to_vec()))?.into_parts();
        let body = body.with_config().limit(LONGEST).read_to_vec()?;
        Ok(Response::from_parts(head, body.into()))
    }

    fn is_news(&self, takes_them: bool) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.replace(takes_them) != Some(takes_them)
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
            None if self.is_news(true) => info!("the collector of traces is reached"),
            Some(error) if self.is_news(false) => {
                warn!(error, "the collector of traces does not take them; they are lost until it does");
            }
            _ => {}
        }
        Ok(sent?)
    }
}
