//! Admission before threads: how many may run, how many may wait, and for how long. Overload is a quick [`StoreError::Busy`],
//! never a growing queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::StoreError;
use crate::gate::Gate;
use crate::watch::{Turn, Waiting, Watch};

/// A right to run; dropping it lets the next one in.
pub(crate) type Permit = OwnedSemaphorePermit;

/// A fair queue for a fixed number of permits, behind a gate.
pub(crate) struct Admission {
    pub(crate) gate: Gate,
    permits: Arc<Semaphore>,
    size: u32,
    waiting: AtomicUsize,
    max_waiting: usize,
    watch: Arc<dyn Watch>,
    turn: Turn,
}

impl Admission {
    /// `size` may run at once (at least one), `max_waiting` may wait.
    pub(crate) fn new(size: u32, max_waiting: usize, watch: &Arc<dyn Watch>, turn: Turn) -> Self {
        let size = size.max(1);
        let permits = Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(1)));
        let (waiting, watch) = (AtomicUsize::new(0), Arc::clone(watch));
        Self { gate: Gate::default(), permits, size, waiting, max_waiting, watch, turn }
    }

    /// Waits for a permit until `deadline`.
    ///
    /// # Errors
    /// `Busy` at once when too many wait already, and at the deadline; `Unavailable` after [`Self::close`].
    pub(crate) async fn enter(&self, deadline: Instant) -> Result<Permit, StoreError> {
        // The semaphore is fair: this succeeds only when no task waits.
        if self.gate.is_open()
            && let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned()
        {
            self.watch.turn(self.turn, Duration::ZERO, true);
            return Ok(permit);
        }
        let waiting = Waiting::begin(&self.watch, self.turn);
        let entered = self.wait(deadline).await;
        // What was closed meanwhile has no turn to give.
        if !matches!(entered, Err(StoreError::Unavailable(_))) {
            waiting.end(entered.is_ok());
        }
        entered
    }

    async fn wait(&self, deadline: Instant) -> Result<Permit, StoreError> {
        let _place = QueueSlot::take(self)?;
        loop {
            self.gate.pass(deadline).await?;
            let permit = match timeout_at(deadline, Arc::clone(&self.permits).acquire_owned()).await {
                Ok(Ok(permit)) => permit,
                Ok(Err(_closed)) => return Err(closed()),
                Err(_elapsed) => return Err(StoreError::Busy),
            };
            // The gate may have been closed meanwhile.
            if self.gate.is_open() {
                return Ok(permit);
            }
        }
    }

    /// How many may run at once.
    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// Whether no permit is out.
    pub(crate) fn is_empty(&self) -> bool {
        usize::try_from(self.size).is_ok_and(|size| self.permits.available_permits() >= size)
    }

    /// Waits until all permits are back and gives out no more. False when one stayed out.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        // Tasks that wait already go first; later ones wait behind this call and are refused when it closes.
        let everyone = self.permits.acquire_many(self.size);
        drop(tokio::time::timeout(patience, everyone).await);
        self.permits.close();
        self.is_empty()
    }
}

/// The error of everything asked of a store after it was closed.
pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable("the store has been closed".to_owned())
}

/// A slot in the queue, given back when dropped, also by a caller that went away.
struct QueueSlot<'a>(&'a Admission);

impl<'a> QueueSlot<'a> {
    fn take(admission: &'a Admission) -> Result<Self, StoreError> {
        let slot = Self(admission);
        if admission.waiting.fetch_add(1, Ordering::Relaxed) < admission.max_waiting {
            Ok(slot)
        } else {
            Err(StoreError::Busy)
        }
    }
}

impl Drop for QueueSlot<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
