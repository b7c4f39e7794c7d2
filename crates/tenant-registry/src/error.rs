//! What can go wrong with a registry, in sentences that staff can act on.

use store::StoreError;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A name is not of its form.
    #[error("{0}")]
    BadName(String),
    /// The company key is taken in this region.
    #[error("the company key {key} is taken in region {region}")]
    KeyTaken {
        /// The region.
        region: String,
        /// The key.
        key: String,
    },
    /// No tenant has this company key in this region.
    #[error("there is no tenant {key} in region {region}")]
    NoTenant {
        /// The region.
        region: String,
        /// The key.
        key: String,
    },
    /// The tenant's deletion was begun and has not ended.
    #[error("the deletion of the tenant {key} in region {region} has not ended; delete it again")]
    BeingDeleted {
        /// The region.
        region: String,
        /// The key.
        key: String,
    },
    /// The tenant is deleted, but something of it is still there.
    #[error(
        "the tokens of the tenant {key} in region {region} have ended, but its store could not be removed ({cause}); \
         mend that and delete the tenant again"
    )]
    NotRemoved {
        /// The region.
        region: String,
        /// The key.
        key: String,
        /// What the store said.
        cause: StoreError,
    },
    /// No live token of this tenant has this key id.
    #[error("the tenant has no live token {0}")]
    NoToken(String),
    /// What the tenant's store was to start with was refused.
    #[error("{0}")]
    Initialise(String),
    /// What rests does not make sense.
    #[error("{0}")]
    Damaged(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegistryError {
    /// Whether it failed for want of room on the disk.
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
