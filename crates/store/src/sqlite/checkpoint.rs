//! Checkpoints: copying the write-ahead log back into the file, off the path of requests. They are few, because a page that
//! was written many times is copied once. Background jobs copy nearly all of the log; under constant load they never copy the
//! last of it, so the writer itself does, between two commits and after it has acknowledged, and lets the log start again.
//!
//! It can start again only while no transaction reads from it. If reads overlap all the time, the writer closes the gate before
//! the store's reads; while the log is full, no write begins until it has started again.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Integer;
use tokio::runtime::Handle;

use super::marks::Marks;
use super::prepared::Prepared;
use super::presence::Presence;
use crate::gate::Gate;
use crate::lock::lock;
use crate::open::{Opener, Role};
use crate::pool::Pool;
use crate::priority::Priority;
use crate::stats::Counters;
use crate::uptime::uptime_ms;
use crate::{StoreConnection, StoreError, StoreSettings};

/// How long SQLite waits for readers of the old log before it goes on without a restart.
const RESTART_PATIENCE_MS: u32 = 100;

/// Pages that the writer copies while others wait: a millisecond or two.
const FEW_PAGES: u32 = 500;

/// How often it is looked whether the last read has ended.
const POLL: Duration = Duration::from_millis(3);

/// While another process reads from the log (a backup), this store's own reads go on, and are held again so much later.
const OUTSIDE_PAUSE_MS: u64 = 1_000;

/// Watches the log of one SQLite store.
pub(crate) struct Checkpointer {
    opener: Opener,
    settings: Arc<StoreSettings>,
    marks: Marks,
    counters: Arc<Counters>,
    priority: Arc<Priority>,
    pub(super) presence: Arc<Presence>,
    readers: Arc<Pool>,
    /// True from the start of a background checkpoint to its end: one at a time.
    running: AtomicBool,
    /// Held while a background checkpoint runs; true when the store is closed.
    closed: Mutex<bool>,
    /// Pages behind which the next commit is written.
    used: AtomicU32,
    /// The log's file is empty.
    emptied: AtomicBool,
    /// Pages in the log from which it is to start again.
    restart_at: AtomicU32,
    /// Reads are not held before this moment.
    hold_after_ms: AtomicU64,
}

/// What `PRAGMA wal_checkpoint` answers, in pages.
#[derive(diesel::QueryableByName)]
struct Log {
    #[diesel(sql_type = Integer)]
    busy: i32,
    #[diesel(sql_type = Integer, column_name = "log")]
    pages: i32,
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

impl Log {
    fn pages(&self) -> u32 {
        u32::try_from(self.pages).unwrap_or(0)
    }

    /// Pages that are in the log only.
    fn behind(&self) -> u32 {
        self.pages().saturating_sub(u32::try_from(self.checkpointed).unwrap_or(0))
    }
}

impl Checkpointer {
    pub(crate) fn new(
        opener: Opener,
        counters: Arc<Counters>,
        priority: &Arc<Priority>,
        presence: &Arc<Presence>,
        readers: &Arc<Pool>,
    ) -> Self {
        let settings = Arc::clone(&opener.settings);
        let marks = Marks::of(&settings);
        Self {
            opener,
            settings,
            marks,
            counters,
            priority: Arc::clone(priority),
            presence: Arc::clone(presence),
            readers: Arc::clone(readers),
            running: AtomicBool::new(false),
            closed: Mutex::new(false),
            used: AtomicU32::new(0),
            emptied: AtomicBool::new(false),
            restart_at: AtomicU32::new(marks.checkpoint),
            hold_after_ms: AtomicU64::new(0),
        }
    }

    /// Learns how long the log is that a new connection of the writer has found.
    pub(crate) fn look(&self, writer: &mut StoreConnection) -> Result<(), StoreError> {
        let log = checkpoint(writer, LOOK)?;
        self.note(&log);
        Ok(())
    }

    /// Looks at the log after a commit and sees to it that it stays short. Called by the writer.
    pub(crate) fn after_commit(self: &Arc<Self>, writer: &mut StoreConnection) {
        // NOOP copies nothing: it only returns the length of the log.
        let Ok(log) = checkpoint(writer, LOOK) else {
            return;
        };
        self.note(&log);
        if log.pages() < self.restart_at.load(Ordering::Relaxed) {
            return;
        }
        let few = log.behind() <= FEW_PAGES;
        if log.pages() >= self.marks.hold {
            let restarted = self.hold_and_restart(writer);
            if !restarted && !few {
                self.start_in_background();
            }
        } else if few {
            self.restart(writer);
        } else {
            self.start_in_background();
        }
    }

    fn note(&self, log: &Log) {
        self.counters.note(|stats| stats.wal_pages = log.pages().into());
        self.used.store(log.pages(), Ordering::Relaxed);
        self.emptied.store(false, Ordering::Relaxed);
        if log.pages() < self.marks.checkpoint {
            self.restart_at.store(self.marks.checkpoint, Ordering::Relaxed);
        }
    }

    /// Whether a transaction may begin.
    pub(crate) fn has_room(&self) -> bool {
        self.used.load(Ordering::Relaxed) < self.marks.full
    }

    /// Whether the log's file is empty since the last commit.
    pub(crate) fn is_emptied(&self) -> bool {
        self.emptied.load(Ordering::Relaxed)
    }

    /// Whether reads wait for the writer.
    pub(crate) fn is_holding(&self) -> bool {
        !self.gate().is_open()
    }

    /// Lets reads go on, however long the log is.
    pub(crate) fn let_go(&self) {
        self.gate().open();
    }

    /// After a failure: reads go on, and the next commit tries again.
    pub(crate) fn give_up(&self) {
        self.gate().open();
        std::thread::sleep(POLL);
    }

    fn gate(&self) -> &Gate {
        &self.readers.admission.gate
    }

    /// Waits a little for the reads under way, and lets the log start again when there are none. Called by the writer, again and
    /// again, where it has nothing else to do or the log is full.
    pub(crate) fn wait_for_restart(&self, writer: &mut StoreConnection) -> bool {
        let restarted = self.hold_and_restart(writer);
        if !restarted {
            std::thread::sleep(POLL);
        }
        restarted
    }

    /// Lets no read begin; starts the log again if no read is under way. Reads under way have some time to end.
    fn hold_and_restart(&self, writer: &mut StoreConnection) -> bool {
        if uptime_ms() < self.hold_after_ms.load(Ordering::Relaxed) {
            return false;
        }
        self.gate().close();
        if !self.readers.admission.is_empty() {
            return false;
        }
        let restarted = self.restart(writer);
        if !restarted {
            // No read of this process is in the way, and another process cannot be asked to end its read.
            self.hold_after_ms.store(uptime_ms() + OUTSIDE_PAUSE_MS, Ordering::Relaxed);
        }
        self.gate().open();
        restarted
    }

    /// Copies what is left, so that the next commit begins the log anew. A long reader may be in the way; then the log grows on
    /// by some pages until the next try.
    fn restart(&self, writer: &mut StoreConnection) -> bool {
        let Some(log) = self.copy_all(writer, RESTART) else {
            return false;
        };
        let next = log.pages().saturating_add(self.marks.checkpoint).min(self.marks.hold);
        self.restart_at.store(next, Ordering::Relaxed);
        if log.busy != 0 {
            tracing::warn!(pages = log.pages(), "a long read keeps the write-ahead log from starting again");
        }
        log.busy == 0
    }

    /// Empties the log's file. False when a transaction reads from it.
    pub(crate) fn empty(&self, writer: &mut StoreConnection) -> bool {
        let emptied = self.copy_all(writer, TRUNCATE).is_some_and(|log| log.busy == 0);
        self.emptied.store(emptied, Ordering::Relaxed);
        emptied
    }

    /// `None` when it failed.
    fn copy_all(&self, writer: &mut StoreConnection, pragma: &'static str) -> Option<Log> {
        // SQLite refuses a second checkpoint at once, without any patience.
        let _none_beside = lock(&self.closed);
        let usual_ms = self.settings.busy_timeout.as_millis();
        let copied = set_busy_timeout(writer, RESTART_PATIENCE_MS.into()).and_then(|()| {
            let log = checkpoint(writer, pragma);
            set_busy_timeout(writer, usual_ms).and(log)
        });
        match copied {
            Ok(log) => {
                if log.busy == 0 {
                    self.counters.note(|stats| stats.checkpoints += 1);
                    self.used.store(0, Ordering::Relaxed);
                }
                Some(log)
            }
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log could not be checkpointed");
                None
            }
        }
    }

    fn start_in_background(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if !self.running.swap(true, Ordering::AcqRel) {
            let this = Arc::clone(self);
            runtime.spawn_blocking(move || {
                this.run_beside_the_writer();
                this.running.store(false, Ordering::Release);
            });
        }
    }

    fn run_beside_the_writer(&self) {
        let closed = lock(&self.closed);
        if *closed {
            return;
        }
        // While a reserve is spent, a checkpoint could let the file grow into room that is meant for urgent work.
        let Some(_everybody) = self.priority.everybody() else {
            return;
        };
        // Opened for this one time: it costs a tenth of a millisecond for a thousand pages. It must be of the same file and log.
        let copied = self
            .presence
            .look()
            .and_then(|()| self.opener.open(Role::Writer))
            .and_then(|connection| self.presence.look().map(|()| connection))
            .and_then(|mut connection| checkpoint(&mut connection, PASSIVE));
        match copied {
            Ok(_) => self.counters.note(|stats| stats.checkpoints += 1),
            Err(error) => tracing::warn!(%error, "the write-ahead log could not be checkpointed"),
        }
    }

    /// Waits for a running checkpoint and lets none begin. Blocks.
    pub(crate) fn close(&self) {
        *lock(&self.closed) = true;
    }
}

const LOOK: &str = "PRAGMA wal_checkpoint(NOOP)";
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const RESTART: &str = "PRAGMA wal_checkpoint(RESTART)";
const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

fn checkpoint(connection: &mut StoreConnection, pragma: &'static str) -> Result<Log, StoreError> {
    match connection {
        StoreConnection::Sqlite(connection) => Ok(Prepared(pragma).get_result(connection)?),
        StoreConnection::Postgres(_) => Err(StoreError::Unavailable("this is no SQLite file".to_owned())),
    }
}

fn set_busy_timeout(connection: &mut StoreConnection, ms: u128) -> Result<(), StoreError> {
    Ok(connection.batch_execute(&format!("PRAGMA busy_timeout={ms}"))?)
}
