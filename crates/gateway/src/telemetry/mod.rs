//! Operators see metrics, log lines and traces. None of them has a token or personal data.

pub(crate) mod exporter;
pub(crate) mod in_flight;
pub(crate) mod last_seen;
pub(crate) mod levels;
pub(crate) mod log;
pub(crate) mod observed;
pub(crate) mod panics;
pub(crate) mod stores;
pub(crate) mod tally;
pub(crate) mod tenants;
pub(crate) mod traces;
