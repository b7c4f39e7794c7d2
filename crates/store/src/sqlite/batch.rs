//! Runs the jobs of one commit, on the one connection that writes.
//!
//! They run one after the other without savepoints, because SQLite copies each page that a savepoint might have to restore,
//! and nearly all writes succeed. When one of them has to be undone, all are, and they run again, each in its savepoint. Where
//! one must not run again, they have savepoints from the beginning.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use diesel::connection::TransactionManager;
use tokio::time::Instant;

use super::checkpoint::Checkpointer;
use super::context::SqliteContext;
use super::job::{Bounds, Job, JobEnd, Repeat, Urgency};
use super::log_room::{LogRoom, allow_changes};
use super::presence::Presence;
use crate::connection::depth;
use crate::lock::lock;
use crate::open::Opener;
use crate::priority::Priority;
use crate::room::Limit;
use crate::stats::Instruments;
use crate::transactions::{begin, commit, roll_back_to};
use crate::{StoreConnection, StoreError, StoreSettings};

/// Batches that run in savepoints after one that had to run again: where one write is refused, more are (no seat is left).
const CAREFUL_BATCHES: u32 = 64;

/// The batches of one store, one at a time.
pub(crate) struct Batches {
    pub(super) opener: Opener,
    pub(super) settings: Arc<StoreSettings>,
    instruments: Instruments,
    presence: Arc<Presence>,
    pub(super) checkpointer: Arc<Checkpointer>,
    pub(super) room: LogRoom,
    /// Batches that are yet to run in savepoints.
    careful: AtomicU32,
    limit: Arc<Limit>,
    priority: Arc<Priority>,
    /// Opened by the first write, taken by the leader.
    connection: Mutex<Option<StoreConnection>>,
}

impl Batches {
    pub(crate) fn new(context: &SqliteContext, checkpointer: Arc<Checkpointer>) -> Self {
        let opener = context.opener.clone();
        Self {
            priority: Arc::clone(&context.priority),
            room: LogRoom::of(&opener.file, &opener.settings),
            presence: Arc::clone(&checkpointer.presence),
            settings: Arc::clone(&opener.settings),
            opener,
            instruments: context.instruments.clone(),
            checkpointer,
            careful: AtomicU32::new(0),
            limit: Arc::clone(&context.limit),
            connection: Mutex::default(),
        }
    }

    /// Runs these jobs and answers them.
    pub(super) fn run(&self, jobs: Vec<Box<dyn Job>>) {
        let everybody = self.priority.everybody();
        let (mut jobs, refused): (Vec<_>, Vec<_>) =
            jobs.into_iter().partition(|job| everybody.is_some() || job.manner().urgency == Urgency::Urgent);
        refused.into_iter().for_each(|job| job.answer(Err(StoreError::Full)));
        if jobs.is_empty() {
            return;
        }
        let attempt = self.connect().map_err(Lost::from).and_then(|mut connection| {
            let ended = self.transact(&mut connection, &mut jobs)?;
            Ok((connection, ended))
        });
        match attempt {
            Ok((connection, BatchEnd::TooLarge)) => {
                self.keep(connection);
                jobs.into_iter().for_each(|job| self.run_large(job));
            }
            Ok((connection, BatchEnd::RolledBack | BatchEnd::Committed)) => {
                self.acknowledge(jobs, connection)
            }
            // The connection has been dropped with its transaction; the next batch opens another.
            Err(lost) => lost.answer(jobs),
        }
    }

    /// Runs a job that may be larger than all that the log has room for: alone, and from the beginning of the log.
    fn run_large(&self, job: Box<dyn Job>) {
        let mut jobs = vec![job];
        let attempt = self.connect_to_a_new_log().map_err(Lost::from).and_then(|mut connection| {
            self.transact_with(Savepoints::None, None, &mut connection, &mut jobs)?;
            Ok(connection)
        });
        match attempt {
            Ok(connection) => self.acknowledge(jobs, connection),
            Err(lost) => lost.answer(jobs),
        }
    }

    /// Tells the jobs what became of them, then looks after the log.
    fn acknowledge(&self, jobs: Vec<Box<dyn Job>>, mut connection: StoreConnection) {
        jobs.into_iter().for_each(|job| job.answer(Ok(())));
        self.checkpointer.after_commit(&mut connection);
        self.keep(connection);
    }

    fn connect(&self) -> Result<StoreConnection, StoreError> {
        if let Some(ready) = lock(&self.connection).take() {
            return Ok(ready);
        }
        self.presence.look()?;
        let mut connection = self.opener.open_to_write()?;
        self.checkpointer.look(&mut connection)?;
        self.presence.look()?;
        Ok(connection)
    }

    /// A connection whose next transaction stands at the beginning of the log.
    fn connect_to_a_new_log(&self) -> Result<StoreConnection, StoreError> {
        let mut connection = self.connect()?;
        let deadline = Instant::now() + self.settings.admission_deadline;
        while !self.checkpointer.wait_for_restart(&mut connection) {
            if Instant::now() >= deadline {
                self.keep(connection);
                return Err(StoreError::Busy);
            }
        }
        Ok(connection)
    }

    /// Keeps a connection for the next batch.
    fn keep(&self, connection: StoreConnection) {
        *lock(&self.connection) = Some(connection);
    }

    /// Waits a little for the log to start again.
    pub(super) fn wait_for_restart(&self) {
        // While a reserve is spent, a checkpoint could let the file grow into room that is meant for urgent work.
        let Some(_everybody) = self.priority.everybody() else {
            return self.checkpointer.give_up();
        };
        match self.connect() {
            Ok(mut connection) => {
                self.checkpointer.wait_for_restart(&mut connection);
                self.keep(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log could not be checkpointed");
                self.checkpointer.give_up();
            }
        }
    }

    /// One transaction for all the jobs. On an error nothing of any of them was stored.
    fn transact(
        &self,
        connection: &mut StoreConnection,
        jobs: &mut [Box<dyn Job>],
    ) -> Result<BatchEnd, Lost> {
        let alone = jobs.len() == 1;
        let repeatable = jobs.iter().all(|job| job.manner().repeat == Repeat::WhenUndone);
        // Work that must not run again has no bound of its own in the log.
        let room = repeatable.then_some(&self.room);
        if alone || self.is_bold() && repeatable {
            let ended = self.transact_with(Savepoints::None, room, connection, jobs)?;
            if alone || ended != BatchEnd::RolledBack {
                return Ok(ended);
            }
            self.instruments.counters.note(|stats| stats.repeats += 1);
            self.careful.store(CAREFUL_BATCHES, Ordering::Relaxed);
        }
        self.transact_with(Savepoints::Each, room, connection, jobs)
    }

    /// Whether no batch had to run again lately.
    fn is_bold(&self) -> bool {
        let careful = self.careful.load(Ordering::Relaxed);
        self.careful.store(careful.saturating_sub(1), Ordering::Relaxed);
        careful == 0
    }

    /// Runs all the jobs and commits, unless one of them had to be undone, and with it all.
    fn transact_with(
        &self,
        savepoints: Savepoints,
        room: Option<&LogRoom>,
        connection: &mut StoreConnection,
        jobs: &mut [Box<dyn Job>],
    ) -> Result<BatchEnd, Lost> {
        // IMMEDIATE takes the write lock now, where waiting for it is possible; a deferred transaction that
        // becomes a writer later fails at once when another process wrote in between.
        begin(connection, "BEGIN IMMEDIATE")?;
        let mut anything = false;
        for (index, job) in jobs.iter_mut().enumerate() {
            let ran = match savepoints {
                Savepoints::None => self.run_job(job, connection, 1, room),
                Savepoints::Each => self.run_in_savepoint(job, connection, room),
            };
            match ran.map_err(|error| Lost::to(index, error))? {
                JobEnd::Committed => anything = true,
                JobEnd::Unchanged => {}
                JobEnd::RolledBack => {
                    roll_back_to(connection, 0).map_err(|error| Lost::to(index, error))?;
                    return Ok(BatchEnd::RolledBack);
                }
                JobEnd::TooLarge => {
                    roll_back_to(connection, 0).map_err(|error| Lost::to(index, error))?;
                    allow_changes(connection)?;
                    return Ok(BatchEnd::TooLarge);
                }
            }
        }
        if anything {
            // As late as possible before, so that hardly anything is stored that is not acknowledged; and after, so that
            // nothing is acknowledged that is not stored.
            self.presence.look()?;
            commit(connection)?;
            self.presence.look()?;
            self.instruments.counters.note(|stats| stats.commits += 1);
            self.settings.watch.commit(jobs.len());
        } else {
            roll_back_to(connection, 0)?;
        }
        Ok(BatchEnd::Committed)
    }

    /// Changes of a failed job are rolled back here, so that it never ends as [`JobEnd::RolledBack`].
    fn run_in_savepoint(
        &self,
        job: &mut Box<dyn Job>,
        connection: &mut StoreConnection,
        room: Option<&LogRoom>,
    ) -> Result<JobEnd, StoreError> {
        StoreConnection::begin_transaction(connection)?;
        match self.run_job(job, connection, 2, room)? {
            JobEnd::Committed => {
                StoreConnection::commit_transaction(connection)?;
                Ok(JobEnd::Committed)
            }
            JobEnd::TooLarge => Ok(JobEnd::TooLarge),
            JobEnd::Unchanged | JobEnd::RolledBack => {
                roll_back_to(connection, 1)?;
                Ok(JobEnd::Unchanged)
            }
        }
    }

    /// Runs a job where so many transactions are open, and still are after it if it did not fail.
    fn run_job(
        &self,
        job: &mut Box<dyn Job>,
        connection: &mut StoreConnection,
        open: u32,
        room: Option<&LogRoom>,
    ) -> Result<JobEnd, StoreError> {
        self.instruments.counters.note(|stats| stats.jobs += 1);
        let ran = job.run(connection, &self.instruments.clock, Bounds { limit: self.limit.get(), room });
        match ran {
            JobEnd::Committed if depth(connection)? != open => Err(StoreError::unbalanced()),
            JobEnd::Unchanged if depth(connection)? != open => Ok(JobEnd::RolledBack),
            ran => Ok(ran),
        }
    }

    /// Empties the log. False when it could not.
    pub(super) fn empty_log(&self) -> bool {
        // While a reserve is spent, this could let the file grow into room that is meant for urgent work.
        self.priority.everybody().is_some_and(|_everybody| {
            let connection = self.presence.look().and_then(|()| self.connect());
            connection.is_ok_and(|mut connection| {
                let emptied = self.checkpointer.empty(&mut connection);
                self.keep(connection);
                emptied
            })
        })
    }

    /// Closes the connection and waits for a running checkpoint. Blocks.
    pub(crate) fn close_connection(&self) {
        self.checkpointer.close();
        let connection = lock(&self.connection).take();
        drop(connection);
    }
}

/// Whether each job of a batch can be undone alone.
#[derive(Clone, Copy)]
enum Savepoints {
    None,
    Each,
}

/// How the transaction of a batch has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BatchEnd {
    /// Or there was nothing to commit.
    Committed,
    /// One job had to be rolled back, and with it all. A job that was alone is done with.
    RolledBack,
    /// Rolled back, because the log has no room for it.
    TooLarge,
}

/// Why a batch was lost, and the job that lost it, if it was one.
struct Lost {
    error: StoreError,
    culprit: Option<usize>,
}

impl<E: Into<StoreError>> From<E> for Lost {
    fn from(error: E) -> Self {
        Self { error: error.into(), culprit: None }
    }
}

impl Lost {
    fn to(culprit: usize, error: StoreError) -> Self {
        Self { error, culprit: Some(culprit) }
    }

    /// The culprit gets its own error (a full disk, say), the others the reason why theirs was not stored either.
    fn answer(self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.len() == 1
            && self.culprit.is_none()
            && let Some(only) = jobs.pop()
        {
            return only.answer(Err(self.error));
        }
        for (index, job) in jobs.into_iter().enumerate() {
            let own = self.culprit == Some(index) && job.failed();
            job.answer(if own { Ok(()) } else { Err(self.error.for_companion()) });
        }
    }
}
