//! Counters of one store, for metrics and for tests that want to see group commit and checkpoints happen.

use std::sync::{Arc, Mutex};

use crate::clock::{Clock, StoreClock};
use crate::lock::lock;

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

/// The counters of a store, which each part of it adds to.
#[derive(Default)]
pub(crate) struct Counters(Mutex<StoreStats>);

impl Counters {
    pub(crate) fn note(&self, note: impl FnOnce(&mut StoreStats)) {
        note(&mut lock(&self.0));
    }

    pub(crate) fn snapshot(&self) -> StoreStats {
        *lock(&self.0)
    }
}
