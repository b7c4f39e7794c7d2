//! Traces (docs/logging.md): a span for each request, with the fields of its log line, and below it one for each transaction, each script of
//! Redis and each fetch of keys that it waits for. Only a build with the feature `otel` sends them, where the settings name a collector;
//! everywhere else no span is made.

#[cfg(feature = "otel")]
mod collector;
#[cfg_attr(not(feature = "otel"), path = "nowhere.rs")]
mod otlp;

use actix_web::HttpRequest;
use store::TRACES;
use tracing::{Span, field::Empty, info_span};

pub(crate) use self::otlp::{Exporting, traceparent};
use crate::client_address::TrustedProxies;

/// Begins the span of a request. It goes on with the trace of a trusted proxy, as its request id does; a trace that anybody else names is
/// not ours to go on with.
pub(crate) fn begin(request: &HttpRequest, proxies: &TrustedProxies) -> Span {
    let span = info_span!(
        target: TRACES,
        parent: None,
        "request",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = Empty,
        http.route = Empty,
        http.response.status_code = Empty,
        listener = Empty,
        request_id = Empty,
        region = Empty,
        tenant = Empty,
        credential = Empty,
        idp = Empty,
        scim_type = Empty,
        cause = Empty
    );
    if !span.is_disabled() && proxies.sent(request) {
        otlp::go_on(&span, request.headers());
    }
    span
}

/// The facts that the span of a request tells in the end, by the names that the log has for them.
#[derive(Default)]
pub(crate) struct Told<'a> {
    pub(crate) listener: &'static str,
    pub(crate) request_id: &'a str,
    pub(crate) region: Option<&'a str>,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) credential: Option<&'a str>,
    pub(crate) idp: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) route: &'a str,
    pub(crate) code: u16,
    pub(crate) scim_type: Option<&'a str>,
    pub(crate) cause: Option<&'a str>,
}

impl Told<'_> {
    /// Writes it into the span of the request, in which this is called, and ends that.
    pub(crate) fn end(&self) {
        let span = Span::current();
        if span.is_disabled() {
            return;
        }
        // A refusal is no error of the server (OpenTelemetry's conventions for HTTP spans).
        if self.code >= 500 {
            span.record("otel.status_code", "ERROR");
        }
        span.record("http.request.method", self.method);
        span.record("http.route", self.route);
        // Of all numbers the layer has integers for `i64` alone.
        span.record("http.response.status_code", i64::from(self.code));
        span.record("listener", self.listener);
        span.record("request_id", self.request_id);
        let others = [
            ("region", self.region),
            ("tenant", self.tenant),
            ("credential", self.credential),
            ("idp", self.idp),
            ("scim_type", self.scim_type),
            ("cause", self.cause),
        ];
        for (name, value) in others {
            span.record(name, value);
        }
        otlp::end(format!("{} {}", self.method, self.route));
    }
}

/// Whether the request in which this is called has a span.
pub(crate) fn is_traced() -> bool {
    !Span::current().is_disabled()
}

/// The trace of the request in which this is called, where its spans are sent: for its log line.
pub(crate) fn trace_id() -> Option<String> {
    if is_traced() { otlp::trace_id() } else { None }
}
