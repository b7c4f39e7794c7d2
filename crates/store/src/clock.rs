//! Time and ids for write transactions. Both only go forwards inside one process, whatever the wall clock does.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static LATEST_MS: AtomicI64 = AtomicI64::new(0);

/// Milliseconds since 1970 in UTC, never less than an earlier answer in this process.
pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    LATEST_MS.fetch_max(wall, Ordering::Relaxed).max(wall)
}

/// A UUIDv7 as text, greater than every earlier one of this process: new rows go to the end of the tree.
pub(crate) fn new_id() -> String {
    // `now_v7` draws from one shared counter, which goes on when the clock jumps back.
    uuid::Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_time_only_go_forwards() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    let (mut id, mut ms) = (new_id(), now_ms());
                    for _ in 0..5_000 {
                        let (next_id, next_ms) = (new_id(), now_ms());
                        assert!(next_id > id && next_ms >= ms);
                        (id, ms) = (next_id, next_ms);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
