//! What can go wrong with a use case.

use directory::DirectoryError;
use scim_core::ScimError;
use seat_ledger::SeatError;
use store::StoreError;

/// Errors of this crate; the gateway's one table gives each its answer.
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
    /// The directory refused or failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The ledger refused or failed.
    #[error(transparent)]
    Seats(#[from] SeatError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
