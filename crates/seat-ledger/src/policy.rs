//! The policy of a license, for the case that no seat of it is free.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

/// The policy when no seat of a license is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Policy {
    /// The request is refused and nothing is written.
    Refuse,
    /// The person gets the license that this one falls back to, and waits for the one that was asked for.
    Fallback,
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
