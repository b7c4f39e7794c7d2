//! Group commit: the writes that wait for one SQLite file share a transaction and are acknowledged together after the
//! one commit. The first to come leads; there is no thread of its own.
//!
//! They run one after the other without savepoints, because SQLite copies each page that a savepoint might have to restore,
//! and nearly all writes succeed. When one of them has to be undone, all are, and they run again, each in its savepoint. Where
//! one must not run again, they have savepoints from the beginning.
//!
//! Work in the background and the rest share no commit, and whoever leads hands over where the next commit is of the other kind.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::connection::TransactionManager;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::checkpoint::Checkpointer;
use super::job::{Claim, ClosureJob, Job, Manner, Ran, Repeat, Urgency};
use crate::admission::closed;
use crate::background::{self, Threads};
use crate::clock::StoreClock;
use crate::connection::depth;
use crate::location::StoreFile;
use crate::open::{self, Role};
use crate::pool::lock;
use crate::priority::Priority;
use crate::room::Limit;
use crate::stats::Counters;
use crate::transactions::{begin, commit, roll_back_to};
use crate::{StoreConnection, StoreError, StoreSettings, WriteTx};

/// Batches that run in savepoints after one that had to run again: where one write is refused, more are (no seat is left).
const CAREFUL_BATCHES: u32 = 64;

/// The one writer of a SQLite store.
pub(crate) struct Writer {
    file: StoreFile,
    settings: Arc<StoreSettings>,
    counters: Arc<Counters>,
    clock: Arc<StoreClock>,
    checkpointer: Arc<Checkpointer>,
    queue: Mutex<Queue>,
    idle: Notify,
    /// Batches that are yet to run in savepoints.
    careful: AtomicU32,
    pub(crate) limit: Limit,
    priority: Arc<Priority>,
    /// Opened by the first write, taken by whoever leads.
    connection: Mutex<Option<StoreConnection>>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Box<dyn Job>>,
    /// True while someone works the queue off. Read and changed only together with `jobs`, so that no job is
    /// left behind: either its pusher sees no leader and leads, or the leader sees the job.
    led: bool,
    closed: bool,
}

impl Writer {
    pub(crate) fn new(
        file: StoreFile,
        settings: Arc<StoreSettings>,
        counters: Arc<Counters>,
        clock: Arc<StoreClock>,
        priority: &Arc<Priority>,
    ) -> Self {
        let checkpointer = Checkpointer::new(
            file.clone(),
            Arc::clone(&settings),
            Arc::clone(&counters),
            Arc::clone(priority),
        );
        Self {
            priority: Arc::clone(priority),
            file,
            settings,
            counters,
            clock,
            checkpointer: Arc::new(checkpointer),
            queue: Mutex::default(),
            idle: Notify::new(),
            careful: AtomicU32::new(0),
            limit: Limit::default(),
            connection: Mutex::default(),
        }
    }

    /// Runs `work` in a transaction and answers when it is on disk.
    pub(crate) async fn write<T, E, F>(self: &Arc<Self>, work: F, manner: Manner) -> Result<T, E>
    where
        F: FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let deadline = Instant::now() + self.settings.admission_deadline;
        let claim = Claim::default();
        let (sender, mut answer) = oneshot::channel();
        self.push(Box::new(ClosureJob::new(claim.clone(), manner, work, sender)))?;
        let received = match timeout_at(deadline, &mut answer).await {
            Ok(received) => received,
            // Not begun yet, and from now on nobody can begin it.
            Err(_elapsed) if claim.take() => return Err(StoreError::Busy.into()),
            Err(_elapsed) => answer.await,
        };
        received.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer was stopped".to_owned()).into()))
    }

    fn push(self: &Arc<Self>, job: Box<dyn Job>) -> Result<(), StoreError> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Err(closed());
        }
        if queue.jobs.len() >= self.settings.max_waiting {
            return Err(StoreError::Busy);
        }
        let on = job.manner().on;
        queue.jobs.push_back(job);
        let lead = !std::mem::replace(&mut queue.led, true);
        drop(queue);
        if lead {
            Leadership::begin(Arc::clone(self), on);
        }
        Ok(())
    }

    /// What whoever leads on such a thread does next.
    fn next(&self, leads: Threads) -> Next {
        let mut queue = lock(&self.queue);
        let Some(on) = queue.jobs.front().map(|job| job.manner().on) else {
            queue.led = false;
            self.idle.notify_waiters();
            return Next::Nothing;
        };
        if on != leads {
            return Next::HandOver(on);
        }
        let alike = queue.jobs.iter().take_while(|job| job.manner().on == on);
        let size = alike.take(self.settings.group_commit_max.max(1)).count();
        let mut batch: Vec<_> = queue.jobs.drain(..size).collect();
        drop(queue);
        batch.retain(|job| job.claim());
        Next::Batch(batch)
    }

    fn run_batch(&self, jobs: Vec<Box<dyn Job>>) {
        let everybody = self.priority.everybody();
        let (mut jobs, refused): (Vec<_>, Vec<_>) =
            jobs.into_iter().partition(|job| everybody.is_some() || job.manner().urgency == Urgency::Urgent);
        refused.into_iter().for_each(|job| job.answer(Err(StoreError::Full)));
        if jobs.is_empty() {
            return;
        }
        let transaction = self.connect().map_err(Lost::from).and_then(|mut connection| {
            self.transact(&mut connection, &mut jobs)?;
            Ok(connection)
        });
        match transaction {
            Ok(mut connection) => {
                jobs.into_iter().for_each(|job| job.answer(Ok(())));
                self.checkpointer.after_commit(&mut connection);
                *lock(&self.connection) = Some(connection);
            }
            // The connection has been dropped with its transaction; the next batch opens another.
            Err(lost) => lost.answer(jobs),
        }
    }

    fn connect(&self) -> Result<StoreConnection, StoreError> {
        let ready = lock(&self.connection).take();
        ready.map_or_else(|| open::sqlite(&self.file, Role::Writer, &self.settings), Ok)
    }

    /// One transaction for all the jobs. On an error nothing of any of them was stored.
    fn transact(&self, connection: &mut StoreConnection, jobs: &mut [Box<dyn Job>]) -> Result<(), Lost> {
        let alone = jobs.len() == 1;
        if alone || self.is_bold() && jobs.iter().all(|job| job.manner().repeat == Repeat::WhenUndone) {
            if self.transact_with(Savepoints::None, connection, jobs)? || alone {
                return Ok(());
            }
            Counters::count(&self.counters.repeats);
            self.careful.store(CAREFUL_BATCHES, Ordering::Relaxed);
        }
        self.transact_with(Savepoints::Each, connection, jobs).map(|_kept| ())
    }

    /// Whether no batch had to run again lately.
    fn is_bold(&self) -> bool {
        let careful = self.careful.load(Ordering::Relaxed);
        self.careful.store(careful.saturating_sub(1), Ordering::Relaxed);
        careful == 0
    }

    /// Runs all the jobs and commits. False when one of them had to be undone, and with it all.
    fn transact_with(
        &self,
        savepoints: Savepoints,
        connection: &mut StoreConnection,
        jobs: &mut [Box<dyn Job>],
    ) -> Result<bool, Lost> {
        // IMMEDIATE takes the write lock now, where waiting for it is possible; a deferred transaction that
        // becomes a writer later fails at once when another process wrote in between.
        begin(connection, "BEGIN IMMEDIATE")?;
        let mut anything = false;
        for (index, job) in jobs.iter_mut().enumerate() {
            let ran = match savepoints {
                Savepoints::None => self.run(job, connection, 1),
                Savepoints::Each => self.run_in_savepoint(job, connection),
            };
            match ran.map_err(|error| Lost::to(index, error))? {
                Ran::Well => anything = true,
                Ran::Untouched => {}
                Ran::Spoiled => {
                    roll_back_to(connection, 0).map_err(|error| Lost::to(index, error))?;
                    return Ok(false);
                }
            }
        }
        if anything {
            commit(connection)?;
            Counters::count(&self.counters.commits);
        } else {
            roll_back_to(connection, 0)?;
        }
        Ok(true)
    }

    /// Whatever the job did before it failed is undone here, so that it is never [`Ran::Spoiled`].
    fn run_in_savepoint(
        &self,
        job: &mut Box<dyn Job>,
        connection: &mut StoreConnection,
    ) -> Result<Ran, StoreError> {
        StoreConnection::begin_transaction(connection)?;
        if self.run(job, connection, 2)? == Ran::Well {
            StoreConnection::commit_transaction(connection)?;
            return Ok(Ran::Well);
        }
        roll_back_to(connection, 1)?;
        Ok(Ran::Untouched)
    }

    /// Runs a job where so many transactions are open, and still are after it if it did not fail.
    fn run(
        &self,
        job: &mut Box<dyn Job>,
        connection: &mut StoreConnection,
        open: u32,
    ) -> Result<Ran, StoreError> {
        Counters::count(&self.counters.jobs);
        let ran = job.run(connection, &self.clock, self.limit.get());
        match ran {
            Ran::Well if depth(connection)? != open => Err(StoreError::unbalanced()),
            Ran::Untouched if depth(connection)? != open => Ok(Ran::Spoiled),
            ran => Ok(ran),
        }
    }

    /// Refuses new jobs and waits until the queue is worked off. False when it was not in time.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        let drained = async {
            loop {
                let idle = self.idle.notified();
                tokio::pin!(idle);
                idle.as_mut().enable();
                {
                    let mut queue = lock(&self.queue);
                    queue.closed = true;
                    if !queue.led {
                        return;
                    }
                }
                idle.await;
            }
        };
        tokio::time::timeout(patience, drained).await.is_ok()
    }

    /// Closes the connection and waits for a running checkpoint. Blocks.
    pub(crate) fn close_connection(&self) {
        self.checkpointer.close();
        let connection = lock(&self.connection).take();
        drop(connection);
    }
}

/// What whoever leads does next.
enum Next {
    /// Runs the jobs of one commit.
    Batch(Vec<Box<dyn Job>>),
    /// Lets such a thread go on.
    HandOver(Threads),
    /// Leads no longer.
    Nothing,
}

/// The duty to work the queue off.
struct Leadership {
    writer: Arc<Writer>,
    on: Threads,
    fulfilled: bool,
}

impl Leadership {
    fn begin(writer: Arc<Writer>, on: Threads) {
        let leadership = Self { writer, on, fulfilled: false };
        background::spawn(on, move || leadership.work_off());
    }

    fn work_off(mut self) {
        loop {
            match self.writer.next(self.on) {
                Next::Batch(batch) => self.writer.run_batch(batch),
                Next::HandOver(on) => {
                    Self::begin(Arc::clone(&self.writer), on);
                    break;
                }
                Next::Nothing => break,
            }
        }
        self.fulfilled = true;
    }
}

impl Drop for Leadership {
    /// When the duty ends otherwise (the runtime shut down before it began), the jobs are given up, which their
    /// callers see, and the next to come finds the place free.
    fn drop(&mut self) {
        if self.fulfilled {
            return;
        }
        let mut queue = lock(&self.writer.queue);
        queue.led = false;
        let given_up = std::mem::take(&mut queue.jobs);
        self.writer.idle.notify_waiters();
        drop(queue);
        drop(given_up);
    }
}

/// Whether each job of a batch can be undone alone.
#[derive(Clone, Copy)]
enum Savepoints {
    None,
    Each,
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

    /// The culprit is told its own error (a full disk, say), the others why theirs was not stored either.
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
