//! Log lines that clients can cause without a credential. The first of a kind gets its own line; the others are counted, and one
//! line for each interval has their number. So a flood of refusals cannot fill the disk, and only `kill -9` loses a count.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tracing::{error, info, warn};

/// How often the counts are logged.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);

/// Kinds that are counted separately. Causes are texts of this program, so there are few.
const KINDS: usize = 100;
/// The cause of all other kinds.
const OTHERS: &str = "other causes";

/// The tally of the process.
pub(crate) static TALLY: Tally = Tally::new();

/// The message of the first line of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// `a request was refused`, and `a request failed`.
    Request,
    /// `a request could not be read`.
    Unreadable,
    /// `an admin request was refused`.
    AdminRequest,
}

/// Log lines that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    what: What,
    status: u16,
    cause: String,
}

/// The count of each kind since its own line or its last sum.
pub(crate) struct Tally {
    counts: Mutex<BTreeMap<Kind, u64>>,
    /// All that were counted instead of written.
    dropped: AtomicU64,
}

impl Tally {
    const fn new() -> Self {
        Self { counts: Mutex::new(BTreeMap::new()), dropped: AtomicU64::new(0) }
    }

    /// True for the first of a kind, which gets its own line; counts the others.
    pub(crate) fn is_first(&self, what: What, status: u16, cause: &str) -> bool {
        let mut kind = Kind { what, status, cause: cause.to_owned() };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= KINDS && !counts.contains_key(&kind) {
            kind = Kind { what, status, cause: OTHERS.to_owned() };
        }
        let count = counts.get_mut(&kind).map(|count| *count += 1);
        match count {
            None => {
                counts.insert(kind, 0);
            }
            Some(()) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        count.is_none()
    }

    /// How many lines were counted instead of written, since the process started.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Takes the counts. A kind without a count is forgotten, so its next occurrence gets its own line.
    fn take(&self) -> Vec<(Kind, u64)> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|_, count| *count > 0);
        counts.iter_mut().map(|(kind, count)| (kind.clone(), std::mem::take(count))).collect()
    }

    /// Logs the counts.
    pub(crate) fn sum_up(&self) {
        for (Kind { what, status: code, cause }, count) in self.take() {
            match (what, code) {
                (What::AdminRequest, _) => warn!(code, cause, count, "more admin requests were refused"),
                (What::Unreadable, _) => info!(code, cause, count, "more requests could not be read"),
                (What::Request, 500..) => error!(code, cause, count, "more requests failed"),
                (What::Request, _) => info!(code, cause, count, "more requests were refused"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_kind_has_its_own_line_and_the_others_one_number() {
        let tally = Tally::new();
        assert!(tally.is_first(What::Request, 401, "a"));
        assert!(tally.is_first(What::Request, 404, "a"), "another kind");
        (0..7).for_each(|_| assert!(!tally.is_first(What::Request, 401, "a")));
        let counts = |tally: &Tally| {
            tally.take().into_iter().map(|(kind, count)| (kind.status, count)).collect::<Vec<_>>()
        };
        assert_eq!(counts(&tally), [(401, 7)]);
        assert!(
            !tally.is_first(What::Request, 401, "a"),
            "a flood goes on: counted from the next interval's start"
        );
        assert_eq!(counts(&tally), [(401, 1)]);
        assert!(counts(&tally).is_empty(), "quiet for an interval");
        assert!(tally.is_first(What::Request, 401, "a"), "so the next one has its own line");
    }

    #[test]
    fn no_number_of_kinds_fills_the_memory() {
        let tally = Tally::new();
        let first = (0..1_000).filter(|n| tally.is_first(What::Request, 503, &n.to_string())).count();
        assert_eq!((first, tally.counts.lock().unwrap().len()), (KINDS + 1, KINDS + 1));
        assert_eq!(tally.take().into_iter().map(|(_, count)| count).sum::<u64>(), 1_000 - 101);
    }
}
