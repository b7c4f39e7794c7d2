//! Errors of a directory.

use scim_core::ResourceKind;
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
    /// Another resource has this value, and the tenant's schemas or settings make it unique.
    #[error("{attribute} is taken by {existing}")]
    ValueTaken {
        /// The attribute's full name, such as `displayName`.
        attribute: String,
        /// The id of the resource that has it.
        existing: String,
    },
    /// Groups, named by their ids, that cannot be members of a group because they hold it, directly or through others, or are
    /// it. No row was changed.
    #[error("a group would be a member of itself")]
    GroupCycle(Vec<String>),
    /// A chain of groups, one in the other, would be longer than [`crate::nesting::MAX_LEVELS`].
    #[error("groups in groups, too many levels")]
    NestingTooDeep,
    /// The tenant would have more than [`crate::nesting::MAX_NESTINGS`] groups in groups.
    #[error("groups in groups, too many")]
    TooManyNestings,
    /// Members that are unknown to this tenant; no row was changed.
    #[error("unknown members")]
    UnknownMembers(Vec<String>),
    /// The group has none of the members to be replaced; no row was changed.
    #[error("no member matches")]
    NoSuchMember,
    /// The tenant's own schemas are not those any more under which this write was made.
    #[error("the tenant's schemas have changed meanwhile")]
    SchemasChanged,
    /// Memory had to decide or order more resources than the caller gave it time for.
    #[error("a search in memory took too long")]
    SearchTooLong,
    /// A stored document does not parse: damage, not a caller's fault.
    #[error("stored document of {id} does not parse: {cause}")]
    BadDocument {
        /// The resource's id.
        id: String,
        /// For the operator.
        cause: String,
    },
    /// A directory stores no resources of this kind: a mistake of the caller.
    #[error("a directory holds no resources of the kind {0}")]
    NotStored(ResourceKind),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<diesel::result::Error> for DirectoryError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}
