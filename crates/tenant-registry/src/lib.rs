//! Regions, tenants, credentials and their lifecycle. Each region has one registry: its tenants, their stores and their tokens.
//! Deliberately absent: SCIM, seats, HTTP.

mod credentials;
mod error;
mod lifecycle;
mod making;
mod migrations;
mod names;
mod opening;
mod registry;
mod schema;
mod tenant;
mod token;

pub use credentials::{CredentialInfo, Grant, IssuedToken};
pub use error::{RegistryError, TenantName};
pub use lifecycle::NewTenant;
pub use migrations::REGISTRY_MIGRATIONS;
pub use names::{BadName, CompanyKey, RegionCode, TenantId};
pub use registry::Registry;
pub use tenant::{Tenant, TenantSettings, TenantState, UnknownMemberRule};
pub use token::Token;
