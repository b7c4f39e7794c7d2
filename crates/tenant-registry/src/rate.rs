//! The limit of a tenant's requests.

use serde::{Deserialize, Serialize};

/// A tenant's token bucket: it holds `burst` requests and gets `per_second` more each second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Sent")]
pub struct Rate {
    per_second: u32,
    burst: u32,
}

/// A rate as it is sent and stored, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    per_second: u32,
    burst: Option<u32>,
}

/// A rate is outside its bounds; contains the rule.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadRate(String);

impl Rate {
    /// The initial cycle of an identity provider sends this many requests a second; a lower limit would break it (ME21).
    pub const LEAST_PER_SECOND: u32 = 25;
    /// A page of users that an identity provider sends at once must fit.
    pub const LEAST_BURST: u32 = 500;
    /// Of both numbers: more than a process can answer.
    pub const MOST: u32 = 1_000_000;

    /// Checks the bounds; without a burst it is the least one.
    ///
    /// # Errors
    /// [`BadRate`] with the rule.
    pub fn new(per_second: u32, burst: Option<u32>) -> Result<Self, BadRate> {
        let burst = burst.unwrap_or(Self::LEAST_BURST);
        check("a rate", "requests a second", Self::LEAST_PER_SECOND, per_second)?;
        check("the burst of a rate", "requests", Self::LEAST_BURST, burst)?;
        Ok(Self { per_second, burst })
    }

    /// Requests that the bucket gets in a second.
    #[must_use]
    pub fn per_second(self) -> u32 {
        self.per_second
    }

    /// Requests that the bucket holds.
    #[must_use]
    pub fn burst(self) -> u32 {
        self.burst
    }
}

fn check(what: &str, unit: &str, least: u32, given: u32) -> Result<(), BadRate> {
    if (least..=Rate::MOST).contains(&given) {
        return Ok(());
    }
    Err(BadRate(format!("{what} is {least} to {} {unit}, not {given}", Rate::MOST)))
}

impl TryFrom<Sent> for Rate {
    type Error = BadRate;

    fn try_from(sent: Sent) -> Result<Self, BadRate> {
        Self::new(sent.per_second, sent.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_at_least_what_an_initial_cycle_needs() {
        assert_eq!(Rate::new(25, None).unwrap(), Rate { per_second: 25, burst: 500 });
        let rule = |per_second, burst| Rate::new(per_second, burst).unwrap_err().to_string();
        assert_eq!(rule(24, None), "a rate is 25 to 1000000 requests a second, not 24");
        assert_eq!(rule(25, Some(499)), "the burst of a rate is 500 to 1000000 requests, not 499");
        assert!(rule(0, None).contains("not 0") && rule(u32::MAX, None).contains("25 to"));
    }
}
