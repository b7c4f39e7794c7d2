//! What the five products that ship promise in their setup guides, as far as the profile alone decides it.

mod cxone_expert;
mod iomete;
mod mentimeter;
mod metacompliance;

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
};

use crate::running::{SEAT, onboarded, user_body};

/// A gateway and a tenant of a product with these seats, which is served.
pub(crate) fn of(profile: &str, seats: &Value) -> (Gateway, Tenant) {
    let (gateway, tenant) =
        onboarded(&json!({ "key": "acme", "name": "Acme", "profile": profile, "seats": seats }));
    gateway.admin("POST", &format!("{}/activate", tenant.admin_path()), None);
    (gateway, tenant)
}

/// A new user of this name with these attributes.
pub(crate) fn create(tenant: &Tenant, user_name: &str, more: &Value) -> Answer {
    tenant.post("/Users", &named(user_name, more))
}

/// The body of a user of this name with these attributes.
pub(crate) fn named(user_name: &str, more: &Value) -> Value {
    let mut body = user_body(more);
    body["userName"] = user_name.into();
    body
}

/// Role, license and state of an answer's user.
pub(crate) fn standing(answer: &Answer) -> [&str; 3] {
    ["role", "grantedLicense", "state"].map(|name| answer.body[SEAT][name].as_str().unwrap_or("none"))
}

/// Seats of a license in use.
pub(crate) fn used(gateway: &Gateway, tenant: &Tenant, license: &str) -> i64 {
    gateway.seats(tenant)[license]["used"].as_i64().unwrap()
}
