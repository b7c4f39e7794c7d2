//! The metrics of single tenants, from their last looks as the registry has them: no tenant's store is opened.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use metrics::TenantMetrics;
use staff::Exported;
use tenant_registry::{CredentialInfo, InSight, Registry, TenantStanding};
use tokio::time::timeout;
use tracing::debug;

use super::observed::seconds;
use crate::{app::App, settings::TenantsShown};

/// A registry that does not answer in this time is left out.
const PATIENCE: Duration = Duration::from_secs(5);

/// The metrics of the tenants that the settings ask for, of the regions that this process tells of.
///
/// # Errors
/// When two metrics have one name.
pub(crate) async fn metrics_of_tenants(app: &Arc<App>) -> prometheus::Result<String> {
    let metrics = TenantMetrics::new()?;
    if app.settings.metrics.tenants != TenantsShown::Off {
        let registries = app.regions.registries().filter_map(Result::ok);
        join_all(registries.map(|registry| show_region(app, &metrics, registry))).await;
    }
    Ok(metrics.text())
}

async fn show_region(app: &App, metrics: &TenantMetrics, registry: Arc<Registry>) {
    let region = registry.region().as_str();
    let settings = &app.settings.metrics;
    let which = match settings.tenants {
        TenantsShown::Off => return,
        TenantsShown::AtRisk => InSight::AtRisk,
        TenantsShown::All => InSight::All,
        TenantsShown::List => InSight::Listed(settings.listed(registry.region())),
    };
    let asking = async {
        if !app.exporter.tells_of(&registry).await {
            return Ok(None);
        }
        staff::exported(&registry, which, settings.tenant_limit).await.map(Some)
    };
    let (tenants, omitted) = match timeout(PATIENCE, asking).await {
        Ok(Ok(Some(found))) => found,
        Ok(Ok(None)) | Err(_) => return,
        Ok(Err(error)) => {
            debug!(region, %error, "the tenants of a region could not be read");
            return;
        }
    };
    metrics.omitted.with_label_values(&[region]).set(i64::try_from(omitted).unwrap_or(i64::MAX));
    let now_ms = registry.now_ms();
    for tenant in &tenants {
        show(metrics, region, tenant, now_ms);
    }
}

fn show(metrics: &TenantMetrics, region: &str, tenant: &Exported, now_ms: i64) {
    let TenantStanding { tenant: of, verdict, credentials } = &tenant.standing;
    let id = of.id.as_str();
    let verdict = verdict.clone().unwrap_or_default();
    let figures = &verdict.figures;
    let last = figures.last_calls_ms.iter().max_by_key(|(_, at_ms)| **at_ms);
    let idp = last.map_or("none", |(idp, _)| idp.as_str());
    let key = of.company_key.as_str();
    metrics.info.with_label_values(&[region, id, key, &of.profile, idp]).set(1);
    for seats in &verdict.seats {
        let labels = [region, id, seats.license.as_str()];
        metrics.seats_used.with_label_values(&labels).set(seats.used);
        if let Some(quota) = seats.quota {
            metrics.seats_limit.with_label_values(&labels).set(quota);
        }
        metrics.seats_waiting.with_label_values(&labels).set(seats.waiting);
        metrics.seats_refused.with_label_values(&labels).inc_by(count(seats.refused));
        if let Some(days) = seats.days_left {
            metrics.days_to_exhaustion.with_label_values(&labels).set(days);
        }
    }
    for (idp, at_ms) in &figures.last_calls_ms {
        metrics.last_request.with_label_values(&[region, id, idp]).set(seconds(*at_ms));
    }
    let labels = [region, id];
    if let Some(gap_ms) = figures.gap_ms {
        metrics.request_gap.with_label_values(&labels).set(seconds(gap_ms));
    }
    let wrong = credentials.iter().filter_map(CredentialInfo::refused).map(|refused| refused.number).sum();
    metrics.auth_failures.with_label_values(&labels).inc_by(count(wrong));
    metrics.quarantine_risk.with_label_values(&labels).set(figures.quarantine_risk);
    if let Some(end_ms) = last_end(credentials, now_ms) {
        metrics.credential_expiry.with_label_values(&labels).set(seconds(end_ms));
    }
    for code in &tenant.codes {
        metrics.findings.with_label_values(&[region, id, code.word()]).set(1);
    }
}

/// When the last live credential ends; `None` where one never does, or none is live.
fn last_end(credentials: &[CredentialInfo], now_ms: i64) -> Option<i64> {
    let mut live = credentials.iter().filter(|credential| credential.is_live(now_ms)).peekable();
    live.peek()?;
    live.try_fold(0, |last: i64, credential| Some(last.max(credential.expires_ms?)))
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
