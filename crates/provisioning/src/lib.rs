//! The use cases: a user and its seat change together or not at all, and the profile says which attribute means which role
//! and license. Each function here runs inside one transaction that its caller opened. Deliberately absent: SQL, HTTP.

pub mod audit;
pub mod bulk;
mod context;
pub mod entitlements;
mod error;
pub mod groups;
pub mod lists;
mod outcome;
pub mod plan;
pub mod profile;
mod promotion;
pub mod refusal;
pub mod render;
mod rules;
pub mod schemas;
pub mod timestamp;
pub mod users;
pub mod version;
pub mod write;

pub use context::RequestContext;
pub use error::ProvisioningError;
pub use outcome::{Done, Outcome};
pub use profile::Profile;
pub use rules::{Act, Rules};
pub use version::Preconditions;
pub use write::Write;

use store::Migration;

/// What a tenant's store is made of, in order.
pub static TENANT_MIGRATIONS: &[Migration] = &[
    Migration {
        version: "0001_directory",
        sql: include_str!("../../../migrations/tenant/0001_directory.sql"),
        newest: None,
    },
    Migration {
        version: "0002_seats",
        sql: include_str!("../../../migrations/tenant/0002_seats.sql"),
        newest: None,
    },
    Migration {
        version: "0003_nested_groups",
        sql: include_str!("../../../migrations/tenant/0003_nested_groups.sql"),
        newest: None,
    },
    Migration {
        version: "0004_lists",
        sql: include_str!("../../../migrations/tenant/0004_lists.sql"),
        newest: None,
    },
    Migration {
        version: "0005_extension_schemas",
        sql: include_str!("../../../migrations/tenant/0005_extension_schemas.sql"),
        newest: None,
    },
    Migration {
        version: "0006_order",
        sql: include_str!("../../../migrations/tenant/0006_order.sql"),
        // Every write appends a record.
        newest: Some("SELECT at_ms AS ms FROM changes ORDER BY number DESC LIMIT 1"),
    },
];
