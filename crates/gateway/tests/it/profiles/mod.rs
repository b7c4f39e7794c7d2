//! Profiles that staff add, the overrides of one tenant, and what becomes of people when either changes.

pub(crate) mod files;
mod groups;
mod guards;
mod overrides;
mod reapply;
mod together;

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use crate::people::said;

/// Overrides a tenant's keys, each word `KEY=TOML`, by the command line; the answer.
#[track_caller]
pub(crate) fn overridden(gateway: &Gateway, tenant: &Tenant, words: &[&str]) -> Value {
    said(gateway, tenant, &[&["tenant", "override"], words].concat())
}

/// A tenant of this profile with these seats and overrides.
fn tenant_of(gateway: &Gateway, profile: &str, seats: &Value, overrides: &[&str]) -> Tenant {
    let tenant =
        gateway.onboard("ire", &json!({ "key": "acme", "name": "Acme", "profile": profile, "seats": seats }));
    if !overrides.is_empty() {
        overridden(gateway, &tenant, overrides);
    }
    tenant
}
