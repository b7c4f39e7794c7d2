//! Roles that groups give, by rules of one tenant.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::tenant_of;
use crate::{
    people::{said, staff},
    products::{create, standing, used},
    running::{gateway, new_group, replace},
};

const RULES: &str =
    "sources=[{groups=[{name=\"Admins\", role=\"admin\"}, {name=\"Members\", role=\"member\"}]}]";
const MEMBER: [&str; 3] = ["member", "member", "granted"];
const LITE: [&str; 3] = ["member_lite", "member_lite", "granted"];

fn people(tenant: &Tenant, number: usize) -> Vec<String> {
    (0..number).map(|nth| create(tenant, &format!("user{nth:03}"), &json!({})).expect(201).id()).collect()
}

fn now(tenant: &Tenant, id: &str) -> [String; 3] {
    standing(&tenant.get(&format!("/Users/{id}")).expect(200)).map(str::to_owned)
}

fn add(tenant: &Tenant, group: &str, ids: &[String]) {
    let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    let operations = json!([{ "op": "add", "path": "members", "value": members }]);
    tenant.patch(&format!("/Groups/{group}"), &operations).expect(204);
}

fn waiting(gateway: &Gateway, tenant: &Tenant) -> Vec<String> {
    let waiting = said(gateway, tenant, &["seats", "waiting"]);
    waiting.as_array().unwrap().iter().map(|one| one["user_name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn s9_of_a_hundred_members_in_one_patch_sixty_get_seats_in_its_order_and_forty_wait_under_refuse_too() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &json!({ "member": 60, "member_lite": 200 }), &[RULES]);
    staff(&gateway, &acme, "PATCH", "/seats", Some(&json!({ "member": { "policy": "refuse" } }))).expect(200);
    let (ids, group) = (people(&acme, 100), new_group(&acme, "Members", &[]));
    // In another order than that of their creation.
    let mut order = ids.clone();
    order.rotate_left(30);
    add(&acme, &group, &order);
    assert_eq!(used(&gateway, &acme, "member"), 60);
    for id in &order[..60] {
        assert_eq!(now(&acme, id), MEMBER);
    }
    for id in &order[60..] {
        let [role, license, state] = now(&acme, id);
        assert_eq!((role.as_str(), state.as_str()), ("member", "fallback"), "{license}");
    }
    let told: Vec<String> = (90..100).chain(0..30).map(|nth| format!("user{nth:03}")).collect();
    assert_eq!(waiting(&gateway, &acme), told);
    gateway.audit(&acme);
    // Every one of them has a record.
    let changes = said(&gateway, &acme, &["tenant", "changes", "--limit", "100"]);
    let of_group = changes.as_array().unwrap().iter().filter(|change| change["detail"]["group"] == *group);
    assert_eq!(of_group.count(), 100);
}

#[test]
fn io14_a_renamed_group_keeps_its_rule_and_io13_a_deleted_one_is_computed_anew() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &json!({ "member": 9, "member_lite": 9 }), &[RULES]);
    let ids = people(&acme, 3);
    let members = new_group(&acme, "Members", &[&ids[0], &ids[1]]);
    let admins = new_group(&acme, "Admins", &[&ids[1]]);
    assert_eq!([now(&acme, &ids[0]), now(&acme, &ids[1])], [MEMBER, ["admin", "member", "granted"]]);
    acme.patch(&format!("/Groups/{members}"), &replace("displayName", "Crew")).expect(204);
    assert_eq!(acme.get(&format!("/Groups/{members}")).expect(200).body["displayName"], "Crew");
    add(&acme, &members, &ids[2..]);
    assert_eq!(now(&acme, &ids[2]), MEMBER);
    acme.delete(&format!("/Groups/{admins}")).expect(204);
    assert_eq!(now(&acme, &ids[1]), MEMBER);
    acme.delete(&format!("/Groups/{members}")).expect(204);
    for id in &ids {
        assert_eq!(now(&acme, id), LITE);
    }
    // The name is free for the rule again.
    new_group(&acme, "Members", &[&ids[0]]);
    assert_eq!(now(&acme, &ids[0]), MEMBER);
    gateway.audit(&acme);
}

#[test]
fn io13_a_group_that_is_left_in_place_keeps_giving_its_role_and_an_emptied_one_gives_none() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &json!({ "member": 9, "member_lite": 9 }), &[RULES]);
    let ids = people(&acme, 2);
    let members = new_group(&acme, "Members", &[&ids[0], &ids[1]]);
    // Okta unlinks a group and sends nothing: members keep their role, also when they are written again.
    acme.patch(&format!("/Users/{}", ids[0]), &replace("title", "Dr")).expect(200);
    assert_eq!(now(&acme, &ids[0]), MEMBER);
    acme.patch(&format!("/Groups/{members}"), &json!([{ "op": "remove", "path": "members" }])).expect(204);
    assert_eq!([now(&acme, &ids[0]), now(&acme, &ids[1])], [LITE, LITE]);
    gateway.audit(&acme);
}

#[test]
fn a_group_wipe_is_answered_and_echoed_and_staff_carry_it_out_or_drop_it() {
    let gateway = gateway();
    let seats = json!({ "member": 30, "member_lite": 60 });
    let acme = tenant_of(&gateway, "default", &seats, &[RULES, "protect.group_wipe_percent=50"]);
    let ids = people(&acme, 12);
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let group = new_group(&acme, "Members", &all);
    let path = format!("/Groups/{group}");
    let empty = json!({ "schemas": [crate::running::GROUP], "displayName": "Members", "members": [] });
    for is_dropped in [true, false] {
        let wiped = acme.put(&path, &empty).expect(200);
        assert_eq!(wiped.body.get("members").and_then(Value::as_array).map_or(0, Vec::len), 0);
        assert_eq!(used(&gateway, &acme, "member"), 12);
        let shown = said(&gateway, &acme, &["group", "show", "--group", "Members"]);
        assert_eq!(shown["held"]["people"], 12, "{shown}");
        assert_eq!(now(&acme, &ids[3])[2], "held");
        gateway.audit(&acme);
        let words: &[&str] = match is_dropped {
            true => &["group", "release", "--group", "Members", "--drop"],
            false => &["group", "release", "--group", "Members"],
        };
        assert!(said(&gateway, &acme, words)["held"].is_null());
        let row = &said(&gateway, &acme, &["log", "--user", &ids[3], "--limit", "1"])["rows"][0];
        assert_eq!((&row["idp"], &row["resource_id"]), (&json!("staff"), &json!(ids[3])), "{row}");
        if is_dropped {
            assert_eq!(used(&gateway, &acme, "member"), 12, "their seats stay");
            add(&acme, &group, &ids);
            assert_eq!(now(&acme, &ids[3]), MEMBER);
        }
    }
    assert_eq!(used(&gateway, &acme, "member"), 0);
    assert_eq!(now(&acme, &ids[3]), LITE);
    gateway.audit(&acme);
}

#[test]
fn a_rollback_of_the_breaker_leaves_whom_a_group_wipe_holds_to_staff() {
    let gateway = gateway();
    let seats = json!({ "member": 30, "member_lite": 60 });
    let acme = tenant_of(&gateway, "default", &seats, &[RULES, "protect.group_wipe_percent=50"]);
    let ids = people(&acme, 12);
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let path = format!("/Groups/{}", new_group(&acme, "Members", &all));
    let limits = json!({ "people": 5, "percent": 20, "minutes": 60 });
    staff(&gateway, &acme, "PATCH", "/breaker", Some(&limits)).expect(200);
    // A loss that passes, and a return.
    for active in [false, true] {
        acme.patch(&format!("/Users/{}", ids[0]), &replace("active", active)).expect(200);
    }
    let empty = json!({ "schemas": [crate::running::GROUP], "displayName": "Members", "members": [] });
    acme.put(&path, &empty).expect(200);
    said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(now(&acme, &ids[0]), ["member", "member", "held"]);
    let held = &said(&gateway, &acme, &["group", "show", "--group", "Members"])["held"];
    assert_eq!(held["people"], 12);
    said(&gateway, &acme, &["group", "release", "--group", "Members"]);
    assert_eq!(now(&acme, &ids[0]), LITE);
    gateway.audit(&acme);
}
