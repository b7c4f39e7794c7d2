//! What staff can do to a tenant, as functions: values in, values out. The admin API and the command line are faces of it; a new
//! act is a method of [`TenantActs`]. Deliberately absent: HTTP, and how a value is shown.

mod acts;
mod breaker;
mod by;
mod credentials;
mod ended;
mod error;
mod exported;
mod figures;
mod health;
mod log;
mod people;
mod plan;
mod present;
pub mod printable;
mod profiles;
mod reapply;
mod schemas;
mod seats;
mod tables;
mod tenant_profile;
mod tenants;
mod trust;
mod undo;
mod words;

pub use ::profiles::{Fault, MAX_BYTES as MAX_PROFILE_BYTES, patch_of_words};
pub use acts::TenantActs;
pub use breaker::BreakerRequest;
pub use by::by;
pub use credentials::{CredentialRequest, CredentialTest, MAX_CREDENTIAL_DAYS, expiry_warning};
pub use error::StaffError;
pub use exported::{Exported, exported};
pub use health::{CredentialHealth, Health, IdpHealth, Look, NeedsHand, health, needing_a_hand};
pub use log::{LogPage, LogQuery};
pub use people::{PersonChangeRequest, PersonRequest};
pub use plan::{LicenseChange, NewLine, PlanChange};
pub use profiles::{ProfileInfo, ProfileText, Profiles, check_profile, product_of};
pub use provisioning::Feature;
pub use reapply::ReapplyProgress;
pub use schemas::SchemaRequest;
pub use seats::{SeatsOf, Waiting};
pub use tables::{PreviewProgress, PreviewRequest, Previewed};
pub use tenant_profile::TenantProfile;
pub use tenant_registry::Begun;
pub use tenants::{
    Activation, MoveRequest, NewTenant, SettingsChange, TenantChange, create, features, import,
    line_of_contact, line_of_name,
};
pub use undo::UndoRequest;
