//! Granting, waiting and refusal of seats, and the answers to each.

mod healing;
mod hold;
mod last_seat;
mod moves;
mod promotion;
mod quota;
mod recorded;
mod refusal;
mod suspension;

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
};

use crate::running::SEAT;

/// `(used, waiting)` of a license.
fn count(gateway: &Gateway, tenant: &Tenant, license: &str) -> (i64, i64) {
    let seats = gateway.seats(tenant);
    let number = |name: &str| seats[license][name].as_i64().unwrap();
    (number("used"), number("waiting"))
}

/// The seat extension of a user as it stands now.
#[track_caller]
fn seat(tenant: &Tenant, id: &str) -> Value {
    tenant.get(&format!("/Users/{id}")).expect(200).body[SEAT].clone()
}

/// `state` and `grantedLicense` (null: none) of the user in an answer.
#[track_caller]
fn standing(answer: &Answer) -> (&str, &Value) {
    let seat = &answer.body[SEAT];
    (seat["state"].as_str().unwrap_or_else(|| panic!("no seat in {}", answer.text)), &seat["grantedLicense"])
}

pub(crate) fn set_quota(gateway: &Gateway, tenant: &Tenant, license: &str, quota: i64) {
    let body = json!({ license: { "quota": quota } });
    gateway.admin("PATCH", &format!("{}/seats", tenant.admin_path()), Some(&body)).expect(200);
}

pub(crate) fn set_policy(gateway: &Gateway, tenant: &Tenant, policy: &str) {
    let body = json!({ "member": { "policy": policy } });
    gateway.admin("PATCH", &format!("{}/seats", tenant.admin_path()), Some(&body)).expect(200);
}

/// Creates a user who must get the Member seat that was asked for; the id.
#[track_caller]
fn member(tenant: &Tenant, name: &str) -> String {
    let made = tenant.create_user(name, "user").expect(201);
    assert_eq!(standing(&made), ("granted", &json!("member")));
    made.id()
}

/// Creates a user who asks for Member and must wait as Member Lite; the id.
#[track_caller]
fn waiting(tenant: &Tenant, name: &str) -> String {
    let made = tenant.create_user(name, "user").expect(201);
    assert_eq!(standing(&made), ("fallback", &json!("member_lite")));
    made.id()
}

/// Creates a user who must get the Lite seat that was asked for; the id.
#[track_caller]
fn lite(tenant: &Tenant, name: &str) -> String {
    let made = tenant.create_user(name, "member_lite").expect(201);
    assert_eq!(standing(&made), ("granted", &json!("member_lite")));
    made.id()
}
