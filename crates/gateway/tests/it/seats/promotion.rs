//! S6: a seat that becomes free, or is bought, goes to the first in the queue.

use serde_json::json;

use super::{count, member, seat, set_policy, set_quota, standing, waiting};
use crate::running::{acme, replace, user_body};

#[test]
fn s6_a_deleted_a_suspended_and_a_lowered_member_each_make_room_for_the_first_who_waits() {
    let (gateway, acme) = acme(Some(3), Some(9));
    let seated = ["ada", "grace", "edith"].map(|name| member(&acme, name));
    let queue = ["first", "second", "third", "fourth"].map(|name| waiting(&acme, name));
    acme.delete(&format!("/Users/{}", seated[0])).expect(204);
    acme.patch(&format!("/Users/{}", seated[1]), &replace("active", false)).expect(200);
    acme.patch(&format!("/Users/{}", seated[2]), &replace("userType", "member_lite")).expect(200);
    let states = queue.map(|id| seat(&acme, &id)["state"].as_str().unwrap().to_owned());
    assert_eq!(states, ["granted", "granted", "granted", "fallback"]);
    assert_eq!(count(&gateway, &acme, "member"), (3, 1));
    gateway.audit(&acme);
}

#[test]
fn s6_bought_seats_go_to_who_waits_in_order_and_a_newcomer_waits_behind() {
    let (gateway, acme) = acme(Some(1), Some(9));
    member(&acme, "ada");
    let queue = ["first", "second", "third"].map(|name| waiting(&acme, name));
    set_quota(&gateway, &acme, "member", 3);
    let states = queue.map(|id| seat(&acme, &id)["state"].as_str().unwrap().to_owned());
    assert_eq!(states, ["granted", "granted", "fallback"]);
    waiting(&acme, "newcomer");
    set_quota(&gateway, &acme, "member", 5);
    assert_eq!(count(&gateway, &acme, "member"), (5, 0));
    assert_eq!(count(&gateway, &acme, "member_lite"), (0, 0));
    gateway.audit(&acme);
}

#[test]
fn s6_a_promoted_user_gets_a_new_version_that_says_since_when() {
    let (_gateway, acme) = acme(Some(1), Some(9));
    let ada = member(&acme, "ada");
    let grace = waiting(&acme, "grace");
    let before = acme.get(&format!("/Users/{grace}")).expect(200);
    let tag = before.header("etag").unwrap().to_owned();
    assert!(before.body[crate::running::SEAT]["reason"].as_str().unwrap().contains("Member"));
    acme.delete(&format!("/Users/{ada}")).expect(204);
    let path = format!("/Users/{grace}");
    let after = acme.request("GET", &path).header("if-none-match", &tag).send().expect(200);
    assert_eq!(standing(&after), ("granted", &json!("member")));
    assert!(after.body[crate::running::SEAT].get("reason").is_none());
    assert_ne!(after.body["meta"]["version"], before.body["meta"]["version"]);
    assert!(after.body["meta"]["lastModified"].as_str() >= before.body["meta"]["lastModified"].as_str());
}

#[test]
fn s6_who_was_refused_has_no_right_over_a_newcomer() {
    let (gateway, acme) = acme(Some(1), Some(9));
    set_policy(&gateway, &acme, "refuse");
    let ada = member(&acme, "ada");
    acme.create_user("refused", "user").expect_error(403, "seatLimitReached");
    acme.delete(&format!("/Users/{ada}")).expect(204);
    member(&acme, "newcomer");
    gateway.audit(&acme);
}

#[test]
fn s6_who_is_suspended_while_waiting_leaves_the_queue_and_joins_its_end_again() {
    let (gateway, acme) = acme(Some(1), Some(9));
    let ada = member(&acme, "ada");
    let (first, second) = (waiting(&acme, "first"), waiting(&acme, "second"));
    let path = format!("/Users/{first}");
    acme.patch(&path, &replace("active", false)).expect(200);
    assert_eq!(count(&gateway, &acme, "member"), (1, 1));
    let back = acme.patch(&path, &replace("active", true)).expect(200);
    assert_eq!(standing(&back), ("fallback", &json!("member_lite")));
    acme.delete(&format!("/Users/{ada}")).expect(204);
    assert_eq!(seat(&acme, &second)["state"], "granted");
    assert_eq!(seat(&acme, &first)["state"], "fallback");
    gateway.audit(&acme);
}

#[test]
fn s6_a_freed_seat_is_not_taken_by_a_newcomer_in_a_race() {
    let (gateway, acme) = acme(Some(2), Some(99));
    let seated = ["ada", "grace"].map(|name| member(&acme, name));
    let queue = ["first", "second"].map(|name| waiting(&acme, name));
    let answers = testkit::at_once::at_once(10, |client| match seated.get(client) {
        Some(id) => acme.delete(&format!("/Users/{id}")),
        None => acme.create_user(&format!("newcomer-{client}"), "user"),
    });
    for answer in answers.into_iter().skip(2) {
        assert_eq!(standing(&answer.expect(201)).0, "fallback");
    }
    for id in &queue {
        assert_eq!(seat(&acme, id)["state"], "granted");
    }
    gateway.audit(&acme);
}

#[test]
fn a_put_that_frees_the_seat_promotes_too() {
    let (gateway, acme) = acme(Some(1), Some(9));
    let ada = member(&acme, "ada");
    let grace = waiting(&acme, "grace");
    let body = user_body(&json!({ "userName": "ada", "userType": "user", "active": false }));
    acme.put(&format!("/Users/{ada}"), &body).expect(200);
    assert_eq!(seat(&acme, &grace)["state"], "granted");
    gateway.audit(&acme);
}
