//! What staff set for the case that no seat of a license is free: the policy, seats beyond the quota, and the grace for a swap.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::Day;

/// The policy when no seat of a license is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Policy {
    /// The request is refused and nothing is written.
    Refuse,
    /// The person gets the license that this one falls back to, and waits for the one that was asked for.
    Fallback,
    /// The person waits: with the seat that they hold, or with none.
    Hold,
    /// Seats beyond the quota are granted, as many as [`Overage`] says; then the request is refused.
    Overage,
}

impl Policy {
    /// The word in requests, settings and tables.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.into()
    }

    /// The policy of this key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        key.parse().ok()
    }
}

/// Seats beyond the quota that [`Policy::Overage`] grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overage {
    /// How many.
    pub seats: u32,
    /// From this day on none are granted any more; those who have one keep it.
    #[serde(default)]
    pub until: Option<Day>,
}

/// A swap at full seats: who joins before another leaves borrows a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grace {
    /// How many may be borrowed at the same time.
    pub seats: u32,
    /// For how long.
    pub minutes: u32,
}

impl Grace {
    pub(crate) fn ms(self) -> i64 {
        i64::from(self.minutes) * 60_000
    }
}
