//! Errors of the use cases.

use directory::DirectoryError;
use scim_core::{ResourceKind, ScimError};
use seat_ledger::SeatError;
use store::StoreError;

use crate::features::FeatureDisabled;

/// Errors of this crate; the gateway's one table gives each its response.
#[derive(Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// The request is wrong.
    #[error(transparent)]
    Scim(#[from] ScimError),
    /// No resource of this type has this id.
    #[error("no {0} with this id")]
    NotFound(&'static str),
    /// `If-Match` names another version (RFC 7644 §3.14).
    #[error("the resource has version {current}")]
    PreconditionFailed {
        /// The version that it has, as an entity tag.
        current: String,
    },
    /// The profile has no such role.
    #[error("there is no role {role:?}; the roles are {}", known.join(", "))]
    NoSuchRole {
        /// What was asked for.
        role: String,
        /// What there is.
        known: Vec<String>,
    },
    /// What staff set of the breaker is none of its limits; a sentence without its full stop.
    #[error("{0}")]
    BreakerLimits(&'static str),
    /// The identity provider has deleted the person, and the deletion waits.
    #[error(
        "the person is deleted, and the breaker holds the deletion: carry it out by a deletion here, or roll it back"
    )]
    HeldDeletion,
    /// The credential of the request may not write resources of this type.
    #[error("the credential may not write a {}", .0.name())]
    OutOfScope(ResourceKind),
    /// The tenant's identity provider may not do this (CX19).
    #[error(transparent)]
    FeatureDisabled(#[from] FeatureDisabled),
    /// The directory refused, or found damage.
    #[error(transparent)]
    Directory(DirectoryError),
    /// The ledger refused, or found damage.
    #[error(transparent)]
    Seats(SeatError),
    /// The store failed, whether the directory or the ledger asked it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ProvisioningError {
    /// Whether no seat was left.
    #[must_use]
    pub fn is_for_want_of_a_seat(&self) -> bool {
        matches!(self, Self::Seats(SeatError::LimitReached(_)))
    }
}

impl From<DirectoryError> for ProvisioningError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Store(error) => Self::Store(error),
            error => Self::Directory(error),
        }
    }
}

impl From<SeatError> for ProvisioningError {
    fn from(error: SeatError) -> Self {
        match error {
            SeatError::Store(error) => Self::Store(error),
            error => Self::Seats(error),
        }
    }
}
