//! What can go wrong with a registry, in sentences that staff can act on.

use std::fmt;

use store::StoreError;

use crate::names::{BadName, CompanyKey, RegionCode, TokenName};

/// A tenant in a sentence: `acme in region ire`.
#[derive(Clone, Debug)]
pub struct TenantName {
    region: RegionCode,
    key: CompanyKey,
}

impl TenantName {
    pub(crate) fn new(region: &RegionCode, key: &CompanyKey) -> Self {
        Self { region: region.clone(), key: key.clone() }
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in region {}", self.key, self.region)
    }
}

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A name does not have its form.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// The company key is taken in this region.
    #[error("the company key {} is taken in region {}", .0.key, .0.region)]
    KeyTaken(TenantName),
    /// No tenant has this company key in this region.
    #[error("there is no tenant {0}")]
    NoTenant(TenantName),
    /// The tenant's deletion is not complete.
    #[error("the deletion of the tenant {0} has not ended; delete it again")]
    BeingDeleted(TenantName),
    /// Another request or another process makes, deletes or moves the tenant now.
    #[error("another act on the tenant {0} is under way; try again in a few seconds")]
    Occupied(TenantName),
    /// The tenant's store cannot be where staff want it.
    #[error("{0}")]
    Placement(String),
    /// The tenant's tokens are gone, but its store could not be removed.
    #[error(
        "the tokens of the tenant {tenant} have ended, but its store could not be removed ({cause}); \
         mend that and delete the tenant again"
    )]
    NotRemoved {
        /// Which one.
        tenant: TenantName,
        /// Why.
        cause: StoreError,
    },
    /// No live credential of this tenant has this key id.
    #[error("the tenant has no live credential {0}")]
    NoCredential(String),
    /// The tenant has no OAuth client of this id.
    #[error("the tenant has no client {0}")]
    NoClient(String),
    /// A live admin token has this name.
    #[error("there is an admin token {0} already; revoke it, or choose another name")]
    TokenNameTaken(TokenName),
    /// No live admin token has this name.
    #[error("there is no admin token {0}")]
    NoAdminToken(TokenName),
    /// More admin tokens than a registry holds.
    #[error("there are {0} admin tokens already; revoke those that nobody needs")]
    TooManyTokens(i64),
    /// The region has no profile of this name.
    #[error("region {region} has no profile {name} of its own")]
    NoProfile {
        /// The region.
        region: RegionCode,
        /// The name.
        name: String,
    },
    /// A tenant's profile and overrides cannot be read; a sentence.
    #[error("{0}")]
    Profile(String),
    /// Tenants use the profile in a way that the change would break; a sentence.
    #[error("{0}")]
    ProfileInUse(String),
    /// A profile in the registry cannot be read by this version; a sentence that names it.
    #[error("{0}")]
    UnreadableProfile(String),
    /// The initial contents of the tenant's store were refused.
    #[error("{0}")]
    Initialise(String),
    /// A copy of a tenant does not fit here: the rest of a sentence about it.
    #[error("{0}")]
    Unfit(String),
    /// Stored data is invalid.
    #[error("{0}")]
    Damaged(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegistryError {
    /// The same as an error of a store.
    pub(crate) fn into_store(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            other => StoreError::Unavailable(other.to_string()),
        }
    }

    /// Whether the disk was full.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Store(StoreError::Full))
    }
}

impl From<diesel::result::Error> for RegistryError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<store::LocationError> for RegistryError {
    fn from(error: store::LocationError) -> Self {
        Self::Damaged(error.to_string())
    }
}
