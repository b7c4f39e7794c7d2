//! Users, groups, memberships, search and the change log of one tenant: rows of that tenant's own store.
//! Deliberately absent: seats, HTTP, and any word of another tenant.
//!
//! What every request asks goes through the transaction (`tx.get_result`, `tx.execute`, …), which keeps statements prepared.
//! Only what has a new text each time, filters and long lists, is given the connection itself.

pub mod changes;
mod claims;
mod emails;
mod error;
pub mod groups;
mod key;
pub mod memberships;
pub mod nesting;
mod schema;
pub mod search;
mod totals;
pub mod users;

pub use error::DirectoryError;

/// What a tenant's settings say about names (the table of disagreements in `docs/scim.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRules {
    /// Two groups may not have the same displayName, letter case ignored.
    pub unique_group_names: bool,
    /// Two resources of a type may not have the same externalId.
    pub unique_external_ids: bool,
}

impl Default for NameRules {
    fn default() -> Self {
        Self { unique_group_names: true, unique_external_ids: false }
    }
}
