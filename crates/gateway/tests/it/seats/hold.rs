//! Near the number of refusals at which an identity provider gives a tenant up, nobody is refused any more (S10).

use serde_json::{Value, json};
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
};

use super::{seat, set_policy, standing};
use crate::running::{at, gateway_with, two_processes};

const TWENTY: (&str, &str) = ("USHER__LIMITS__REFUSALS_BEFORE_HOLD", "20");

/// A tenant whose only seat is taken and which refuses.
fn full(gateway: &Gateway) -> Tenant {
    let tenant = gateway.tenant("ire", "acme", Some(1), Some(0));
    set_policy(gateway, &tenant, "refuse");
    tenant.create_user("seated", "user").expect(201);
    tenant
}

fn refused(tenant: &Tenant, name: &str) {
    tenant.create_user(name, "user").expect_error(403, "seatLimitReached");
}

/// `in_force` and `why` of the license member.
fn in_force(gateway: &Gateway, tenant: &Tenant) -> (String, Value) {
    let member = gateway.seats(tenant)["member"].clone();
    (member["in_force"].as_str().unwrap().to_owned(), member["why"].clone())
}

fn waits(tenant: &Tenant, name: &str) -> String {
    let made = tenant.create_user(name, "user").expect(201);
    assert_eq!(standing(&made), ("waitlisted", &Value::Null));
    assert_eq!(made.body["active"], true);
    made.id()
}

#[test]
fn s10_after_so_many_refusals_the_next_waits_staff_are_told_and_below_half_the_policy_holds_again() {
    let clock = MachineClock::new();
    let environment = clock.environment();
    let mut settings: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.push(TWENTY);
    let gateway = gateway_with(&settings);
    let tenant = full(&gateway);
    // Each counts: of a create, a change, a bulk.
    for n in 0..19 {
        refused(&tenant, &format!("u{n}"));
    }
    assert_eq!(in_force(&gateway, &tenant), ("refuse".to_owned(), Value::Null));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{ "method": "POST", "path": "/Users", "bulkId": "a", "data": {
            "schemas": [testkit::urn::USER], "userName": "bulk", "userType": "user",
        } }],
    });
    let bulk = tenant.post("/Bulk", &body).expect(200);
    assert_eq!(bulk.body["Operations"][0]["status"], "403");
    let (policy, why) = in_force(&gateway, &tenant);
    assert_eq!(policy, "hold");
    assert!(why.as_str().unwrap().starts_with("20 requests of one identity provider were refused"), "{why}");
    let first = waits(&tenant, "first");
    let second = waits(&tenant, "second");
    assert!(gateway.log().contains("nobody is refused any more"), "{}", gateway.log());
    let changes = format!("{}/changes?limit=9", tenant.admin_path());
    let changes = gateway.admin("GET", &changes, None).expect(200).body;
    assert!(changes.as_array().unwrap().iter().any(|change| change["kind"] == "plan.hold"), "{changes}");
    // A day later the refusals are too old to count.
    clock.set("+25h");
    gateway.admin("POST", "/tick", None).expect(200);
    assert_eq!(in_force(&gateway, &tenant), ("refuse".to_owned(), Value::Null));
    refused(&tenant, "late");
    // Who waits goes on waiting, in order.
    super::set_quota(&gateway, &tenant, "member", 2);
    assert_eq!(
        (seat(&tenant, &first)["state"].clone(), seat(&tenant, &second)["state"].clone()),
        ("granted".into(), "waitlisted".into())
    );
    gateway.audit(&tenant);
}

#[test]
fn s10_two_processes_count_together_and_staff_end_the_hold_with_a_policy() {
    let processes = two_processes(&[TWENTY]);
    let tenant = full(&processes[0]);
    let tenants = processes.each_ref().map(|process| at(process, &tenant));
    for n in 0..20 {
        refused(&tenants[n % 2], &format!("u{n}"));
    }
    waits(&tenants[1], "first");
    waits(&tenants[0], "second");
    processes[1].cli_ok(&["seats", "policy", "member=refuse", "--region", "ire", "--key", "acme"]);
    assert_eq!(in_force(&processes[0], &tenant), ("refuse".to_owned(), Value::Null));
    refused(&tenants[0], "late");
    // Another identity provider's refusals are its own.
    let path = format!("{}/tokens", tenant.admin_path());
    let token =
        processes[0].admin("POST", &path, None).expect(201).body["token"].as_str().unwrap().to_owned();
    let other = Tenant { token, ..tenants[0].clone() };
    for n in 0..19 {
        refused(&other, &format!("v{n}"));
    }
    assert_eq!(in_force(&processes[0], &tenant).0, "refuse");
    processes[0].audit(&tenant);
}
