//! Metrics of what the stores tell while they work.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use metrics::Metrics;
use prometheus::{Histogram, IntCounter};
use store::{Ended, Mode, StoreLocation, Turn, Watch};

/// A store that nobody has asked for since is not counted as unavailable.
const ASKED_FOR: Duration = Duration::from_secs(900);

/// Stores that are remembered as unavailable.
const REMEMBERED: usize = 10_000;

/// Watches the stores of a process.
pub(crate) struct StoreMetrics {
    metrics: Arc<Metrics>,
    registry: OfKind,
    tenant: OfKind,
    turns: [OfTurn; 3],
    /// When each was asked for last.
    unavailable: Mutex<HashMap<StoreLocation, Instant>>,
}

/// Transactions of registries, or of tenants' stores.
struct OfKind {
    reads: OfMode,
    writes: OfMode,
}

struct OfMode {
    ok: IntCounter,
    failed: IntCounter,
    seconds: Histogram,
}

/// Turns of one kind.
pub(crate) struct OfTurn {
    pub(crate) wait: Histogram,
    pub(crate) timeouts: IntCounter,
}

impl OfTurn {
    pub(crate) fn of(metrics: &Metrics, kind: &str) -> Self {
        Self {
            wait: metrics.permit_wait_seconds.with_label_values(&[kind]),
            timeouts: metrics.permit_timeouts.with_label_values(&[kind]),
        }
    }
}

impl StoreMetrics {
    pub(crate) fn new(metrics: &Arc<Metrics>) -> Self {
        let of_mode = |kind: &str, mode: &str| OfMode {
            ok: metrics.store_transactions.with_label_values(&[kind, mode, "ok"]),
            failed: metrics.store_transactions.with_label_values(&[kind, mode, "failed"]),
            seconds: metrics.store_transaction_seconds.with_label_values(&[kind, mode]),
        };
        let of_kind = |kind| OfKind { reads: of_mode(kind, "read"), writes: of_mode(kind, "write") };
        Self {
            registry: of_kind("registry"),
            tenant: of_kind("tenant"),
            turns: ["read", "write", "cell"].map(|kind| OfTurn::of(metrics, kind)),
            unavailable: Mutex::default(),
            metrics: Arc::clone(metrics),
        }
    }

    /// How many stores of each region are unavailable, by its code.
    pub(crate) fn unavailable(&self) -> HashMap<String, i64> {
        let mut unavailable = self.unavailable.lock().unwrap_or_else(PoisonError::into_inner);
        unavailable.retain(|_, asked| asked.elapsed() < ASKED_FOR);
        let mut regions = HashMap::new();
        for location in unavailable.keys() {
            *regions.entry(region_of(location)).or_default() += 1;
        }
        regions
    }
}

impl Watch for StoreMetrics {
    fn transaction(&self, ended: Ended<'_>) {
        let kind = if is_registry(ended.at) { &self.registry } else { &self.tenant };
        let mode = match ended.mode {
            Mode::Read => &kind.reads,
            Mode::Write => &kind.writes,
        };
        if ended.is_ok {
            mode.ok.inc()
        } else {
            mode.failed.inc()
        }
        mode.seconds.observe(ended.took.as_secs_f64());
    }

    fn turn(&self, turn: Turn, waited: Duration, is_given: bool) {
        let [read, write, cell] = &self.turns;
        let turn = match turn {
            Turn::Read => read,
            Turn::Write => write,
            Turn::Cell => cell,
        };
        if is_given {
            turn.wait.observe(waited.as_secs_f64());
        } else {
            turn.timeouts.inc();
        }
    }

    fn commit(&self, writes: usize) {
        self.metrics.commit_group_size.observe(f64::from(u32::try_from(writes).unwrap_or(u32::MAX)));
    }

    fn opened(&self) {
        self.metrics.store_opens.inc();
    }

    fn evicted(&self) {
        self.metrics.store_evictions.inc();
    }

    fn reachable(&self, at: &StoreLocation, is_reachable: bool) {
        let mut unavailable = self.unavailable.lock().unwrap_or_else(PoisonError::into_inner);
        if is_reachable {
            unavailable.remove(at);
        } else if unavailable.len() < REMEMBERED {
            unavailable.insert(at.clone(), Instant::now());
        }
    }
}

impl fmt::Debug for StoreMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreMetrics").finish_non_exhaustive()
    }
}

fn is_registry(at: &StoreLocation) -> bool {
    match at {
        // Compared as text: a comparison of paths costs each transaction five hundred instructions.
        StoreLocation::Sqlite(file) => file.path().as_os_str().as_encoded_bytes().ends_with(b"/registry.db"),
        StoreLocation::Postgres { schema, .. } => schema.as_str().starts_with("registry_"),
    }
}

/// The code of a store's region: the directory of its files, or the second word of its schema.
fn region_of(at: &StoreLocation) -> String {
    match at {
        StoreLocation::Sqlite(file) => {
            let directories = file.path().ancestors().skip(1);
            let mut names = directories.filter_map(|directory| directory.file_name()?.to_str());
            names.find(|name| *name != "tenants").unwrap_or_default().to_owned()
        }
        StoreLocation::Postgres { schema, .. } => {
            schema.as_str().split('_').nth(1).unwrap_or_default().to_owned()
        }
    }
}
