//! Whether there are seats, and whose effect waits.

use serde_json::{Value, json};

use super::{codes, sentence};
use crate::{
    people::{said, staff},
    running::{GROUP, acme, gateway},
};

const NONE: [&str; 0] = [];

#[test]
fn seats_full_is_told_of_a_license_that_is_sold() {
    // Nothing is sold of the other license.
    let (gateway, acme) = acme(Some(2), Some(0));
    acme.create_user("ann", "user").expect(201);
    assert_eq!(codes(&gateway, &acme), NONE);
    let bob = acme.create_user("bob", "user").expect(201).id();
    assert_eq!(codes(&gateway, &acme), ["seats_full"]);
    assert_eq!(
        sentence(&gateway, &acme, "seats_full"),
        "All 2 seats of Member are in use: the next person gets none."
    );
    acme.delete(&format!("/Users/{bob}")).expect(204);
    assert_eq!(codes(&gateway, &acme), NONE);
}

#[test]
fn over_quota_is_told_when_the_quota_is_cut_below_what_is_in_use() {
    let (gateway, acme) = acme(Some(3), Some(0));
    for name in ["ann", "bob"] {
        acme.create_user(name, "user").expect(201);
    }
    crate::seats::set_quota(&gateway, &acme, "member", 2);
    assert_eq!(codes(&gateway, &acme), ["seats_full"]);
    crate::seats::set_quota(&gateway, &acme, "member", 1);
    assert_eq!(codes(&gateway, &acme), ["over_quota"]);
    assert_eq!(sentence(&gateway, &acme, "over_quota"), "2 seats of Member are in use, and there are 1.");
}

#[test]
fn waiting_people_are_told_by_license() {
    let (gateway, acme) = acme(Some(1), Some(0));
    crate::seats::set_policy(&gateway, &acme, "hold");
    acme.create_user("ann", "user").expect(201);
    assert_eq!(codes(&gateway, &acme), ["seats_full"]);
    acme.create_user("bob", "user").expect(201);
    assert_eq!(codes(&gateway, &acme), ["waiting", "seats_full"]);
    assert_eq!(sentence(&gateway, &acme, "waiting"), "People wait for seats: 1 for Member.");
}

#[test]
fn a_group_wipe_that_is_held_is_told_until_staff_decide() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    let overrides = json!({
        "sources": [{ "groups": [{ "name": "Members", "role": "member" }] }],
        "protect": { "group_wipe_percent": 50 },
    });
    staff(&gateway, &acme, "PATCH", "/profile/overrides", Some(&overrides)).expect(200);
    let ids: Vec<String> =
        (0..12).map(|n| acme.create_user(&format!("user{n}"), "").expect(201).id()).collect();
    let members = |ids: &[String]| -> Vec<Value> { ids.iter().map(|id| json!({ "value": id })).collect() };
    let group =
        |ids: &[String]| json!({ "schemas": [GROUP], "displayName": "Members", "members": members(ids) });
    let path = format!("/Groups/{}", acme.post("/Groups", &group(&ids)).expect(201).id());
    acme.put(&path, &group(&ids[..11])).expect(200);
    assert_eq!(codes(&gateway, &acme), NONE);
    acme.put(&path, &group(&[])).expect(200);
    assert_eq!(codes(&gateway, &acme), ["group_wipe_held"]);
    said(&gateway, &acme, &["group", "release", "--group", "Members", "--drop"]);
    assert_eq!(codes(&gateway, &acme), NONE);
}
