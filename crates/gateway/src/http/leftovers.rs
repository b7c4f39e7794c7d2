//! How much of what was refused is read and thrown away, so that a client in the middle of its body still reads why: bounded for
//! each connection, and for all of them in each second, because anybody can send it (attack 60).

use std::sync::{Mutex, PoisonError};

use actix_web::rt::time::Instant;

/// Thrown away of what one connection sends after one refusal.
pub(super) const OF_ONE: usize = 1024 * 1024;

/// Thrown away in one second, over all connections.
const OF_ALL: usize = 16 * 1024 * 1024;

/// What all connections together may still send in vain.
#[derive(Default)]
pub(super) struct Allowance(Mutex<Option<Second>>);

struct Second {
    began: Instant,
    thrown: usize,
}

impl Allowance {
    /// Counts bytes; whether they were within what is allowed.
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
