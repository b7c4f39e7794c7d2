//! What can go wrong with seats.

use store::StoreError;

use crate::License;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// No seat of the license is left, nor of one it falls back to.
    #[error("no {license} seat is left ({used} of {limit}, {waiting} waiting)")]
    LimitReached {
        /// What was asked for.
        license: License,
        /// Seats in use.
        used: i64,
        /// The quota.
        limit: i64,
        /// People who already wait for this license.
        waiting: i64,
        /// What would have been given instead, when that is full too.
        fallback_full: Option<License>,
        /// A lesser license of which a seat is free: what could be asked for instead.
        lesser_free: Option<License>,
    },
    /// The license has nothing it could fall back to.
    #[error("{0} has no license to fall back to")]
    NoFallback(License),
    /// What rests does not make sense.
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
