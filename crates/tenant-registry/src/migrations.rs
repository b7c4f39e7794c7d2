//! The migrations of a registry's store.

use store::Migration;

/// The first registry that says who did what.
pub(crate) const STAFF: &str = "0006_staff";
/// The first registry that has more kinds of credentials than bearer tokens.
pub(crate) const CREDENTIALS: &str = "0009_credentials";
/// The first registry that has OAuth clients.
pub(crate) const OAUTH: &str = "0010_oauth";
/// The first registry that has trusts in other issuers.
pub(crate) const ISSUERS: &str = "0011_issuers";

/// The migrations of a registry's store, in order.
pub static REGISTRY_MIGRATIONS: &[Migration] = &[
    Migration {
        version: "0001_tenants",
        sql: include_str!("../../../migrations/registry/0001_tenants.sql"),
        newest: Some(
            "SELECT MAX(ms) AS ms FROM (SELECT MAX(at_ms) AS ms FROM staff_acts \
             UNION ALL SELECT MAX(last_used_ms) FROM credentials) AS times",
        ),
    },
    Migration {
        version: "0002_region",
        sql: include_str!("../../../migrations/registry/0002_region.sql"),
        newest: None,
    },
    Migration {
        version: "0003_places",
        sql: include_str!("../../../migrations/registry/0003_places.sql"),
        newest: None,
    },
    Migration {
        version: "0004_abandoned",
        sql: include_str!("../../../migrations/registry/0004_abandoned.sql"),
        newest: None,
    },
    Migration {
        version: "0005_moves",
        sql: include_str!("../../../migrations/registry/0005_moves.sql"),
        newest: None,
    },
    Migration {
        version: STAFF,
        sql: include_str!("../../../migrations/registry/0006_staff.sql"),
        newest: None,
    },
    Migration {
        version: "0007_due_times",
        sql: include_str!("../../../migrations/registry/0007_due_times.sql"),
        newest: None,
    },
    Migration {
        version: "0008_profiles",
        sql: include_str!("../../../migrations/registry/0008_profiles.sql"),
        newest: None,
    },
    Migration {
        version: CREDENTIALS,
        sql: include_str!("../../../migrations/registry/0009_credentials.sql"),
        newest: None,
    },
    Migration {
        version: OAUTH,
        sql: include_str!("../../../migrations/registry/0010_oauth.sql"),
        newest: None,
    },
    Migration {
        version: ISSUERS,
        sql: include_str!("../../../migrations/registry/0011_issuers.sql"),
        newest: None,
    },
    Migration {
        version: "0012_expiry_warnings",
        sql: include_str!("../../../migrations/registry/0012_expiry_warnings.sql"),
        newest: None,
    },
    Migration {
        version: "0013_log_kept",
        sql: include_str!("../../../migrations/registry/0013_log_kept.sql"),
        newest: None,
    },
    Migration {
        version: "0014_health",
        sql: include_str!("../../../migrations/registry/0014_health.sql"),
        newest: None,
    },
    Migration {
        version: "0015_undo_kept",
        sql: include_str!("../../../migrations/registry/0015_undo_kept.sql"),
        newest: None,
    },
    Migration {
        version: "0016_figures",
        sql: include_str!("../../../migrations/registry/0016_figures.sql"),
        newest: None,
    },
];
