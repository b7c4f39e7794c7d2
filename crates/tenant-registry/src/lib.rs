//! Regions, tenants, credentials and their lifecycle: one registry a region, which says which tenants there are, where their
//! stores lie and which tokens open them. Deliberately absent: SCIM, seats, HTTP.

mod credentials;
mod error;
mod lifecycle;
mod names;
mod opening;
mod registry;
mod schema;
mod tenant;
mod token;

pub use credentials::{CredentialInfo, Grant, IssuedToken};
pub use error::RegistryError;
pub use lifecycle::NewTenant;
pub use names::{CompanyKey, RegionCode, TenantId};
pub use registry::{NextGeneration, Registry};
pub use tenant::{Tenant, TenantSettings, TenantState, UnknownMemberRule};
pub use token::Token;

use store::Migration;

/// What a registry's store is made of, in order.
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
];
