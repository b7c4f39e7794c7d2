//! The arithmetic of a token bucket. The moment at which the bucket is full again says everything about it, so this number is all
//! that is kept; `shared/take.lua` does the same in Redis.

use std::time::Duration;

use tenant_registry::Rate;

const SECOND: u64 = 1_000_000;

/// A bucket in microseconds: how long it takes to get one token, and all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    pub(crate) interval: u64,
    pub(crate) capacity: u64,
}

impl From<Rate> for Bucket {
    fn from(rate: Rate) -> Self {
        let interval = SECOND / u64::from(rate.per_second());
        Self { interval, capacity: interval * u64::from(rate.burst()) }
    }
}

impl Bucket {
    /// Takes one token. `full_at` and `now` are microseconds of one clock.
    ///
    /// # Errors
    /// How long to wait for the next token.
    pub(crate) fn take(self, full_at: u64, now: u64) -> Result<u64, Duration> {
        let next = full_at.max(now) + self.interval;
        let wait = next.saturating_sub(now + self.capacity);
        if wait == 0 { Ok(next) } else { Err(Duration::from_micros(wait)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let bucket = Bucket::from(Rate::new(25, Some(500)).unwrap());
        let (mut full_at, mut now) = (0, 7 * SECOND);
        for _ in 0..500 {
            full_at = bucket.take(full_at, now).unwrap();
        }
        assert_eq!(bucket.take(full_at, now), Err(Duration::from_millis(40)));
        now += SECOND;
        for _ in 0..25 {
            full_at = bucket.take(full_at, now).unwrap();
        }
        assert!(bucket.take(full_at, now).is_err());
        // After a pause of any length the bucket is full and no fuller.
        now += 3_600 * SECOND;
        for _ in 0..500 {
            full_at = bucket.take(full_at, now).unwrap();
        }
        assert!(bucket.take(full_at, now).is_err());
    }
}
