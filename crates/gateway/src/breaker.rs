//! What this process counts and logs of breakers on mass loss.

use metrics::Metrics;
use provisioning::HeldLoss;
use tenant_registry::Tenant;
use tracing::warn;

/// Counts and logs that a tenant's breaker has opened with this loss of access.
pub(crate) fn count(metrics: &Metrics, tenant: &Tenant, held: HeldLoss, request_id: &str) {
    if held.opened {
        metrics.breaker_trips.with_label_values(&[tenant.region.as_str(), held.kind.word()]).inc();
        let tenant = tenant.region_and_key();
        warn!(request_id, tenant, kind = held.kind.word(), "the breaker on mass loss has opened");
    }
}
