//! Requests that are being answered, by listener, and the length of their bodies.

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use metrics::Metrics;
use prometheus::IntGauge;

/// One request that is being answered, until it is dropped.
pub(crate) struct InFlight(IntGauge);

impl InFlight {
    /// Counts a request of such a listener, with the body that its headers announce.
    pub(crate) fn begin(metrics: &Metrics, listener: &str, headers: &HeaderMap) -> Self {
        let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if let Some(length) = announced {
            metrics.http_body_bytes.with_label_values(&[listener]).observe(length);
        }
        let in_flight = metrics.http_in_flight.with_label_values(&[listener]);
        in_flight.inc();
        Self(in_flight)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
