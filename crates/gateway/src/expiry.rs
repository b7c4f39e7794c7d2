//! Tells operators of credentials that end soon: how many in a gauge of each process, and which in the log of one, once in each stage.

use metrics::Metrics;
use provisioning::timestamp::iso;
use tenant_registry::{Registry, RegistryError, WARNED_DAYS};
use tracing::warn;

/// Credentials of a region that are counted and told of, the next to end first; the first look may log so many lines at once.
const MOST: i64 = 10_000;

/// Counts the credentials of a region that end soon, and warns of those that have entered a stage since any process looked.
///
/// # Errors
/// When the registry fails.
pub(crate) async fn look(metrics: &Metrics, registry: &Registry) -> Result<(), RegistryError> {
    let region = registry.region().as_str();
    let ending = registry.ending_credentials(MOST).await?;
    for days in WARNED_DAYS {
        let within = i64::try_from(ending.within(days)).unwrap_or(i64::MAX);
        metrics.credentials_expiring.with_label_values(&[region, &days.to_string()]).set(within);
    }
    let untold = || ending.credentials.iter().filter(|credential| credential.is_untold);
    if untold().next().is_none() || !registry.note_told(&ending).await? {
        return Ok(());
    }
    for credential in untold() {
        let (key_id, kind, within_days) = (&credential.key_id, &credential.kind, credential.within_days);
        let (tenant, expires) = (format!("{region}/{}", credential.key), iso(credential.expires_ms));
        warn!(tenant, key_id, kind, expires, within_days, "a credential expires soon");
    }
    Ok(())
}
