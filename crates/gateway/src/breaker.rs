//! What this process counts and logs of breakers on mass loss.

use provisioning::HeldLoss;
use tenant_registry::Tenant;
use tracing::warn;

use crate::telemetry::metrics::Metrics;

/// Counts a loss of access that a tenant's breaker has held, and logs it where the breaker opened with it.
pub(crate) fn count(metrics: &Metrics, tenant: &Tenant, held: HeldLoss, request_id: &str) {
    metrics.count_held(tenant.region.as_str(), held);
    if held.opened {
        let tenant = format!("{}/{}", tenant.region, tenant.company_key);
        warn!(request_id, tenant, kind = held.kind.word(), "the breaker on mass loss has opened");
    }
}
