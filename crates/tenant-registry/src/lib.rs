//! Regions, tenants, credentials and their lifecycle. Each region has one registry: its tenants, their stores and their credentials.
//! Deliberately absent: SCIM, seats, HTTP.

mod admin_tokens;
mod arrival;
mod by;
mod cache;
mod cached_tenant;
mod cells;
mod credentials;
mod due_times;
mod error;
mod export;
mod importing;
mod kind;
mod leases;
mod lifecycle;
mod migrations;
mod move_row;
mod moved;
mod moves;
mod moving;
mod names;
mod opening;
mod place;
mod profile_acts;
mod profiles;
mod rate;
mod record;
mod registry;
mod schema;
mod scopes;
mod signing_keys;
mod staff_acts;
mod tenant;
mod tick;
mod token;
mod upgrade;

pub use admin_tokens::{AdminTokenInfo, AdminTokenReach};
pub use by::{By, ROOT};
pub use cells::CellState;
pub use credentials::{CredentialInfo, Grant, Inspected, IssuedCredential, NewCredential};
pub use due_times::{DueGuard, DueTenant};
pub use error::{RegistryError, TenantName};
pub use export::write_export;
pub use importing::Export;
pub use kind::CredentialKind;
pub use lifecycle::NewTenant;
pub use migrations::REGISTRY_MIGRATIONS;
pub use moved::Gone;
pub use moves::{Begun, Destination, Move};
pub use names::{BadName, CellName, CompanyKey, RegionCode, TenantId, TokenName};
pub use opening::RegistryContext;
pub use place::{Cell, Placement, RegionPlace, RegistryPlace, TenantLocation};
pub use profiles::{CheckProfile, ProfileChoice, StoredProfile};
pub use rate::{BadRate, Rate};
pub use record::{TenantRecord, mark_as_deleted, tenants_with_files};
pub use registry::{OnForget, Registry};
pub use scopes::{Scope, Scopes};
pub use signing_keys::SealedKey;
pub use staff_acts::StaffAct;
pub use tenant::{
    Maker, Provisioning, Tenant, TenantMode, TenantPlan, TenantSettings, TenantState, UnknownMemberRule,
};
pub use token::{NamedToken, Token};
pub use transfer::Progress;
pub use upgrade::{StoreBehind, Upgrade};
