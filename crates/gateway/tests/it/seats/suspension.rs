//! People who leave and come back: a suspended person keeps everything but the seat.

use serde_json::{Value, json};

use super::{count, member, seat, set_policy, standing};
use crate::running::{SEAT, acme, groups_of, new_group, replace, user_body};

#[test]
fn s5_and_me16_a_suspended_user_holds_no_seat_and_keeps_the_wish_and_all_data() {
    let (gateway, acme) = acme(Some(1), Some(1));
    let body = user_body(&json!({
        "userName": "ada", "userType": "user", "externalId": "x-1", "displayName": "Ada",
        "emails": [{ "value": "ada@example.com", "type": "work" }],
    }));
    let made = acme.post("/Users", &body).expect(201);
    let path = format!("/Users/{}", made.id());
    let operation = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    let gone = acme.patch(&path, &operation).expect(200);
    let seat = &gone.body[SEAT];
    assert_eq!((&seat["state"], &seat["requestedLicense"]), (&json!("suspended"), &json!("member")));
    assert!(seat.get("grantedLicense").is_none() && seat["reason"].is_string(), "{seat}");
    for name in ["userName", "userType", "externalId", "displayName", "emails"] {
        assert_eq!(gone.body[name], made.body[name], "{name}");
    }
    assert_eq!(gone.body["active"], Value::Bool(false));
    assert_eq!(count(&gateway, &acme, "member"), (0, 0));
    let listed = acme.find("/Users", "active eq false").expect(200);
    assert_eq!(listed.body["Resources"][0]["id"], made.body["id"]);
    gateway.audit(&acme);
}

#[test]
fn s1_deactivation_passes_when_everything_is_full_and_over() {
    let (gateway, acme) = acme(Some(2), Some(0));
    let (ada, grace) = (member(&acme, "ada"), member(&acme, "grace"));
    super::set_quota(&gateway, &acme, "member", 0);
    acme.patch(&format!("/Users/{ada}"), &replace("active", false)).expect(200);
    acme.delete(&format!("/Users/{grace}")).expect(204);
    assert_eq!(count(&gateway, &acme, "member"), (0, 0));
    gateway.audit(&acme);
}

#[test]
fn me18_and_cx5_who_comes_back_is_the_same_user_in_the_same_groups_and_asks_for_the_seat_again() {
    let (gateway, acme) = acme(Some(1), Some(5));
    let ada = member(&acme, "ada");
    new_group(&acme, "Crew", &[&ada]);
    let path = format!("/Users/{ada}");
    acme.patch(&path, &replace("active", false)).expect(200);
    assert_eq!(groups_of(&acme, &ada), ["Crew"]);
    member(&acme, "grace");
    let back =
        acme.patch(&path, &json!([{ "op": "Replace", "path": "active", "value": "True" }])).expect(200);
    assert_eq!((back.id(), standing(&back)), (ada.clone(), ("fallback", &json!("member_lite"))));
    assert_eq!(groups_of(&acme, &ada), ["Crew"]);
    assert_eq!(count(&gateway, &acme, "member"), (1, 1));
    gateway.audit(&acme);
}

#[test]
fn attack_49_created_inactive_then_activated_takes_a_seat_by_the_same_rules() {
    let (gateway, acme) = acme(Some(1), Some(5));
    set_policy(&gateway, &acme, "refuse");
    member(&acme, "ada");
    let body = user_body(&json!({ "userName": "grace", "userType": "user", "active": false }));
    let grace = acme.post("/Users", &body).expect(201);
    assert_eq!(standing(&grace), ("suspended", &Value::Null));
    let path = format!("/Users/{}", grace.id());
    let on = user_body(&json!({ "userName": "grace", "active": true }));
    acme.patch(&path, &replace("active", true)).expect_error(403, "seatLimitReached");
    acme.patch(&path, &json!([{ "op": "replace", "value": { "active": true } }]))
        .expect_error(403, "seatLimitReached");
    acme.put(&path, &on).expect_error(403, "seatLimitReached");
    assert_eq!(acme.get(&path).expect(200).body, grace.body);
    gateway.audit(&acme);
}

#[test]
fn active_removed_counts_as_suspended_until_it_is_set() {
    let (gateway, acme) = acme(Some(1), Some(5));
    for operations in
        [json!([{ "op": "remove", "path": "active" }]), replace("active", Value::Null), replace("active", "")]
    {
        let ada = member(&acme, "ada");
        let path = format!("/Users/{ada}");
        let off = acme.patch(&path, &operations).expect(200);
        assert!(off.body.get("active").is_none(), "{operations}");
        assert_eq!(
            (seat(&acme, &ada)["state"].clone(), count(&gateway, &acme, "member").0),
            (json!("suspended"), 0)
        );
        let on = acme.patch(&path, &replace("active", true)).expect(200);
        assert_eq!(standing(&on), ("granted", &json!("member")));
        acme.delete(&path).expect(204);
    }
    gateway.audit(&acme);
}

#[test]
fn a_put_without_active_switches_nobody_on_or_off() {
    let (gateway, acme) = acme(Some(1), Some(5));
    let ada = member(&acme, "ada");
    let path = format!("/Users/{ada}");
    let body = user_body(&json!({ "userName": "ada" }));
    assert_eq!(acme.put(&path, &body).expect(200).body["active"], true);
    acme.patch(&path, &replace("active", false)).expect(200);
    assert_eq!(acme.put(&path, &body).expect(200).body["active"], false);
    let blank = user_body(&json!({ "userName": "ada", "active": "" }));
    assert_eq!(acme.put(&path, &blank).expect(200).body["active"], false);
    gateway.audit(&acme);
}

#[test]
fn me17_a_later_delete_of_a_suspended_user_is_204_and_of_a_missing_one_404() {
    let (gateway, acme) = acme(Some(1), Some(5));
    let ada = member(&acme, "ada");
    let path = format!("/Users/{ada}");
    acme.patch(&path, &replace("active", false)).expect(200);
    acme.delete(&path).expect(204);
    acme.delete(&path).expect_error(404, "");
    assert_eq!(count(&gateway, &acme, "member"), (0, 0));
    gateway.audit(&acme);
}

#[test]
fn cx3_a_deactivated_user_stays_readable_and_findable() {
    let (_gateway, acme) = acme(Some(1), Some(5));
    let ada = member(&acme, "ada");
    let path = format!("/Users/{ada}");
    acme.patch(&path, &json!([{ "op": "replace", "value": { "active": false } }])).expect(200);
    assert_eq!(acme.get(&path).expect(200).body["active"], false);
    let found = acme.find("/Users", "userName eq \"ADA\"").expect(200);
    assert_eq!(
        (&found.body["totalResults"], &found.body["Resources"][0]["active"]),
        (&json!(1), &json!(false))
    );
    acme.create_user("Ada", "user").expect_error(409, "uniqueness");
}
