//! The metrics of single tenants: what `/metrics/tenants` shows. They are made anew for each answer, so that nothing is left of a tenant that
//! is deleted.

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Registry, Result};

use crate::{list, of_process::text};

/// The metrics of the tenants of one answer. Each field is the metric of its declaration in [`list`].
#[allow(missing_docs, reason = "the declarations have the help")]
pub struct TenantMetrics {
    registry: Registry,
    pub info: IntGaugeVec,
    pub seats_used: IntGaugeVec,
    pub seats_limit: IntGaugeVec,
    pub seats_waiting: IntGaugeVec,
    pub seats_refused: IntCounterVec,
    pub days_to_exhaustion: IntGaugeVec,
    pub last_request: GaugeVec,
    pub request_gap: GaugeVec,
    pub auth_failures: IntCounterVec,
    pub quarantine_risk: GaugeVec,
    pub credential_expiry: GaugeVec,
    pub findings: IntGaugeVec,
    pub omitted: IntGaugeVec,
}

impl TenantMetrics {
    /// Those of no tenant yet.
    ///
    /// # Errors
    /// When two metrics have one name.
    pub fn new() -> Result<Self> {
        let registry = Registry::new();
        let at = &registry;
        Ok(Self {
            info: list::TENANT_INFO.gauges(at)?,
            seats_used: list::TENANT_SEATS_USED.gauges(at)?,
            seats_limit: list::TENANT_SEATS_LIMIT.gauges(at)?,
            seats_waiting: list::TENANT_SEATS_WAITING.gauges(at)?,
            seats_refused: list::TENANT_SEATS_REFUSED.counters(at)?,
            days_to_exhaustion: list::TENANT_DAYS_TO_EXHAUSTION.gauges(at)?,
            last_request: list::TENANT_LAST_REQUEST.fractions(at)?,
            request_gap: list::TENANT_REQUEST_GAP.fractions(at)?,
            auth_failures: list::TENANT_AUTH_FAILURES.counters(at)?,
            quarantine_risk: list::TENANT_QUARANTINE_RISK.fractions(at)?,
            credential_expiry: list::TENANT_CREDENTIAL_EXPIRY.fractions(at)?,
            findings: list::TENANT_FINDINGS.gauges(at)?,
            omitted: list::TENANT_METRICS_OMITTED.gauges(at)?,
            registry,
        })
    }

    /// The text that Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.registry)
    }
}
