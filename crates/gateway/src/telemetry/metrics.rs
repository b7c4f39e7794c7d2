//! Every metric, declared in one list. Labels are words of this program, never what a caller sent (attack 25).

use prometheus::{
    Encoder, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
    histogram_opts, opts,
};
use provisioning::HeldLoss;

/// Of the connection to Redis, where there is to be one.
pub(crate) struct RedisMetrics {
    pub(crate) up: IntGauge,
    pub(crate) fallback_active: IntGauge,
    pub(crate) errors: IntCounter,
}

/// The metrics of one process.
pub(crate) struct Metrics {
    registry: Registry,
    /// By route, method and status.
    pub(crate) requests: IntCounterVec,
    /// By route and method.
    pub(crate) seconds: HistogramVec,
    /// By why: `unknown`, `wrong_region`, `suspended`, `not_activated`, `not_in_plan`, `limited`.
    pub(crate) authentication_refusals: IntCounterVec,
    /// By why: `unknown`, `limited`, `out_of_reach`.
    pub(crate) admin_refusals: IntCounterVec,
    /// By method and status.
    pub(crate) bulk_operations: IntCounterVec,
    /// By license.
    pub(crate) seat_refusals: IntCounterVec,
    /// By the license asked for and the state that came of it.
    pub(crate) seat_changes: IntCounterVec,
    /// By region and kind, `suspension` or `deletion`: losses of access that breakers have held.
    pub(crate) breaker_held: IntCounterVec,
    /// The same: breakers that have opened with such a loss.
    pub(crate) breaker_trips: IntCounterVec,
    /// By kind: what identity providers send that the RFC does not have.
    pub(crate) leniencies: IntCounterVec,
    /// By outcome: `ok`, `down`.
    pub(crate) jwks_fetches: IntCounterVec,
    /// By region and scope: requests refused for a limit of requests.
    pub(crate) rate_limited: IntCounterVec,
    /// By region: 1 while it is served.
    pub(crate) regions_served: IntGaugeVec,
    /// By region: stores that lack a migration.
    pub(crate) stores_behind: IntGaugeVec,
    /// By region and days: live credentials that end within so many.
    pub(crate) credentials_expiring: IntGaugeVec,
    clock_doubted: IntGauge,
}

impl Metrics {
    /// # Errors
    /// When two metrics have one name.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(opts!(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let regions_served = IntGaugeVec::new(
            opts!("usher_region_served", "1 while the region is served, else 0."),
            &["region"],
        )?;
        registry.register(Box::new(regions_served.clone()))?;
        let stores_behind = IntGaugeVec::new(
            opts!("usher_store_migrations_behind", "Tenants' stores that lack a migration."),
            &["region"],
        )?;
        registry.register(Box::new(stores_behind.clone()))?;
        let credentials_expiring = IntGaugeVec::new(
            opts!(
                "usher_credentials_expiring",
                "Live credentials of tenants that expire within so many days."
            ),
            &["region", "within_days"],
        )?;
        registry.register(Box::new(credentials_expiring.clone()))?;
        let buckets = vec![0.000_25, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0];
        let options =
            histogram_opts!("usher_request_seconds", "Time to answer a SCIM request, in seconds.", buckets);
        let seconds = HistogramVec::new(options, &["route", "method"])?;
        registry.register(Box::new(seconds.clone()))?;
        let clock_doubted = IntGauge::new(
            "usher_clock_doubted",
            "1 while the machine's clock is so far from what the stores hold that it is not believed.",
        )?;
        registry.register(Box::new(clock_doubted.clone()))?;
        Ok(Self {
            requests: counter(
                "usher_requests_total",
                "SCIM requests answered.",
                &["route", "method", "status"],
            )?,
            authentication_refusals: counter(
                "usher_authentication_refusals_total",
                "Requests refused for their credential.",
                &["why"],
            )?,
            admin_refusals: counter(
                "usher_admin_refusals_total",
                "Admin requests refused for their credential.",
                &["why"],
            )?,
            bulk_operations: counter(
                "usher_bulk_operations_total",
                "Operations of bulk requests answered.",
                &["method", "status"],
            )?,
            seat_refusals: counter(
                "usher_seat_refusals_total",
                "Requests refused for want of a seat.",
                &["license"],
            )?,
            seat_changes: counter(
                "usher_seat_changes_total",
                "Seats that changed hands.",
                &["requested", "state"],
            )?,
            breaker_held: counter(
                "usher_breaker_held_operations",
                "Losses of access that breakers on mass loss have held.",
                &["region", "kind"],
            )?,
            breaker_trips: counter(
                "usher_breaker_trips_total",
                "Times that a breaker on mass loss has opened.",
                &["region", "kind"],
            )?,
            leniencies: counter(
                "usher_scim_leniency_total",
                "Things accepted that the letter of the RFC does not have.",
                &["kind"],
            )?,
            jwks_fetches: counter("usher_jwks_fetches_total", "Fetches of issuers' keys.", &["outcome"])?,
            rate_limited: counter(
                "usher_rate_limited_total",
                "SCIM requests refused for a limit of requests a second.",
                &["region", "scope"],
            )?,
            regions_served,
            stores_behind,
            credentials_expiring,
            seconds,
            clock_doubted,
            registry,
        })
    }

    /// Counts a loss of access that a breaker has held.
    pub(crate) fn count_held(&self, region: &str, held: HeldLoss) {
        let labels = [region, held.kind.word()];
        self.breaker_held.with_label_values(&labels).inc();
        if held.opened {
            self.breaker_trips.with_label_values(&labels).inc();
        }
    }

    /// The metrics of Redis, which only a process that has one shows. To be called once.
    ///
    /// # Errors
    /// When two metrics have one name.
    pub(crate) fn of_redis(&self) -> prometheus::Result<RedisMetrics> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            self.registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let up = gauge("usher_redis_up", "1 while this process is connected to Redis, else 0.")?;
        let fallback_active =
            gauge("usher_redis_fallback_active", "1 while limits are those of this process alone, else 0.")?;
        let errors =
            IntCounter::new("usher_redis_errors_total", "Calls of Redis that failed or took too long.")?;
        self.registry.register(Box::new(errors.clone()))?;
        Ok(RedisMetrics { up, fallback_active, errors })
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, clock_is_doubted: bool) -> String {
        self.clock_doubted.set(clock_is_doubted.into());
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => format!("# metrics could not be written: {error}\n"),
        }
    }
}
