//! Checkpoints: copying the write-ahead log back into the file, off the path of requests. They are few, because a page that
//! was written many times is copied once. Background jobs copy nearly all of the log; under constant load they never copy the
//! last of it, so the writer itself does, between two commits and after it has acknowledged, and lets the log start again.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Integer;
use tokio::runtime::Handle;

use crate::location::StoreFile;
use crate::open::{self, Role};
use crate::pool::lock;
use crate::priority::Priority;
use crate::stats::Counters;
use crate::{StoreConnection, StoreError, StoreSettings};

/// How long the writer waits for readers of the old log before it goes on without a restart.
const RESTART_PATIENCE_MS: u32 = 100;

/// Pages that the writer copies while others wait: a millisecond or two.
const FEW_PAGES: u32 = 500;

/// Watches the log of one SQLite store.
pub(crate) struct Checkpointer {
    file: StoreFile,
    settings: Arc<StoreSettings>,
    counters: Arc<Counters>,
    priority: Arc<Priority>,
    /// True from the start of a background checkpoint to its end: one at a time.
    running: AtomicBool,
    /// Held while a background checkpoint runs; true when the store is closed.
    closed: Mutex<bool>,
    /// Pages in the log from which it is to start again.
    restart_at: AtomicU32,
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
        file: StoreFile,
        settings: Arc<StoreSettings>,
        counters: Arc<Counters>,
        priority: Arc<Priority>,
    ) -> Self {
        let restart_at = AtomicU32::new(first_restart(&settings));
        let (running, closed) = (AtomicBool::new(false), Mutex::new(false));
        Self { file, settings, counters, priority, running, closed, restart_at }
    }

    /// Looks at the log after a commit and sees to it that it stays short. Called by the writer.
    pub(crate) fn after_commit(self: &Arc<Self>, writer: &mut StoreConnection) {
        // NOOP copies nothing: it only tells how long the log is.
        let Ok(log) = checkpoint(writer, LOOK) else {
            return;
        };
        self.note(&log);
        if log.pages() < self.restart_at.load(Ordering::Relaxed) {
            return;
        }
        if log.behind() <= FEW_PAGES || log.pages() >= self.settings.wal_max_pages {
            self.restart(writer);
        } else {
            self.start_in_background();
        }
    }

    fn note(&self, log: &Log) {
        self.counters.wal_pages.store(log.pages().into(), Ordering::Relaxed);
        let first = first_restart(&self.settings);
        if log.pages() < first {
            self.restart_at.store(first, Ordering::Relaxed);
        }
    }

    /// Copies what is left, so that the next commit begins the log anew. A long reader may be in the way; then
    /// the log grows on by some pages until the next try, and no commit waits for that reader again.
    fn restart(&self, writer: &mut StoreConnection) {
        let restarted = with_busy_timeout(
            writer,
            RESTART_PATIENCE_MS,
            self.settings.busy_timeout.as_millis(),
            |writer| checkpoint(writer, RESTART),
        );
        match restarted {
            Ok(log) if log.busy == 0 => Counters::count(&self.counters.checkpoints),
            Ok(log) => {
                let next = log.pages().saturating_add(self.settings.checkpoint_pages);
                self.restart_at.store(next, Ordering::Relaxed);
                tracing::warn!(
                    pages = log.pages(),
                    "a long read keeps the write-ahead log from starting again"
                );
            }
            Err(error) => tracing::warn!(%error, "the write-ahead log could not be checkpointed"),
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
        // It would let the file grow into what is given to somebody else.
        let Some(_everybody) = self.priority.everybody() else {
            return;
        };
        // Opened for this one time: it costs a tenth of a millisecond for a thousand pages.
        let copied = open::sqlite(&self.file, Role::Writer, &self.settings)
            .and_then(|mut connection| checkpoint(&mut connection, PASSIVE));
        match copied {
            Ok(_) => Counters::count(&self.counters.checkpoints),
            Err(error) => tracing::warn!(%error, "the write-ahead log could not be checkpointed"),
        }
    }

    /// Waits for a running checkpoint and lets none begin. Blocks.
    pub(crate) fn close(&self) {
        *lock(&self.closed) = true;
    }
}

fn first_restart(settings: &StoreSettings) -> u32 {
    settings.checkpoint_pages.min(settings.wal_max_pages)
}

const LOOK: &str = "PRAGMA wal_checkpoint(NOOP)";
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const RESTART: &str = "PRAGMA wal_checkpoint(RESTART)";

fn checkpoint(connection: &mut StoreConnection, pragma: &'static str) -> Result<Log, StoreError> {
    Ok(diesel::sql_query(pragma).get_result(connection)?)
}

fn with_busy_timeout<T>(
    connection: &mut StoreConnection,
    short_ms: u32,
    usual_ms: u128,
    work: impl FnOnce(&mut StoreConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.batch_execute(&format!("PRAGMA busy_timeout={short_ms}"))?;
    let result = work(connection);
    connection.batch_execute(&format!("PRAGMA busy_timeout={usual_ms}"))?;
    result
}
