//! Settings as serde reads them, unchecked.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) data_dir: String,
    pub(super) serve_regions: Vec<String>,
    pub(super) server: Server,
    pub(super) admin: Admin,
    pub(super) metrics: Metrics,
    pub(super) log: Log,
    pub(super) support: Support,
    pub(super) limits: Limits,
    pub(super) store: Store,
    pub(super) regions: BTreeMap<String, Region>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub(super) listen: String,
    pub(super) public_url: String,
    pub(super) workers: usize,
    pub(super) max_connections: usize,
    pub(super) max_unauthenticated: usize,
    pub(super) body_limit_bytes: usize,
    pub(super) header_timeout_seconds: u64,
    pub(super) body_timeout_seconds: u64,
    pub(super) write_timeout_seconds: u64,
    pub(super) keep_alive_seconds: u64,
    pub(super) shutdown_seconds: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub(super) listen: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    pub(super) listen: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) level: String,
    pub(super) format: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Support {
    pub(super) contact: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) wrong_secrets: u32,
    pub(super) wrong_secrets_window_seconds: u64,
    pub(super) max_results: u64,
    pub(super) cursor_timeout_seconds: u64,
    pub(super) bulk_seconds: u64,
    pub(super) search_seconds: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub(super) read_connections: u32,
    pub(super) max_open: usize,
    pub(super) max_waiting_writes: usize,
    pub(super) admission_deadline_ms: u64,
    pub(super) group_commit_max: usize,
    pub(super) clock_ahead_days: u64,
    pub(super) log_limit_mib: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Region {
    pub(super) name: String,
    #[serde(default)]
    pub(super) base_url: String,
}
