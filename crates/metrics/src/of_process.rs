//! The metrics of one process: what `/metrics` shows.

use std::time::Duration;

use prometheus::{
    Encoder as _, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Registry, Result, TextEncoder, process_collector::ProcessCollector,
};

use crate::{Operation, list};

/// A request of HTTP that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// `scim` or `admin`.
    pub listener: &'a str,
    /// The code of a region, or `none`.
    pub region: &'a str,
    /// The template of its path, or `other`.
    pub route: &'a str,
    /// Its method, `dry_run`, or `other`.
    pub method: &'a str,
    /// The status of the answer.
    pub code: &'a str,
    /// The kind of request.
    pub operation: Operation,
    /// The time to answer it.
    pub took: Duration,
}

/// Of the connection to Redis, where there is to be one.
pub struct RedisMetrics {
    /// 1 while it is connected.
    pub up: IntGauge,
    /// 1 while limits are those of this process.
    pub fallback_active: IntGauge,
    /// Failed calls.
    pub errors: IntCounter,
    /// Seconds of a call.
    pub seconds: Histogram,
}

/// The metrics of one process. Each field is the metric of its declaration in [`list`].
#[allow(missing_docs, reason = "the declarations have the help")]
pub struct Metrics {
    registry: Registry,
    pub clock_doubted: IntGauge,
    pub log_lines_dropped: IntCounter,
    pub panics: IntCounter,
    pub http_requests: IntCounterVec,
    pub http_seconds: HistogramVec,
    pub http_in_flight: IntGaugeVec,
    pub http_body_bytes: HistogramVec,
    pub scim_operations: IntCounterVec,
    pub leniencies: IntCounterVec,
    pub auth_failures: IntCounterVec,
    pub admin_auth_failures: IntCounterVec,
    pub admin_actions: IntCounterVec,
    pub rate_limited: IntCounterVec,
    pub jwks_fetches: IntCounterVec,
    pub credentials_expiring: IntGaugeVec,
    pub seats_used: IntGaugeVec,
    pub seats_limit: IntGaugeVec,
    pub seats_waiting: IntGaugeVec,
    pub seat_movements: IntCounterVec,
    pub seats_refused: IntCounterVec,
    pub ledger_imbalanced: IntGaugeVec,
    pub seat_audit_timestamp: GaugeVec,
    pub breaker_held: IntGaugeVec,
    pub breaker_trips: IntCounterVec,
    pub region_served: IntGaugeVec,
    pub migrations_behind: IntGaugeVec,
    pub stores_unavailable: IntGaugeVec,
    pub stores_open: IntGauge,
    pub store_opens: IntCounter,
    pub store_evictions: IntCounter,
    pub store_transactions: IntCounterVec,
    pub store_transaction_seconds: HistogramVec,
    pub commit_group_size: Histogram,
    pub permits_in_use: IntGaugeVec,
    pub permits_limit: IntGaugeVec,
    pub permit_wait_seconds: HistogramVec,
    pub permit_timeouts: IntCounterVec,
    pub pool_connections: IntGaugeVec,
    pub data_dir_free: IntGaugeVec,
    pub data_dir_size: IntGaugeVec,
    pub cache_requests: IntCounterVec,
    pub invalidations: IntCounterVec,
}

impl Metrics {
    /// The metrics of a process of this version, built from this commit.
    ///
    /// # Errors
    /// When two metrics have one name.
    pub fn new(version: &str, commit: &str) -> Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let at = &registry;
        list::BUILD_INFO.gauges(at)?.with_label_values(&[version, commit]).set(1);
        Ok(Self {
            clock_doubted: list::CLOCK_DOUBTED.gauges(at)?.with_label_values(NONE),
            log_lines_dropped: list::LOG_LINES_DROPPED.counters(at)?.with_label_values(NONE),
            panics: list::PANICS.counters(at)?.with_label_values(NONE),
            http_requests: list::HTTP_REQUESTS.counters(at)?,
            http_seconds: list::HTTP_SECONDS.histograms(at)?,
            http_in_flight: list::HTTP_IN_FLIGHT.gauges(at)?,
            http_body_bytes: list::HTTP_BODY_BYTES.histograms(at)?,
            scim_operations: list::SCIM_OPERATIONS.counters(at)?,
            leniencies: list::SCIM_LENIENCIES.counters(at)?,
            auth_failures: list::AUTH_FAILURES.counters(at)?,
            admin_auth_failures: list::ADMIN_AUTH_FAILURES.counters(at)?,
            admin_actions: list::ADMIN_ACTIONS.counters(at)?,
            rate_limited: list::RATE_LIMITED.counters(at)?,
            jwks_fetches: list::JWKS_FETCHES.counters(at)?,
            credentials_expiring: list::CREDENTIALS_EXPIRING.gauges(at)?,
            seats_used: list::SEATS_USED.gauges(at)?,
            seats_limit: list::SEATS_LIMIT.gauges(at)?,
            seats_waiting: list::SEATS_WAITING.gauges(at)?,
            seat_movements: list::SEAT_MOVEMENTS.counters(at)?,
            seats_refused: list::SEATS_REFUSED.counters(at)?,
            ledger_imbalanced: list::LEDGER_IMBALANCED.gauges(at)?,
            seat_audit_timestamp: list::SEAT_AUDIT_TIMESTAMP.fractions(at)?,
            breaker_held: list::BREAKER_HELD.gauges(at)?,
            breaker_trips: list::BREAKER_TRIPS.counters(at)?,
            region_served: list::REGION_SERVED.gauges(at)?,
            migrations_behind: list::MIGRATIONS_BEHIND.gauges(at)?,
            stores_unavailable: list::STORES_UNAVAILABLE.gauges(at)?,
            stores_open: list::STORES_OPEN.gauges(at)?.with_label_values(NONE),
            store_opens: list::STORE_OPENS.counters(at)?.with_label_values(NONE),
            store_evictions: list::STORE_EVICTIONS.counters(at)?.with_label_values(NONE),
            store_transactions: list::STORE_TRANSACTIONS.counters(at)?,
            store_transaction_seconds: list::STORE_TRANSACTION_SECONDS.histograms(at)?,
            commit_group_size: list::COMMIT_GROUP_SIZE.histograms(at)?.with_label_values(NONE),
            permits_in_use: list::PERMITS_IN_USE.gauges(at)?,
            permits_limit: list::PERMITS_LIMIT.gauges(at)?,
            permit_wait_seconds: list::PERMIT_WAIT_SECONDS.histograms(at)?,
            permit_timeouts: list::PERMIT_TIMEOUTS.counters(at)?,
            pool_connections: list::POOL_CONNECTIONS.gauges(at)?,
            data_dir_free: list::DATA_DIR_FREE.gauges(at)?,
            data_dir_size: list::DATA_DIR_SIZE.gauges(at)?,
            cache_requests: list::CACHE_REQUESTS.counters(at)?,
            invalidations: list::INVALIDATIONS.counters(at)?,
            registry,
        })
    }

    /// The metrics of Redis, which only a process that has one shows. To be called once.
    ///
    /// # Errors
    /// When it is called twice.
    pub fn of_redis(&self) -> Result<RedisMetrics> {
        let at = &self.registry;
        Ok(RedisMetrics {
            up: list::REDIS_UP.gauges(at)?.with_label_values(NONE),
            fallback_active: list::REDIS_FALLBACK.gauges(at)?.with_label_values(NONE),
            errors: list::REDIS_ERRORS.counters(at)?.with_label_values(NONE),
            seconds: list::REDIS_SECONDS.histograms(at)?.with_label_values(NONE),
        })
    }

    /// Counts a request, with its time.
    pub fn count_answered(&self, answered: &Answered<'_>) {
        let Answered { listener, region, route, method, code, operation, took } = *answered;
        self.http_requests.with_label_values(&[listener, region, route, method, code]).inc();
        let seconds = self.http_seconds.with_label_values(&[listener, region, operation.word()]);
        seconds.observe(took.as_secs_f64());
    }

    /// The text that Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.registry)
    }
}

/// Of a metric without labels.
const NONE: &[&str] = &[];

pub(crate) fn text(registry: &Registry) -> String {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&registry.gather(), &mut text) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) => format!("# metrics could not be written: {error}\n"),
    }
}
