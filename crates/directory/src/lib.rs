//! Users, groups, memberships, search and the change log of one tenant: rows of that tenant's own store.
//! Deliberately absent: seats, HTTP, and any word of another tenant.
//!
//! Queries whose text never changes go through the transaction (`tx.get_result`, `tx.execute`, …), which keeps them prepared.
//! Queries with a new text each time, filters and long lists, use the connection itself.

pub mod archive;
pub mod before_images;
pub mod breaker;
pub mod changes;
mod claims;
pub mod cursor_keys;
mod emails;
mod error;
pub mod extensions;
pub mod group_rules;
pub mod group_wipes;
mod key;
pub mod log;
pub mod matching;
pub mod memberships;
pub mod nesting;
pub mod origin;
pub mod resources;
pub mod role_changes;
mod schema;
pub mod search;
pub mod standing;
mod table;
mod totals;
pub mod traffic;

pub use error::DirectoryError;
pub use key::user_name as user_name_key;
pub use origin::Origin;
pub use standing::Standing;
