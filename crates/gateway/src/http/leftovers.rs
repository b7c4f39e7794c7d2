//! Limits on the bytes of refused requests that are read and discarded, so that a client in the middle of its body still receives
//! the refusal. Clients need no credential to send them, so there is a limit for each connection and one for all of them in each
//! second (attack 60).

use std::sync::{Mutex, PoisonError};

use actix_web::rt::time::Instant;

/// Bytes discarded of one connection after one refusal.
pub(super) const OF_ONE: usize = 1024 * 1024;

/// Bytes discarded in one second, over all connections.
const OF_ALL: usize = 16 * 1024 * 1024;

/// The bytes that may still be discarded in this second, over all connections.
#[derive(Default)]
pub(super) struct Allowance(Mutex<Option<Second>>);

struct Second {
    began: Instant,
    thrown: usize,
}

impl Allowance {
    /// Counts bytes; false above the limit.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let running = second.take().filter(|second| second.began.elapsed().as_secs() == 0);
        let mut running = running.unwrap_or_else(|| Second { began: Instant::now(), thrown: 0 });
        running.thrown = running.thrown.saturating_add(bytes);
        let is_within = running.thrown <= OF_ALL;
        *second = Some(running);
        is_within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_have_a_bound_in_a_second() {
        let allowance = Allowance::default();
        assert!(allowance.take(OF_ALL));
        assert!(!allowance.take(1));
    }
}
