//! Milliseconds that fit into an atomic, for times that are compared only within this process. They do not depend on the wall
//! clock.

use std::sync::LazyLock;
use std::time::Instant;

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since this was first asked.
pub(crate) fn uptime_ms() -> u64 {
    u64::try_from(BEGINNING.elapsed().as_millis()).unwrap_or(u64::MAX)
}
