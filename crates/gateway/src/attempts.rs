//! Wrong secrets are counted by address and by key id. Above the limit wrong secrets get 429; a correct secret is always served,
//! because it is checked first (attack 21).

use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

/// Addresses and key ids that are counted at the same time; the least used are dropped first.
const COUNTED: usize = 20_000;

/// Okta doubles each `Retry-After` and gives up after ten tries: a large value would end a sync whose token was just corrected.
const LONGEST_WAIT_SECONDS: u64 = 5;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    Address(IpAddr),
    KeyId(String),
}

struct Window {
    began: Instant,
    wrong: u32,
}

impl Window {
    fn new() -> Self {
        Self { began: Instant::now(), wrong: 0 }
    }
}

/// The wrong secrets of the current windows.
pub(crate) struct Attempts {
    limit: u32,
    window: Duration,
    counts: Cache<Source, Arc<Mutex<Window>>>,
}

impl Attempts {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window, counts: Cache::new(COUNTED) }
    }

    /// Counts one wrong secret. Returns the seconds to wait if there were too many.
    pub(crate) fn wrong(&self, address: Option<IpAddr>, key_id: Option<&str>) -> Option<u64> {
        let sources = [address.map(Source::Address), key_id.map(|id| Source::KeyId(id.to_owned()))];
        let waits = sources.into_iter().flatten().filter_map(|source| self.count(source));
        waits.max()
    }

    fn count(&self, source: Source) -> Option<u64> {
        let fresh = || Ok::<_, Infallible>(Arc::new(Mutex::new(Window::new())));
        let Ok(window) = self.counts.get_or_insert_with(&source, fresh);
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began.elapsed() >= self.window {
            *window = Window::new();
        }
        window.wrong = window.wrong.saturating_add(1);
        let left = self.window.saturating_sub(window.began.elapsed());
        (window.wrong > self.limit).then(|| left.as_secs().clamp(1, LONGEST_WAIT_SECONDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_21_the_limit_is_counted_for_each_address_and_key_id() {
        let attempts = Attempts::new(3, Duration::from_secs(60));
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        for _ in 0..3 {
            assert_eq!(attempts.wrong(Some(one), None), None);
        }
        assert!(attempts.wrong(Some(one), None).is_some());
        assert_eq!(attempts.wrong(Some(other), Some("key")), None);
    }

    #[test]
    fn a_window_that_is_over_counts_no_more() {
        let attempts = Attempts::new(1, Duration::ZERO);
        for _ in 0..5 {
            assert_eq!(attempts.wrong(None, Some("key")), None);
        }
    }
}
