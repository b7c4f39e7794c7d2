//! Why an act of staff was refused or failed.

use profiles::Fault;
use provisioning::{ProvisioningError, schemas::SchemaError};
use store::StoreError;
use tenant_registry::RegistryError;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// The request cannot be carried out as it is; a sentence without its full stop.
    #[error("{0}")]
    BadRequest(String),
    /// A profile, or a tenant's overrides, have faults.
    #[error("{}", lines(.0))]
    Faults(Vec<Fault>),
    /// What there is does not allow it; a sentence without its full stop.
    #[error("{0}")]
    Conflict(String),
    /// There is no such thing; a sentence without its full stop.
    #[error("{0}")]
    NotFound(String),
    /// The registry refused or failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The tenant's data or its plan do not allow it.
    #[error(transparent)]
    Provisioning(#[from] ProvisioningError),
    /// A schema was refused.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

impl StaffError {
    /// Whether the disk was full.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Store(error)
            | Self::Provisioning(ProvisioningError::Store(error))
            | Self::Schema(SchemaError::Failed(ProvisioningError::Store(error))) => {
                matches!(error, StoreError::Full)
            }
            _ => false,
        }
    }
}
