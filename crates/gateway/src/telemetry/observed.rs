//! The metrics that are looked up when they are asked for: what stands in other places, and sums over the tenants of a region.

use std::{path::Path, sync::Arc, time::Duration};

use futures_util::future::join_all;
use store::CellStats;
use tenant_registry::{RegionCode, Registry};
use tokio::time::timeout;
use tracing::debug;

use crate::{app::App, http::Connections, regions::CellInUse, telemetry::tally::TALLY};

/// A registry that does not answer in this time is left out: its region is down, and another metric says so.
const PATIENCE: Duration = Duration::from_secs(2);

/// Brings the metrics of the process up to date.
pub(crate) async fn observe(app: &Arc<App>, connections: &Connections) {
    let metrics = &app.metrics;
    metrics.clock_doubted.set(app.stores.clock().is_doubted().into());
    metrics.stores_open.set(number(app.stores.open_count()));
    let dropped = TALLY.dropped();
    metrics.log_lines_dropped.inc_by(dropped.saturating_sub(metrics.log_lines_dropped.get()));
    let permits = |kind: &str, in_use: usize, limit: usize| {
        metrics.permits_in_use.with_label_values(&[kind]).set(number(in_use));
        metrics.permits_limit.with_label_values(&[kind]).set(number(limit));
    };
    let background = app.shares.background();
    permits("background", background.in_use, background.limit);
    permits("connection", connections.count(), connections.bounds().all);
    let cells = app.regions.cells_in_use();
    let sum = |of: fn(&CellStats) -> u32| {
        cells.iter().map(|cell| usize::try_from(of(&cell.stats)).unwrap_or_default()).sum()
    };
    if !cells.is_empty() {
        permits(
            "cell",
            sum(|stats| stats.connections - stats.idle.min(stats.connections)),
            sum(|stats| stats.size),
        );
    }
    for CellInUse { region, cell, stats } in &cells {
        let set = |state, number: u32| {
            metrics.pool_connections.with_label_values(&[region.as_str(), cell, state]).set(number.into());
        };
        set("idle", stats.idle);
        set("in_use", stats.connections.saturating_sub(stats.idle));
    }
    let unavailable = app.store_metrics.unavailable();
    for (code, region) in &app.settings.regions {
        let stores = unavailable.get(code.as_str()).copied().unwrap_or_default();
        metrics.stores_unavailable.with_label_values(&[code.as_str()]).set(stores);
        if region.keeps_files()
            && let Some(data_dir) = app.data_dir()
        {
            observe_disk(app, code, data_dir);
        }
    }
    let registries = app.regions.registries().filter_map(Result::ok);
    join_all(registries.map(|registry| observe_region(app, registry))).await;
}

fn observe_disk(app: &App, code: &RegionCode, data_dir: &Path) {
    if let Ok(disk) = rustix::fs::statvfs(data_dir.join(code.as_str())) {
        let bytes = |blocks: u64| i64::try_from(blocks.saturating_mul(disk.f_frsize)).unwrap_or(i64::MAX);
        app.metrics.data_dir_free.with_label_values(&[code.as_str()]).set(bytes(disk.f_bavail));
        app.metrics.data_dir_size.with_label_values(&[code.as_str()]).set(bytes(disk.f_blocks));
    }
}

async fn observe_region(app: &App, registry: Arc<Registry>) {
    let region = registry.region();
    let code = region.as_str();
    let counts = registry.cache_counts();
    let requests = |result| app.metrics.cache_requests.with_label_values(&[code, result]);
    app.last_seen.add(region, "hit", counts.hits, &requests("hit"));
    app.last_seen.add(region, "miss", counts.misses, &requests("miss"));
    let invalidations = app.metrics.invalidations.with_label_values(&[code]);
    app.last_seen.add(region, "invalidation", counts.forgettings, &invalidations);
    let summing = async {
        if app.exporter.tells_of(&registry).await { registry.sums().await.map(Some) } else { Ok(None) }
    };
    let sums = match timeout(PATIENCE, summing).await {
        Ok(Ok(sums)) => sums,
        Ok(Err(error)) => {
            debug!(region = code, %error, "the sums of a region could not be read");
            None
        }
        Err(_) => None,
    };
    let metrics = &app.metrics;
    let licenses = sums.iter().flat_map(|sums| &sums.seats).map(|seats| seats.license.clone());
    let before = app.last_seen.show(region, licenses.collect());
    let Some(sums) = sums else {
        // What this process does not know now, or another one tells.
        for gauges in [&metrics.ledger_imbalanced, &metrics.breaker_held] {
            let _absent = gauges.remove_label_values(&[code]);
        }
        let _absent = metrics.seat_audit_timestamp.remove_label_values(&[code]);
        for gauges in [&metrics.seats_used, &metrics.seats_limit, &metrics.seats_waiting] {
            for license in &before {
                let _absent = gauges.remove_label_values(&[code, license]);
            }
        }
        return;
    };
    metrics.ledger_imbalanced.with_label_values(&[code]).set(sums.imbalanced);
    metrics.breaker_held.with_label_values(&[code]).set(sums.held);
    let audited_ms = sums.overdue_ms.unwrap_or_else(|| registry.now_ms());
    metrics.seat_audit_timestamp.with_label_values(&[code]).set(seconds(audited_ms));
    for seats in sums.seats {
        let labels = [code, seats.license.as_str()];
        metrics.seats_used.with_label_values(&labels).set(seats.used);
        metrics.seats_limit.with_label_values(&labels).set(seats.limit);
        metrics.seats_waiting.with_label_values(&labels).set(seats.waiting);
    }
}

fn number(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Seconds of milliseconds, with their fraction.
#[allow(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "milliseconds of today fit into 53 bits"
)]
pub(crate) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}
