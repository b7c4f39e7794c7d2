//! Group commit: the writes that wait for one SQLite file share a transaction and are acknowledged together after the
//! one commit. The first to come leads; there is no thread of its own.
//!
//! Work in the background and other work share no commit; the leader hands over when the next commit is of the other kind.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};
use tracing::Span;

use super::batch::Batches;
use super::idle::Idle;
use super::job::{Claim, ClosureJob, Job, Manner};
use crate::admission::closed;
use crate::background::{self, Threads};
use crate::lock::lock;
use crate::watch::{self, Turn, Waiting};
use crate::{Failure, StoreError, WriteTx};

/// The one writer of a SQLite store.
pub(crate) struct Writer {
    pub(crate) batches: Batches,
    idle: Arc<Idle>,
    queue: Mutex<Queue>,
    worked_off: Notify,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Box<dyn Job>>,
    /// True while someone works the queue off. Read and changed only together with `jobs`, so that no job is
    /// left behind: either its pusher sees no leader and leads, or the leader sees the job.
    led: bool,
    closed: bool,
    /// The log is to be emptied when there is nothing else to do.
    log_is_to_be_emptied: bool,
}

/// The next step of the leader.
enum Next {
    /// Runs the jobs of one commit.
    Batch(Vec<Box<dyn Job>>),
    /// Waits until no transaction reads from the log, so that it can start again.
    Wait,
    EmptyLog,
    /// Lets such a thread go on.
    HandOver(Threads),
    /// Leads no longer.
    Nothing,
}

impl Writer {
    pub(crate) fn new(batches: Batches) -> Self {
        let idle = Idle::of(&batches.opener);
        Self { batches, idle, queue: Mutex::default(), worked_off: Notify::new() }
    }

    /// Runs `work` in a transaction and answers when it is on disk.
    pub(crate) async fn write<T: Send + 'static, E: Failure>(
        self: &Arc<Self>,
        manner: Manner,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let deadline = Instant::now() + self.batches.settings.admission_deadline;
        let claim = Claim::default();
        let (sender, mut answer) = oneshot::channel();
        let watch = &self.batches.settings.watch;
        let waiting = Waiting::begin(watch, Turn::Write);
        self.push(Box::new(ClosureJob::new(claim.clone(), waiting, manner, work, sender)))?;
        let received = match timeout_at(deadline, &mut answer).await {
            Ok(received) => received,
            // Not begun yet, and now it cannot begin.
            Err(_elapsed) if claim.take() => {
                let waited = self.batches.settings.admission_deadline;
                watch.turn(Turn::Write, waited, false);
                // The job, which is still in the queue, does not do it.
                watch::note(&Span::current(), Turn::Write, waited);
                return Err(StoreError::Busy.into());
            }
            Err(_elapsed) => answer.await,
        };
        received.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer was stopped".to_owned()).into()))
    }

    fn push(self: &Arc<Self>, job: Box<dyn Job>) -> Result<(), StoreError> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Err(closed());
        }
        if queue.jobs.len() >= self.batches.settings.max_waiting {
            self.batches.settings.watch.turn(Turn::Write, Duration::ZERO, false);
            return Err(StoreError::Busy);
        }
        let on = job.manner().on;
        queue.jobs.push_back(job);
        self.see_that_somebody_leads(queue, on);
        Ok(())
    }

    /// Has the log emptied when nothing else is to be done.
    fn ask_to_empty_the_log(self: &Arc<Self>) {
        let mut queue = lock(&self.queue);
        if !queue.closed {
            queue.log_is_to_be_emptied = true;
            self.see_that_somebody_leads(queue, Threads::Usual);
        }
    }

    /// Notes that the writer has nothing to do, and has the log emptied if that stays so.
    fn rest(self: &Arc<Self>) {
        let writer = Arc::downgrade(self);
        self.idle.begin(!self.batches.checkpointer.is_emptied(), move || {
            if let Some(writer) = writer.upgrade() {
                writer.ask_to_empty_the_log();
            }
        });
    }

    /// The same before the first write, when a crash has left something in the log.
    pub(crate) fn rest_after_a_crash(self: &Arc<Self>) {
        if !self.batches.room.is_unused() {
            self.rest();
        }
    }

    fn see_that_somebody_leads(self: &Arc<Self>, mut queue: MutexGuard<'_, Queue>, on: Threads) {
        let lead = !std::mem::replace(&mut queue.led, true);
        drop(queue);
        if lead {
            Leadership::begin(Arc::clone(self), on);
        }
    }

    /// The next step of a leader on such a thread.
    fn next(&self, leads: Threads) -> Next {
        let mut queue = lock(&self.queue);
        let has_room = self.batches.checkpointer.has_room();
        if !has_room {
            // These were answered already that it took too long; the others wait on.
            queue.jobs.retain(|job| !job.is_given_up());
        }
        let Some(on) = queue.jobs.front().map(|job| job.manner().on) else {
            if std::mem::take(&mut queue.log_is_to_be_emptied) {
                return Next::EmptyLog;
            }
            if self.batches.checkpointer.is_holding() && !queue.closed {
                return Next::Wait;
            }
            queue.led = false;
            self.batches.checkpointer.let_go();
            self.worked_off.notify_waiters();
            return Next::Nothing;
        };
        if !has_room {
            return Next::Wait;
        }
        if on != leads {
            return Next::HandOver(on);
        }
        let alike = queue.jobs.iter().take_while(|job| job.manner().on == on);
        let size = alike.take(self.batches.settings.group_commit_max.max(1)).count();
        let mut batch: Vec<_> = queue.jobs.drain(..size).collect();
        drop(queue);
        batch.retain(|job| job.claim());
        Next::Batch(batch)
    }

    /// Refuses new jobs and waits until the queue is worked off. False when it was not in time.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        let drained = async {
            loop {
                let idle = self.worked_off.notified();
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
                Next::Batch(batch) => self.writer.batches.run(batch),
                Next::Wait => self.writer.batches.wait_for_restart(),
                Next::EmptyLog => self.writer.idle.note_delay(!self.writer.batches.empty_log()),
                Next::HandOver(on) => {
                    Self::begin(Arc::clone(&self.writer), on);
                    break;
                }
                Next::Nothing => break,
            }
        }
        self.fulfilled = true;
        self.writer.rest();
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
        self.writer.batches.checkpointer.let_go();
        self.writer.worked_off.notify_waiters();
        drop(queue);
        drop(given_up);
    }
}
