//! Errors of seats.

use std::str::FromStr;

use store::StoreError;

use crate::{License, Licenses};

/// A license of which no seat is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The license that was asked for.
    pub license: License,
    /// Seats in use.
    pub used: i64,
    /// The quota.
    pub limit: i64,
    /// Users who already wait for this license.
    pub waiting: i64,
    /// The fallback that is full too.
    pub fallback_full: Option<License>,
    /// A lesser license of which a seat is free.
    pub lesser_free: Option<License>,
}

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// No seat of the license is left, nor of one it falls back to.
    #[error("no {} seat is left ({} of {}, {} waiting)", .0.license, .0.used, .0.limit, .0.waiting)]
    LimitReached(Shortage),
    /// The license has no fallback.
    #[error("{0} has no license to fall back to")]
    NoFallback(License),
    /// A dated line that can never hold, or one too many.
    #[error("{0}")]
    Line(String),
    /// Stored data is damaged.
    #[error("{0}")]
    Damaged(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<diesel::result::Error> for SeatError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Reads a word of a table; `what` names it for the operator.
pub(crate) fn stored<T: FromStr>(what: &str, word: &str) -> Result<T, SeatError> {
    word.parse().map_err(|_| SeatError::Damaged(format!("{what} {word:?} is not known")))
}

/// The license of a stored key.
pub(crate) fn stored_license(licenses: &Licenses, key: &str) -> Result<License, SeatError> {
    licenses.get(key).ok_or_else(|| {
        let known = licenses.keys();
        SeatError::Damaged(format!("the license {key:?} is none of the tenant's profile ({known})"))
    })
}
