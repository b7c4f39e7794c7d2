//! What operators see: metrics and log lines. Never tokens, never personal data.

pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod tally;
