//! Whether requests may wait for Redis. It is counted in pings, so that this file needs no clock.

/// Prompt pings in a row after which requests wait for Redis again: about a second.
const SHORTEST_ROW: u32 = 4;
/// About a minute.
const LONGEST_ROW: u32 = 240;

/// Each time that Redis kept a request waiting, it has to answer a longer row of pings promptly, so that a Redis that is slow again and
/// again costs little. After a long row without that, it begins anew.
pub(super) struct Trust {
    is_trusted: bool,
    row: u32,
    needed: u32,
}

impl Trust {
    /// Of a new connection.
    pub(super) fn new() -> Self {
        Self { is_trusted: true, row: 0, needed: SHORTEST_ROW }
    }

    /// The last verdict.
    pub(super) fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// Notes a ping; returns whether Redis is to be trusted. `has_lapsed`: it has kept a request waiting since the last ping.
    pub(super) fn note(&mut self, is_prompt: bool, has_lapsed: bool) -> bool {
        if has_lapsed || !is_prompt {
            self.row = 0;
            self.is_trusted = false;
        }
        self.row += u32::from(is_prompt);
        if self.is_trusted && self.row >= LONGEST_ROW {
            self.needed = SHORTEST_ROW;
        }
        if !self.is_trusted && self.row >= self.needed {
            *self = Self { is_trusted: true, row: 0, needed: (self.needed * 2).min(LONGEST_ROW) };
        }
        self.is_trusted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many prompt pings it takes after a lapse.
    fn pings(trust: &mut Trust) -> u32 {
        (1..).find(|number| trust.note(true, *number == 1)).unwrap()
    }

    #[test]
    fn a_redis_that_is_slow_again_and_again_is_trusted_later_each_time() {
        let mut trust = Trust::new();
        assert!(trust.note(true, false));
        assert_eq!([4, 8, 16], [(); 3].map(|()| pings(&mut trust)));
        for _ in 0..10 {
            pings(&mut trust);
        }
        assert_eq!(pings(&mut trust), LONGEST_ROW);
        assert!((0..LONGEST_ROW).all(|_| trust.note(true, false)));
        assert_eq!(pings(&mut trust), SHORTEST_ROW);
        assert!(!trust.note(false, false), "a late ping ends it at once");
    }
}
