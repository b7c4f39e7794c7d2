//! The use cases: a user and its seat change together or not at all, and the profile says which attribute means which role
//! and license. Each function here runs inside one transaction that its caller opened. Deliberately absent: SQL, HTTP.

mod adoption;
mod attributes;
pub mod audit;
mod before_image;
pub mod breaker;
pub mod bulk;
mod context;
pub mod dry_run;
pub mod due;
mod effects;
pub mod entitlements;
mod error;
pub mod explain;
mod facts;
pub mod features;
pub mod fit;
mod group_roles;
pub mod groupless;
mod guards;
pub mod health;
mod leaving;
pub mod lists;
pub mod log;
mod maker;
mod outcome;
pub mod people;
pub mod plan;
pub mod preview;
pub mod product;
mod promotion;
pub mod reapply;
pub mod reconcile;
mod records;
pub mod refusal;
pub mod refusals;
pub mod render;
mod resources;
pub mod roster;
mod rules;
pub mod schemas;
mod seating;
mod sent_person;
mod sent_role;
mod status;
pub mod table;
pub mod timestamp;
pub mod undo;
pub mod version;
pub mod view;
pub mod walks;
mod why;
pub mod wipes;
mod wishes;
pub mod write;

pub use context::{MayWrite, RequestContext};
pub use error::ProvisioningError;
pub use facts::{Act, FACTS, LOG_FACTS};
pub use features::{Feature, FeatureDisabled, Features};
pub use maker::Maker;
pub use outcome::{Done, HeldLoss, Loss, Outcome, Verdict};
pub use product::Product;
pub use rules::{Base, Rules};
pub use seat_ledger::pools::{take_all_turns, take_turn};
pub use sent_person::{SentPerson, user_name};
pub use version::Preconditions;
pub use view::Shown;
pub use write::Write;

use store::Migration;

/// The migrations of a tenant's store, in order.
pub static TENANT_MIGRATIONS: &[Migration] = &[
    migration("0001_directory", include_str!("../../../migrations/tenant/0001_directory.sql")),
    migration("0002_seats", include_str!("../../../migrations/tenant/0002_seats.sql")),
    migration("0003_nested_groups", include_str!("../../../migrations/tenant/0003_nested_groups.sql")),
    migration("0004_lists", include_str!("../../../migrations/tenant/0004_lists.sql")),
    migration(
        "0005_extension_schemas",
        include_str!("../../../migrations/tenant/0005_extension_schemas.sql"),
    ),
    Migration {
        // Every write appends a record.
        newest: Some("SELECT at_ms AS ms FROM changes ORDER BY number DESC LIMIT 1"),
        ..migration("0006_order", include_str!("../../../migrations/tenant/0006_order.sql"))
    },
    migration("0007_licenses", include_str!("../../../migrations/tenant/0007_licenses.sql")),
    migration("0008_origins", include_str!("../../../migrations/tenant/0008_origins.sql")),
    migration("0009_actors", include_str!("../../../migrations/tenant/0009_actors.sql")),
    migration("0010_group_roles", include_str!("../../../migrations/tenant/0010_group_roles.sql")),
    migration("0011_holds", include_str!("../../../migrations/tenant/0011_holds.sql")),
    migration("0012_log", include_str!("../../../migrations/tenant/0012_log.sql")),
    migration("0013_health", include_str!("../../../migrations/tenant/0013_health.sql")),
    migration("0014_before_images", include_str!("../../../migrations/tenant/0014_before_images.sql")),
    migration("0015_breaker", include_str!("../../../migrations/tenant/0015_breaker.sql")),
    migration(
        "0016_one_tree_of_images",
        include_str!("../../../migrations/tenant/0016_one_tree_of_images.sql"),
    ),
    migration("0017_log_by_resource", include_str!("../../../migrations/tenant/0017_log_by_resource.sql")),
    migration("0018_logs_in_order", include_str!("../../../migrations/tenant/0018_logs_in_order.sql")),
    migration("0019_log_in_segments", include_str!("../../../migrations/tenant/0019_log_in_segments.sql")),
];

/// The tables of a tenant's store that only grow. No write reads their rows, so a copy to try something out on has none.
pub static TENANT_LOGS: &[&str] =
    &["attempts", "before_images", "changes", "role_changes", "seat_ledger", "traffic"];

const fn migration(version: &'static str, sql: &'static str) -> Migration {
    Migration { version, sql, newest: None }
}
