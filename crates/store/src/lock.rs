//! Locks a mutex whose data is whole after every step, so that a panic elsewhere does not matter.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits for the mutex and locks it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
