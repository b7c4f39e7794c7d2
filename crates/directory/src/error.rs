//! What can go wrong with a directory.

use store::StoreError;

/// Errors of this crate. Ids named here are of the same tenant.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Another user has this userName.
    #[error("userName is taken by {existing}")]
    UserNameTaken {
        /// The id of the user that has it; empty when it lost a race and cannot be read any more.
        existing: String,
    },
    /// Another resource has this value, and the tenant's settings make it unique.
    #[error("{attribute} is taken by {existing}")]
    ValueTaken {
        /// `displayName` or `externalId`.
        attribute: &'static str,
        /// The id of the resource that has it.
        existing: String,
    },
    /// A member that is a group: groups in groups are not built.
    #[error("a group as a member of a group")]
    NestedGroup,
    /// Members that are no users of this tenant; nothing was changed.
    #[error("unknown members")]
    UnknownMembers(Vec<String>),
    /// A stored document does not parse: damage, not a caller's fault.
    #[error("stored document of {id} does not parse: {cause}")]
    BadDocument {
        /// The resource's id.
        id: String,
        /// For the operator.
        cause: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<diesel::result::Error> for DirectoryError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}
