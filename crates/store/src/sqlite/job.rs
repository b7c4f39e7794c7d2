//! One waiting write: the closure, then its result, then the answer to its caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use super::log_room::LogRoom;
use crate::background::Threads;
use crate::clock::StoreClock;
use crate::transactions::run_caught;
use crate::watch::Waiting;
use crate::{Failure, StoreConnection, StoreError, WriteTx};

/// A job as the writer sees it, for any type that its closure returns.
pub(crate) trait Job: Send {
    /// Claims the job for running; false when its caller gave up waiting before.
    fn claim(&self) -> bool;
    /// Whether its caller gave up waiting.
    fn is_given_up(&self) -> bool;
    /// How it is run.
    fn manner(&self) -> Manner;
    /// Runs the closure within these bounds, and keeps its result, in place of that of an earlier run.
    fn run(&mut self, connection: &mut StoreConnection, clock: &StoreClock, bounds: Bounds<'_>) -> JobEnd;
    /// True when the closure was run and returned an error or panicked.
    fn failed(&self) -> bool;
    /// Tells the caller, after the commit: its own result, or the failure that took the whole batch down.
    fn answer(self: Box<Self>, batch: Result<(), StoreError>);
}

/// How a job is run.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// Whether it may run more than once.
    pub(crate) repeat: Repeat,
    /// Whether it is done while a reserve is spent.
    pub(crate) urgency: Urgency,
    /// Which threads run it.
    pub(crate) on: Threads,
}

/// The bounds of a job.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<'a> {
    /// Bytes that the store may hold after it.
    pub(crate) limit: Option<u64>,
    /// Where it ends early if the log has no room for it.
    pub(crate) room: Option<&'a LogRoom>,
}

/// Whether a closure may run more than once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It runs once, because it consumes its input.
    Never,
    /// It may run again after it was rolled back.
    WhenUndone,
}

/// Whether a job goes on while a reserve is spent on a full disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It is refused as `Full`.
    None,
    /// The reserve is for it.
    Urgent,
}

/// How a job has left its transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobEnd {
    /// With changes to be committed.
    Committed,
    /// It failed before it changed anything.
    Unchanged,
    /// It failed after it had changed something, which must be rolled back.
    RolledBack,
    /// It was stopped, because the log has no room for its changes.
    TooLarge,
}

/// Decides once whether a job runs or is given up.
#[derive(Clone, Default)]
pub(crate) struct Claim(Arc<AtomicBool>);

impl Claim {
    /// True for the first call.
    pub(crate) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    fn is_taken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A job made of a closure.
pub(crate) struct ClosureJob<F, T, E> {
    claim: Claim,
    waiting: Waiting,
    manner: Manner,
    work: F,
    result: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> ClosureJob<F, T, E> {
    pub(crate) fn new(
        claim: Claim,
        waiting: Waiting,
        manner: Manner,
        work: F,
        caller: oneshot::Sender<Result<T, E>>,
    ) -> Self {
        Self { claim, waiting, manner, work, result: None, caller }
    }
}

impl<F, T: Send, E: Failure> Job for ClosureJob<F, T, E>
where
    F: FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send,
{
    fn claim(&self) -> bool {
        let is_claimed = self.claim.take();
        if is_claimed {
            self.waiting.end(true);
        }
        is_claimed
    }

    fn is_given_up(&self) -> bool {
        self.claim.is_taken()
    }

    fn manner(&self) -> Manner {
        self.manner
    }

    fn run(&mut self, connection: &mut StoreConnection, clock: &StoreClock, bounds: Bounds<'_>) -> JobEnd {
        let mut tx = WriteTx::new(connection, clock).within(bounds.limit).with_room(bounds.room);
        let result = run_caught(|| {
            let value = (self.work)(&mut tx)?;
            tx.keep_within_limit()?;
            Ok(value)
        });
        // SQLite may have ended the transaction by itself; the next job must not run outside one.
        tx.settle_doubt();
        let end = match result {
            _ if tx.has_no_room() => JobEnd::TooLarge,
            Ok(_) => JobEnd::Committed,
            Err(_) if tx.has_changed() => JobEnd::RolledBack,
            Err(_) => JobEnd::Unchanged,
        };
        self.result = Some(result);
        end
    }

    fn failed(&self) -> bool {
        self.result.as_ref().is_some_and(Result::is_err)
    }

    fn answer(self: Box<Self>, batch: Result<(), StoreError>) {
        let answer = match (batch, self.result) {
            (Ok(()), Some(result)) => result,
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(StoreError::Unavailable("the job was not run".to_owned()).into()),
        };
        // When the caller is gone, the write stays.
        let _gone = self.caller.send(answer);
    }
}
