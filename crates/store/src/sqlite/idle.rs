//! Empties the log of a store that nobody writes to any more: what is in the log only is lost with it, and what was deleted can
//! be read in it. A store that has been written to has one task that sleeps; others have nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use super::writer::Writer;
use crate::uptime::uptime_ms;

/// A log that a burst has left long is emptied this soon, and so is one that somebody was reading from the last time.
const SOON: Duration = Duration::from_secs(2);

/// When a store was last written to, and whether a task waits for the end of that.
#[derive(Default)]
pub(crate) struct Idle {
    since_ms: AtomicU64,
    armed: AtomicBool,
    /// The log could not be emptied the last time.
    delayed: AtomicBool,
}

impl Writer {
    /// Notes that the writer has nothing to do, and has the log emptied if that stays so.
    pub(crate) fn rest(self: &Arc<Self>) {
        self.idle.since_ms.store(uptime_ms(), Ordering::Relaxed);
        if self.checkpointer.is_emptied() || self.idle.armed.swap(true, Ordering::AcqRel) {
            return;
        }
        let armed = Armed(Arc::downgrade(self));
        // Without a runtime the process ends anyway.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(armed.wait());
        }
    }

    /// The same where nobody has written yet, but a crash has left something in the log.
    pub(crate) fn rest_after_a_crash(self: &Arc<Self>) {
        if !self.room.is_unused() {
            self.rest();
        }
    }

    /// Empties the log, on the connection of who leads.
    pub(super) fn empty_log(&self) {
        // It would let the file grow into what is given to somebody else.
        let Some(_everybody) = self.priority.everybody() else {
            return self.idle.delayed.store(true, Ordering::Relaxed);
        };
        let emptied = self.presence.look().and_then(|()| self.connect()).map(|mut connection| {
            let emptied = self.checkpointer.empty(&mut connection);
            self.keep(connection);
            emptied
        });
        self.idle.delayed.store(!emptied.unwrap_or(false), Ordering::Relaxed);
    }

    fn rests_until_ms(&self) -> u64 {
        let usual = self.settings.log_idle;
        let is_urgent = self.room.is_much_used() || self.idle.delayed.load(Ordering::Relaxed);
        let patience = if is_urgent { usual.min(SOON) } else { usual };
        let patience_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.idle.since_ms.load(Ordering::Relaxed).saturating_add(patience_ms)
    }
}

/// The duty to have the log emptied. It ends with its runtime, and then the next to write has it.
struct Armed(Weak<Writer>);

impl Armed {
    async fn wait(self) {
        // The store may be closed meanwhile, and is not kept by this.
        while let Some(writer) = self.0.upgrade() {
            let left = Duration::from_millis(writer.rests_until_ms().saturating_sub(uptime_ms()));
            if left.is_zero() {
                drop(self);
                return writer.ask_to_empty_the_log();
            }
            drop(writer);
            // A burst may come meanwhile, after which it is sooner.
            tokio::time::sleep(left.min(SOON)).await;
        }
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        if let Some(writer) = self.0.upgrade() {
            writer.idle.armed.store(false, Ordering::Release);
        }
    }
}
