//! Wrong secrets are counted by address and by key id. Above the limit wrong secrets get 429; a correct secret is always served,
//! because it is checked first (attack 21).

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

use crate::{counters::counter, shared::Link};

/// Addresses and key ids that are counted at the same time; the least used are dropped first.
const COUNTED: usize = 20_000;

/// Okta doubles each `Retry-After` and gives up after ten tries: a large value would end a sync whose token was just corrected.
const LONGEST_WAIT_SECONDS: u64 = 5;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    Address(IpAddr),
    KeyId(String),
}

/// The name of its count in Redis.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address:{address}"),
            Self::KeyId(id) => write!(f, "key:{id}"),
        }
    }
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

/// The wrong secrets of the current windows: those of this process, and in Redis those of all.
pub(crate) struct Attempts {
    limit: u32,
    window: Duration,
    counts: Cache<Source, Arc<Mutex<Window>>>,
    link: Option<Arc<Link>>,
}

impl Attempts {
    pub(crate) fn new(limit: u32, window: Duration, link: Option<Arc<Link>>) -> Self {
        Self { limit, window, counts: Cache::new(COUNTED), link }
    }

    /// Counts one wrong secret. Returns the seconds to wait if there were too many.
    pub(crate) async fn wrong(&self, address: Option<IpAddr>, key_id: Option<&str>) -> Option<u64> {
        let sources = [address.map(Source::Address), key_id.map(|id| Source::KeyId(id.to_owned()))];
        let sources: Vec<Source> = sources.into_iter().flatten().collect();
        let here = sources.iter().filter_map(|source| self.count(source)).max();
        let wait = match &self.link {
            // If this process alone has counted too many, Redis need not be asked.
            Some(link) if here.is_none() => {
                let sources: Vec<String> = sources.iter().map(ToString::to_string).collect();
                link.count_wrong(&sources, self.limit, self.window).await
            }
            _ => here,
        };
        wait.map(|wait| wait.as_secs().clamp(1, LONGEST_WAIT_SECONDS))
    }

    /// Counts in this process. Returns the rest of the window if there were too many.
    fn count(&self, source: &Source) -> Option<Duration> {
        let window = counter(&self.counts, source, || Arc::new(Mutex::new(Window::new())));
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began.elapsed() >= self.window {
            *window = Window::new();
        }
        window.wrong = window.wrong.saturating_add(1);
        (window.wrong > self.limit).then(|| self.window.saturating_sub(window.began.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn attack_21_the_limit_is_counted_for_each_address_and_key_id() {
        let attempts = Attempts::new(3, Duration::from_secs(60), None);
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        for _ in 0..3 {
            assert_eq!(attempts.wrong(Some(one), None).await, None);
        }
        assert!(attempts.wrong(Some(one), None).await.is_some());
        assert_eq!(attempts.wrong(Some(other), Some("key")).await, None);
    }

    #[tokio::test]
    async fn a_window_that_is_over_counts_no_more() {
        let attempts = Attempts::new(1, Duration::ZERO, None);
        for _ in 0..5 {
            assert_eq!(attempts.wrong(None, Some("key")).await, None);
        }
    }
}
