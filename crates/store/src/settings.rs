//! Every number of this crate, with its unit and the reason for its default.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::Clock;
use crate::watch::{Unwatched, Watch};

/// How much the stores of one process may hold, and how long anyone may wait.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// What time it is. One for all the stores of a process.
    pub clock: Clock,
    /// Is told what the stores do.
    pub watch: Arc<dyn Watch>,
    /// Reads of one SQLite store that may run at once (connections of one store, beside its writer).
    pub read_connections: u32,
    /// MiB that the SQLite stores take which have connections of their own. Others are at rest, and are read all the same.
    pub memory_mib: u32,
    /// SQLite stores that may have connections of their own, three file descriptors and more each.
    pub max_open: usize,
    /// How long a call may wait for its turn before it is refused as [`Busy`](crate::StoreError::Busy).
    pub admission_deadline: Duration,
    /// Calls of one store that may wait for their turn, reads and writes each. One more is refused at once.
    pub max_waiting: usize,
    /// How long SQLite waits for a lock that another process holds.
    pub busy_timeout: Duration,
    /// Jobs that share one commit. More make no commit cheaper, but a failed commit fails them all.
    pub group_commit_max: usize,
    /// Pages in the write-ahead log (4 KiB each) from which checkpoints run beside the writer, until the log can start again.
    /// The fewer they are, the more often a page is written before it is copied.
    pub checkpoint_pages: u32,
    /// Pages in the write-ahead log from which new reads wait until the log can start again, and the writer itself copies
    /// whatever is left. After a burst the log's file keeps up to this size until nobody has written for [`Self::log_idle`].
    pub wal_max_pages: u32,
    /// MiB that the file of a write-ahead log never exceeds, from [`StoreSettings::LOG_LIMIT_MIB`]; the two numbers of pages
    /// above are less where they would not fit. Only a transaction that is larger by itself does, which begins in an empty log.
    pub log_limit_mib: u32,
    /// After so long without a write the log is emptied, so that losing the log loses nothing.
    pub log_idle: Duration,
    /// Page cache of one SQLite connection, in KiB. The operating system caches the file as well.
    pub sqlite_cache_kib: u32,
    /// Transactions after which a pooled connection is replaced: Diesel keeps a prepared statement for every text
    /// it has seen, without a bound, and a client's filters can make many texts.
    pub max_uses: u32,
    /// Connections to one PostgreSQL cell, over all its lanes.
    pub postgres_pool_size: u32,
    /// Parts of a cell's pool. A schema always uses the same one, so that each PostgreSQL backend caches the catalogue of only
    /// some of the tenants: 215 KiB for each (docs/decisions/0050).
    pub postgres_lanes: u32,
    /// Transactions of one schema that may run at once, so that one tenant cannot take its whole lane.
    pub postgres_per_store: u32,
    /// Age at which a PostgreSQL connection is replaced: backends never give catalogue memory back.
    pub postgres_max_age: Duration,
    /// PostgreSQL schemas remembered as present and migrated (about 300 bytes each).
    pub postgres_known_stores: usize,
    /// Time to reach a PostgreSQL server, in whole seconds.
    pub connect_timeout: Duration,
    /// Longest PostgreSQL statement.
    pub statement_timeout: Duration,
    /// Longest wait for a PostgreSQL lock.
    pub lock_timeout: Duration,
}

impl StoreSettings {
    /// What [`Self::log_limit_mib`] may be. Below, not even the pages that one connection keeps in memory would fit; above, it
    /// would not be a bound.
    pub const LOG_LIMIT_MIB: RangeInclusive<u32> = 4..=16_384;

    /// What [`Self::memory_mib`] may be. Below, the registries of a process would not leave enough for tenants.
    pub const MEMORY_MIB: RangeInclusive<u32> = 16..=65_536;

    /// [`Self::memory_mib`] in KiB.
    pub(crate) fn memory_kib(&self) -> u32 {
        self.memory_mib.max(1).saturating_mul(1024)
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            clock: Clock::system(Clock::AHEAD),
            watch: Arc::new(Unwatched),
            read_connections: 4,
            memory_mib: 64,
            max_open: 512,
            admission_deadline: Duration::from_secs(5),
            max_waiting: 1024,
            busy_timeout: Duration::from_secs(2),
            group_commit_max: 64,
            checkpoint_pages: 6000,
            wal_max_pages: 9000,
            log_limit_mib: 64,
            log_idle: Duration::from_secs(60),
            sqlite_cache_kib: 1024,
            max_uses: 10_000,
            postgres_pool_size: 16,
            postgres_lanes: 4,
            postgres_per_store: 3,
            postgres_max_age: Duration::from_secs(600),
            postgres_known_stores: 16_384,
            connect_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(3),
        }
    }
}
