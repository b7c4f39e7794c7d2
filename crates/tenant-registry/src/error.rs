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
