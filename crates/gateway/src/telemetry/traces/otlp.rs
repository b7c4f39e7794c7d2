//! Spans as OpenTelemetry has them, on their way to the collector: sampled, batched, sent by a thread of their own. Where the collector is
//! away they are lost, and requests do not notice.

use std::time::Duration;

use actix_web::http::header::HeaderMap;
use opentelemetry::{
    KeyValue,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{SpanContext, TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use store::TRACES;
use tokio::{task::spawn_blocking, time::Instant};
use tracing::{Metadata, Span, level_filters::LevelFilter, subscriber::Interest, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, Filter},
};

use super::collector::{Collector, TIME};
use crate::{settings::Traces, telemetry::log::BoxedLayer};

/// The longest time of a stop that is kept for the last spans.
const LAST: Duration = Duration::from_secs(10);

/// Sends the traces of the process.
pub(crate) struct Exporting(Option<SdkTracerProvider>);

impl Exporting {
    /// Sends nothing where the settings name no collector.
    ///
    /// # Errors
    /// One sentence for the operator, about a setting.
    pub(crate) fn start(settings: &Traces) -> Result<Self, String> {
        let Some(endpoint) = settings.endpoint() else { return Ok(Self(None)) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(settings)?)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_timeout(TIME)
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|e| format!("settings: traces: {e}"))?;
        // What else tells processes apart is in OTEL_RESOURCE_ATTRIBUTES.
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("usher").with_attribute(version).build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.ratio)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler)
            .with_resource(resource)
            .build();
        Ok(Self(Some(provider)))
    }

    /// The layer that turns spans of the program into those that are sent.
    pub(crate) fn layer(&self) -> Option<BoxedLayer> {
        let tracer = self.0.as_ref()?.tracer("usher");
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        Some(layer.with_filter(OfRequests).boxed())
    }

    /// Sends what is left, until the deadline, and for ten seconds at the most.
    pub(crate) async fn end(self, deadline: Instant) {
        let Some(provider) = self.0 else { return };
        let left = deadline.saturating_duration_since(Instant::now()).min(LAST);
        let sending = move || provider.shutdown_with_timeout(left).map_err(|error| error.to_string());
        if let Err(error) = spawn_blocking(sending).await.unwrap_or_else(|error| Err(error.to_string())) {
            warn!(error, "the last spans of traces were not sent");
        }
    }
}

/// Lets spans of requests through, and their steps; steps of other work have no trace.
struct OfRequests;

impl OfRequests {
    fn is_ours(metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target() == TRACES
    }
}

impl Filter<Registry> for OfRequests {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, Registry>) -> bool {
        Self::is_ours(metadata) && (metadata.name() == "request" || context.lookup_current().is_some())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::is_ours(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}

/// The headers of a request, each where it is there once.
struct Received<'a>(&'a HeaderMap);

impl Extractor for Received<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let mut sent = self.0.get_all(name);
        let (Some(value), None) = (sent.next(), sent.next()) else { return None };
        value.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

/// Makes the span a part of the trace that the headers name (W3C Trace Context).
pub(super) fn go_on(span: &Span, headers: &HeaderMap) {
    let parent = TraceContextPropagator::new().extract(&Received(headers));
    if parent.span().span_context().is_valid() {
        // It was made a moment ago, so nothing has asked for its id yet.
        let _cannot_fail = span.set_parent(parent);
    }
}

/// Names the span in which this is called, and ends it: a step that goes on behind the request does not lengthen it.
pub(super) fn end(name: String) {
    let context = Span::current().context();
    let span = context.span();
    span.update_name(name);
    span.end();
}

/// The context of the span in which this is called.
fn current() -> SpanContext {
    Span::current().context().span().span_context().clone()
}

pub(super) fn trace_id() -> Option<String> {
    let current = current();
    current.is_sampled().then(|| current.trace_id().to_string())
}

/// The parent that a request of ours names (W3C Trace Context §3.2): the span in which this is called. `tracestate` stays here: whom we ask
/// is no part of our house.
pub(crate) fn traceparent() -> Option<String> {
    let current = current();
    let (trace, span, flags) = (current.trace_id(), current.span_id(), current.trace_flags().to_u8());
    current.is_valid().then(|| format!("00-{trace}-{span}-{flags:02x}"))
}
