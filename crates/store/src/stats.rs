//! Counters of one store, for metrics and for tests that want to see group commit and checkpoints happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{Clock, StoreClock};

/// What a store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Runs of write closures, successful or not.
    pub jobs: u64,
    /// Commits of writes. Fewer than `jobs` when several shared one.
    pub commits: u64,
    /// Batches of writes that had to run again, each write in its savepoint, because one of them was undone.
    pub repeats: u64,
    /// Checkpoints of the write-ahead log, beside the writer or by it.
    pub checkpoints: u64,
    /// Pages in the write-ahead log when last looked at.
    pub wal_pages: u64,
}

/// The clock and the counters of one open store.
#[derive(Clone)]
pub(crate) struct Instruments {
    pub(crate) clock: Arc<StoreClock>,
    pub(crate) counters: Arc<Counters>,
}

impl Instruments {
    pub(crate) fn new(clock: &Clock) -> Self {
        Self { clock: Arc::new(StoreClock::new(clock.clone())), counters: Arc::default() }
    }
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) jobs: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) repeats: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) wal_pages: AtomicU64,
}

impl Counters {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> StoreStats {
        StoreStats {
            jobs: self.jobs.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            repeats: self.repeats.load(Ordering::Relaxed),
            checkpoints: self.checkpoints.load(Ordering::Relaxed),
            wal_pages: self.wal_pages.load(Ordering::Relaxed),
        }
    }
}
