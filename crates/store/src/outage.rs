//! The outage of a server that could not be reached. While it is away one attempt at a time finds out whether it is back;
//! all other calls fail at once instead of each waiting for a connection.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::lock::lock;

/// Time between two attempts. A server that is back is noticed so late at the most.
const PAUSE: Duration = Duration::from_millis(250);

/// Whether a server is away.
#[derive(Default)]
pub(crate) struct Outage(Mutex<Option<Failed>>);

struct Failed {
    next_attempt: Instant,
    /// What the last attempt said; `None` when the server was there and had no connection to give.
    cause: Option<String>,
}

impl Outage {
    /// Asked before a connection is opened.
    ///
    /// # Errors
    /// The last attempt's, until it is time for the next one.
    pub(crate) fn allow_attempt(&self) -> Result<(), StoreError> {
        let mut failed = lock(&self.0);
        let Some(failed) = failed.as_mut() else { return Ok(()) };
        let now = Instant::now();
        if now < failed.next_attempt {
            return Err(failed.cause.clone().map_or(StoreError::Busy, StoreError::Unavailable));
        }
        failed.next_attempt = now + PAUSE;
        Ok(())
    }

    /// Notes how an attempt ended.
    pub(crate) fn note<T>(&self, attempt: &Result<T, StoreError>) {
        let cause = match attempt {
            Ok(_) => {
                *lock(&self.0) = None;
                return;
            }
            Err(StoreError::Busy) => None,
            Err(StoreError::Unavailable(cause)) => Some(cause.clone()),
            Err(other) => Some(other.to_string()),
        };
        *lock(&self.0) = Some(Failed { next_attempt: Instant::now() + PAUSE, cause });
    }

    /// Whether the last attempt failed.
    pub(crate) fn is_on(&self) -> bool {
        lock(&self.0).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_a_server_is_away_calls_fail_at_once_but_for_one_in_each_pause() {
        let outage = Outage::default();
        outage.allow_attempt().unwrap();
        assert!(!outage.is_on());
        outage.note::<()>(&Err(StoreError::Unavailable("it is away".to_owned())));
        assert!(outage.is_on());
        let told = outage.allow_attempt().unwrap_err();
        assert!(matches!(&told, StoreError::Unavailable(cause) if cause == "it is away"), "{told}");
        let began = Instant::now();
        while outage.allow_attempt().is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(began.elapsed() >= PAUSE - Duration::from_millis(5));
        outage.allow_attempt().unwrap_err();
        outage.note(&Ok(()));
        outage.allow_attempt().unwrap();
        outage.note::<()>(&Err(StoreError::Busy));
        assert!(matches!(outage.allow_attempt(), Err(StoreError::Busy)));
    }
}
