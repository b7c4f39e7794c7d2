//! Empties the log of a store that has not been written to for a while: changes that only the log holds are lost with it, and
//! deleted values can be read in it. A store that has been written to has one sleeping task; others have none.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use super::log_room::LogRoom;
use crate::open::Opener;
use crate::uptime::uptime_ms;

/// A log that is long after a burst is emptied this soon, and so is one that a read kept from being emptied the last time.
const SOON: Duration = Duration::from_secs(2);

/// When a store was last written to, and whether a task waits to empty its log.
pub(crate) struct Idle {
    room: LogRoom,
    usual: Duration,
    since_ms: AtomicU64,
    armed: AtomicBool,
    /// The log could not be emptied the last time.
    delayed: AtomicBool,
}

impl Idle {
    pub(crate) fn of(opener: &Opener) -> Arc<Self> {
        Arc::new(Self {
            room: LogRoom::of(&opener.file, &opener.settings),
            usual: opener.settings.log_idle,
            since_ms: AtomicU64::new(0),
            armed: AtomicBool::new(false),
            delayed: AtomicBool::new(false),
        })
    }

    /// Notes that the writer has nothing to do. If that stays so and the log is to be emptied, `empty` is called once.
    pub(crate) fn begin(self: &Arc<Self>, is_to_be_emptied: bool, empty: impl FnOnce() + Send + 'static) {
        self.since_ms.store(uptime_ms(), Ordering::Relaxed);
        if !is_to_be_emptied || self.armed.swap(true, Ordering::AcqRel) {
            return;
        }
        let armed = Armed(Arc::downgrade(self));
        // Without a runtime the process ends anyway.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(armed.wait(empty));
        }
    }

    /// Notes whether the log could not be emptied.
    pub(crate) fn note_delay(&self, delayed: bool) {
        self.delayed.store(delayed, Ordering::Relaxed);
    }

    /// The time left until the log is emptied.
    fn left(&self) -> Duration {
        let is_urgent = self.room.is_much_used() || self.delayed.load(Ordering::Relaxed);
        let patience = if is_urgent { self.usual.min(SOON) } else { self.usual };
        let since = uptime_ms().saturating_sub(self.since_ms.load(Ordering::Relaxed));
        patience.saturating_sub(Duration::from_millis(since))
    }
}

/// The duty to have the log emptied. It ends with its runtime, and then the next write begins another.
struct Armed(Weak<Idle>);

impl Armed {
    async fn wait(self, empty: impl FnOnce()) {
        // The store may be closed meanwhile, and is not kept by this.
        while let Some(idle) = self.0.upgrade() {
            let left = idle.left();
            if left.is_zero() {
                drop(self);
                return empty();
            }
            drop(idle);
            // A burst may come meanwhile, after which it is sooner.
            tokio::time::sleep(left.min(SOON)).await;
        }
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        if let Some(idle) = self.0.upgrade() {
            idle.armed.store(false, Ordering::Release);
        }
    }
}
