//! The two licenses, and the policies for the case that no seat is free.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

/// A seat pool.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum License {
    /// A full seat.
    Member,
    /// The free, smaller seat.
    MemberLite,
}

impl License {
    /// All of them, dearest first. Pools are always touched in this order, so that two transactions cannot wait for each other.
    pub const ALL: [Self; 2] = [Self::Member, Self::MemberLite];

    /// The word in requests, settings and tables.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.into()
    }

    /// The name in sentences.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::MemberLite => "Member Lite",
        }
    }

    /// The license of this key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        key.parse().ok()
    }

    /// The license that a user gets instead under [`Policy::Fallback`].
    #[must_use]
    pub fn fallback(self) -> Option<Self> {
        match self {
            Self::Member => Some(Self::MemberLite),
            Self::MemberLite => None,
        }
    }
}

/// The policy when no seat of a license is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Policy {
    /// The request is refused and nothing is written.
    Refuse,
    /// The person gets [`License::fallback`] and waits for the license they asked for.
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
