//! The gate before the reads of one store. The writer closes it when the write-ahead log must start again, which needs a moment
//! without reads: new reads wait, and long reads are asked to end.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::StoreError;
use crate::uptime::uptime_ms;

/// A read goes on undisturbed for so long after the gate was closed: the longest that the writer should have to wait, and
/// longer than a search in a directory of a hundred thousand takes on an idle machine.
const GRACE_MS: u64 = 500;

/// Open unless the writer has closed it.
#[derive(Default)]
pub(crate) struct Gate {
    /// When it was closed; 0 while it is open.
    closed_at_ms: AtomicU64,
    opened: Notify,
}

impl Gate {
    pub(crate) fn close(&self) {
        // Closing it again gives the reads inside no more time.
        let now = uptime_ms().max(1);
        let _closed_before = self.closed_at_ms.compare_exchange(0, now, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(crate) fn open(&self) {
        if self.closed_at_ms.swap(0, Ordering::AcqRel) != 0 {
            self.opened.notify_waiters();
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.closed_at_ms.load(Ordering::Acquire) == 0
    }

    /// Waits until it is open.
    ///
    /// # Errors
    /// `Busy` at the deadline.
    pub(crate) async fn pass(&self, deadline: Instant) -> Result<(), StoreError> {
        while !self.is_open() {
            let opened = self.opened.notified();
            tokio::pin!(opened);
            opened.as_mut().enable();
            if !self.is_open() {
                timeout_at(deadline, opened).await.map_err(|_elapsed| StoreError::Busy)?;
            }
        }
        Ok(())
    }

    /// Whether reads inside must end, because the writer has waited for long enough.
    pub(crate) fn must_stop(&self) -> bool {
        let closed_at = self.closed_at_ms.load(Ordering::Relaxed);
        closed_at != 0 && uptime_ms().saturating_sub(closed_at) >= GRACE_MS
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn who_comes_to_a_closed_gate_waits_until_it_opens_or_the_deadline() {
        let gate = Gate::default();
        let soon = || Instant::now() + Duration::from_millis(20);
        gate.pass(soon()).await.unwrap();
        gate.close();
        gate.close();
        assert!(matches!(gate.pass(soon()).await, Err(StoreError::Busy)));
        let far = Instant::now() + Duration::from_secs(60);
        let (passed, ()) = tokio::join!(gate.pass(far), async { gate.open() });
        passed.unwrap();
    }

    #[test]
    fn who_is_inside_has_some_time_to_end() {
        let gate = Gate::default();
        assert!(!gate.must_stop());
        gate.close();
        let closed = std::time::Instant::now();
        while !gate.must_stop() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(closed.elapsed() >= Duration::from_millis(GRACE_MS - 5));
        gate.open();
        assert!(!gate.must_stop());
    }
}
