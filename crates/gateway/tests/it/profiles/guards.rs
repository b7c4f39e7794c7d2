//! Guards and delays that one tenant asks for: protected people, the last admin, kept seats, and people without a group.

use serde_json::{Value, json};

use super::{overridden, tenant_of};
use crate::{
    people::{said, staff},
    products::{create, standing, used},
    running::{SEAT, gateway, new_group, replace},
    tick::{join, leave, tick},
};

fn seats() -> Value {
    json!({ "member": 5, "member_lite": 5 })
}

#[test]
fn a_protected_person_is_never_deleted_suspended_or_lowered_by_an_identity_provider() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &seats(), &["protect.users=[\"Ada@acme.example\"]"]);
    let ada = create(&acme, "ada@acme.example", &json!({ "userType": "user" })).expect(201).id();
    let path = format!("/Users/{ada}");
    acme.delete(&path).expect_error(403, "protectedUser");
    let suspended = acme.patch(&path, &replace("active", false)).expect(200);
    assert_eq!((&suspended.body["active"], &suspended.body[SEAT]["state"]), (&json!(false), &json!("held")));
    let lowered = acme.patch(&path, &replace("userType", "member_lite")).expect(200);
    assert_eq!(lowered.body["userType"], "member_lite");
    assert_eq!(standing(&lowered), ["member", "member", "held"]);
    assert_eq!(used(&gateway, &acme, "member"), 1);
    gateway.audit(&acme);
    // Staff carry out what waits.
    let released = said(&gateway, &acme, &["user", "release", "--user", "ada@acme.example"]);
    assert_eq!((&released["active"], &released["role"]), (&json!(false), &json!("member_lite")));
    assert_eq!(used(&gateway, &acme, "member"), 0);
    gateway.audit(&acme);
}

#[test]
fn mo11_under_hold_the_last_admin_keeps_role_and_seat_until_another_admin_appears() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &seats(), &["protect.last_admin=hold"]);
    let ada = create(&acme, "ada", &json!({ "userType": "admin" })).expect(201).id();
    let path = format!("/Users/{ada}");
    let held = acme.patch(&path, &replace("userType", "member_lite")).expect(200);
    assert_eq!(
        (standing(&held), &held.body["userType"]),
        (["admin", "member", "held"], &json!("member_lite"))
    );
    assert!(held.body[SEAT]["reason"].is_string(), "{}", held.text);
    let suspended = acme.patch(&path, &replace("active", false)).expect(200);
    assert_eq!(
        (standing(&suspended), &suspended.body["active"]),
        (["admin", "member", "held"], &json!(false))
    );
    assert_eq!(said(&gateway, &acme, &["user", "show", "--user", "ada"])["role"], "admin");
    gateway.audit(&acme);
    create(&acme, "bob", &json!({ "userType": "admin" })).expect(201);
    let let_go = acme.get(&path).expect(200);
    assert_eq!((standing(&let_go)[0], &let_go.body["active"]), ("member_lite", &json!(false)));
    assert_eq!(used(&gateway, &acme, "member"), 1);
    gateway.audit(&acme);
}

#[test]
fn s5_with_days_of_grace_a_suspended_person_keeps_the_seat_and_counts_as_holder() {
    let gateway = gateway();
    let acme = tenant_of(
        &gateway,
        "default",
        &json!({ "member": 1, "member_lite": 1 }),
        &["leaving.seat_grace_days=3"],
    );
    let ada = create(&acme, "ada", &json!({ "userType": "user" })).expect(201).id();
    let path = format!("/Users/{ada}");
    acme.patch(&path, &replace("active", false)).expect(200);
    assert_eq!(used(&gateway, &acme, "member"), 1);
    let bob = create(&acme, "bob", &json!({ "userType": "user" })).expect(201);
    assert_eq!(standing(&bob), ["member", "member_lite", "fallback"]);
    gateway.audit(&acme);
    let back = acme.patch(&path, &replace("active", true)).expect(200);
    assert_eq!(standing(&back), ["member", "member", "granted"]);
    // Without grace the seat is free at once.
    overridden(&gateway, &acme, &["leaving.seat_grace_days=0"]);
    acme.patch(&path, &replace("active", false)).expect(200);
    let bob = acme.get(&format!("/Users/{}", bob.id())).expect(200);
    assert_eq!(standing(&bob), ["member", "member", "granted"]);
    gateway.audit(&acme);
}

#[test]
fn io11_with_no_delay_who_left_the_last_group_is_gone_within_a_tick_and_others_stay() {
    let gateway = gateway();
    let acme = tenant_of(
        &gateway,
        "iomete",
        &json!({}),
        &["leaving.groupless_after_minutes=0", "protect.users=[\"root\"]"],
    );
    let user = |name: &str| create(&acme, name, &json!({})).expect(201).id();
    let [leaves, moves, root, never] = ["leaves", "moves", "root", "never"].map(user);
    let local = staff(&gateway, &acme, "POST", "/users", Some(&json!({ "user_name": "local" }))).expect(201);
    let local = local.body["id"].as_str().unwrap().to_owned();
    let a = new_group(&acme, "A", &[&leaves, &moves, &root]);
    let b = new_group(&acme, "B", &[]);
    for id in [&leaves, &moves, &root] {
        leave(&acme, &a, id);
    }
    join(&acme, &b, &moves);
    assert_eq!(tick(&gateway)["people"], 2, "the protected one was looked at and stays");
    acme.get(&format!("/Users/{leaves}")).expect_error(404, "");
    for id in [&moves, &root, &never, &local] {
        acme.get(&format!("/Users/{id}")).expect(200);
    }
    gateway.audit(&acme);
}

#[test]
fn io11_a_tenant_may_suspend_instead_and_a_shorter_delay_holds_for_those_who_have_left_already() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &seats(), &["leaving.groupless=suspend"]);
    let ada = create(&acme, "ada", &json!({ "userType": "user" })).expect(201).id();
    let a = new_group(&acme, "A", &[&ada]);
    leave(&acme, &a, &ada);
    assert_eq!(tick(&gateway)["people"], 0, "an hour is not over");
    overridden(&gateway, &acme, &["leaving.groupless_after_minutes=0"]);
    assert_eq!(tick(&gateway)["people"], 1);
    let suspended = acme.get(&format!("/Users/{ada}")).expect(200);
    assert_eq!(
        (&suspended.body["active"], &suspended.body[SEAT]["state"]),
        (&json!(false), &json!("suspended"))
    );
    assert_eq!(used(&gateway, &acme, "member"), 0);
    gateway.audit(&acme);
}
