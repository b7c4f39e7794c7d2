//! While a reserve is spent on a full disk, only urgent work writes: other writes would take the room that was given up.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// How many reserves are being spent now. A write looks here first, and holds the lock until it has written.
#[derive(Debug, Default)]
pub(crate) struct Priority(RwLock<u32>);

/// As long as one is held, no reserve is spent.
pub(crate) type Everybody<'a> = RwLockReadGuard<'a, u32>;

/// As long as one is held, only urgent work writes.
pub(crate) struct UrgentOnly(Arc<Priority>);

impl Priority {
    /// `None` while a reserve is spent.
    pub(crate) fn everybody(&self) -> Option<Everybody<'_>> {
        let spending = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (*spending == 0).then_some(spending)
    }

    /// Waits for writes under way. Blocks.
    pub(crate) fn urgent_only(self: &Arc<Self>) -> UrgentOnly {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) += 1;
        UrgentOnly(Arc::clone(self))
    }
}

impl Drop for UrgentOnly {
    fn drop(&mut self) {
        *self.0.0.write().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}
