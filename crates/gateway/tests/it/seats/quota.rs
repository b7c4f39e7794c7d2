//! What a tenant has bought, changed while people work.

use serde_json::json;
use testkit::gateway::Gateway;

use super::{count, member, set_quota, standing, waiting};
use crate::running::{acme, gateway, replace};

#[test]
fn s7_and_attack_49_a_quota_cut_below_use_evicts_nobody_blocks_growth_and_shows_the_debt() {
    let (gateway, acme) = acme(Some(3), Some(9));
    let seated = ["ada", "grace", "edith"].map(|name| member(&acme, name));
    set_quota(&gateway, &acme, "member", 1);
    let seats = gateway.seats(&acme);
    assert_eq!((&seats["member"]["quota"], &seats["member"]["used"]), (&json!(1), &json!(3)));
    for id in &seated {
        let user = acme.get(&format!("/Users/{id}")).expect(200);
        assert_eq!(standing(&user), ("granted", &json!("member")));
    }
    waiting(&acme, "hedy");
    acme.delete(&format!("/Users/{}", seated[0])).expect(204);
    assert_eq!(count(&gateway, &acme, "member"), (2, 1), "still above the quota: nobody is promoted");
    acme.delete(&format!("/Users/{}", seated[1])).expect(204);
    assert_eq!(count(&gateway, &acme, "member"), (1, 1));
    acme.delete(&format!("/Users/{}", seated[2])).expect(204);
    assert_eq!(count(&gateway, &acme, "member"), (1, 0));
    gateway.audit(&acme);
}

#[test]
fn a_license_that_is_not_named_has_no_seats_and_unlimited_is_null() {
    let gateway = gateway();
    let body = json!({ "key": "small", "name": "Small", "seats": { "member": null } });
    let small = gateway.onboard("ire", &body);
    let seats = gateway.seats(&small);
    assert_eq!((&seats["member"]["quota"], &seats["member_lite"]["quota"]), (&json!(null), &json!(0)));
    member(&small, "ada");
    small.create_user("grace", "member_lite").expect_error(403, "seatLimitReached");
}

#[test]
fn a_changed_plan_is_in_force_for_the_next_request() {
    let (gateway, acme) = acme(Some(0), Some(0));
    acme.create_user("ada", "user").expect_error(403, "seatLimitReached");
    gateway.cli_ok(&["seats", "set", "--region", "ire", "--key", "acme", "member=1", "member_lite=1"]);
    member(&acme, "ada");
    waiting(&acme, "grace");
    gateway.cli_ok(&["seats", "policy", "--region", "ire", "--key", "acme", "member=refuse"]);
    acme.create_user("edith", "user").expect_error(403, "seatLimitReached");
    audited_by_cli(&gateway);
}

fn audited_by_cli(gateway: &Gateway) {
    gateway.cli_ok(&["seats", "audit", "--region", "ire", "--key", "acme"]);
}

#[test]
fn s8_who_waits_goes_on_waiting_when_the_policy_becomes_refuse() {
    let (gateway, acme) = acme(Some(1), Some(5));
    let ada = member(&acme, "ada");
    let grace = waiting(&acme, "grace");
    super::set_policy(&gateway, &acme, "refuse");
    let path = format!("/Users/{grace}");
    let edited = acme.patch(&path, &replace("displayName", "Grace")).expect(200);
    assert_eq!(standing(&edited).0, "fallback");
    acme.delete(&format!("/Users/{ada}")).expect(204);
    assert_eq!(standing(&acme.get(&path).expect(200)).0, "granted");
    gateway.audit(&acme);
}

#[test]
fn attack_49_a_deleted_tenant_leaves_no_seat_to_use() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", Some(1), Some(0));
    let ada = member(&acme, "ada");
    gateway.admin("DELETE", &acme.admin_path(), None).expect(204);
    acme.create_user("grace", "user").expect_error(401, "");
    let again = gateway.tenant("ire", "acme", Some(1), Some(0));
    again.get(&format!("/Users/{ada}")).expect_error(404, "");
    assert_eq!(count(&gateway, &again, "member"), (0, 0));
    member(&again, "grace");
    gateway.audit(&again);
}
