//! The answer to an identity provider when no seat is left.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::{count, member, seat};
use crate::running::{onboarded, replace};

const SEAT_ERROR: &str = "urn:usher:params:scim:api:messages:2.0:SeatError";

/// A tenant called Acme whose Member seats are refused when all are taken.
fn refusing(member: i64, member_lite: i64) -> (Gateway, Tenant) {
    onboarded(&json!({
        "key": "acme",
        "name": "Acme",
        "seats": { "member": member, "member_lite": member_lite },
        "policies": { "member": "refuse" },
        "settings": { "contact": "support@example.com" },
    }))
}

#[test]
fn s12_the_refusal_is_word_for_word_what_is_promised() {
    let (gateway, acme) = refusing(2, 2);
    member(&acme, "ada");
    member(&acme, "grace");
    let refused = acme.create_user("edith", "user").expect_error(403, "seatLimitReached");
    assert!(refused.header("content-type").unwrap().starts_with("application/scim+json"));
    let reference = refused.header("x-request-id").unwrap();
    let detail = format!(
        "Seat limit reached: all 2 Member seats of Acme are in use (2 of 2). The user was not created. \
         Free a seat, send userType member_lite, or ask support@example.com for more; then retry. Ref {reference}."
    );
    let help = refused.body[SEAT_ERROR]["help"].as_str().unwrap();
    assert!(help.starts_with(&gateway.url) && help.ends_with(reference), "{help}");
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error", SEAT_ERROR],
        "status": "403",
        "scimType": "seatLimitReached",
        "detail": detail,
        SEAT_ERROR: {
            "license": "member", "used": 2, "limit": 2, "waiting": 0, "ref": reference, "help": help,
        },
    });
    assert_eq!(refused.body, body);
}

#[test]
fn a_refused_create_leaves_nothing_and_the_name_is_free_for_the_retry() {
    let (gateway, acme) = refusing(1, 1);
    let ada = member(&acme, "ada");
    acme.create_user("grace", "user").expect_error(403, "seatLimitReached");
    assert_eq!(acme.find("/Users", "userName eq \"grace\"").expect(200).body["totalResults"], 0);
    assert_eq!(count(&gateway, &acme, "member"), (1, 0));
    acme.delete(&format!("/Users/{ada}")).expect(204);
    member(&acme, "grace");
    gateway.audit(&acme);
}

#[test]
fn a_refused_change_says_so_and_changes_nothing() {
    let (_gateway, acme) = refusing(1, 5);
    member(&acme, "ada");
    let grace = acme.create_user("grace", "member_lite").expect(201);
    let path = format!("/Users/{}", grace.id());
    let refused = acme.patch(&path, &replace("userType", "user")).expect_error(403, "seatLimitReached");
    assert!(
        refused.body["detail"].as_str().unwrap().contains("The user was not changed."),
        "{}",
        refused.text
    );
    assert_eq!(acme.get(&path).expect(200).body, grace.body);
}

#[test]
fn s4_a_refused_patch_writes_none_of_its_operations_and_one_that_also_deactivates_passes() {
    let (gateway, acme) = refusing(1, 5);
    member(&acme, "ada");
    let grace = acme.create_user("grace", "member_lite").expect(201);
    let path = format!("/Users/{}", grace.id());
    let both = json!([
        { "op": "replace", "path": "displayName", "value": "Grace" },
        { "op": "replace", "path": "userType", "value": "user" },
    ]);
    acme.patch(&path, &both).expect_error(403, "seatLimitReached");
    assert_eq!(acme.get(&path).expect(200).body, grace.body);
    let mut three = both;
    three.as_array_mut().unwrap().push(json!({ "op": "replace", "path": "active", "value": false }));
    let done = acme.patch(&path, &three).expect(200);
    assert_eq!((&done.body["displayName"], &done.body["userType"]), (&json!("Grace"), &json!("user")));
    assert_eq!(seat(&acme, &grace.id())["requestedLicense"], "member");
    assert_eq!((count(&gateway, &acme, "member").0, count(&gateway, &acme, "member_lite").0), (1, 0));
    gateway.audit(&acme);
}

#[test]
fn mo8_a_plan_without_lite_seats_says_that_and_names_the_contact() {
    let (_gateway, acme) = refusing(1, 0);
    let refused = acme.create_user("ada", "member_lite").expect_error(403, "seatLimitReached");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.starts_with("Seat limit reached: the plan of Acme has no Member Lite seats."), "{detail}");
    assert!(detail.contains("support@example.com"), "{detail}");
    assert_eq!(refused.body[SEAT_ERROR]["license"], "member_lite");
}

#[test]
fn when_the_fallback_is_full_too_the_refusal_says_both() {
    let (gateway, acme) = onboarded(&json!({
        "key": "acme", "name": "Acme", "seats": { "member": 1, "member_lite": 1 },
    }));
    member(&acme, "ada");
    acme.create_user("grace", "user").expect(201);
    let refused = acme.create_user("edith", "user").expect_error(403, "seatLimitReached");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("all 1 Member seats of Acme are in use (1 of 1)"), "{detail}");
    assert!(detail.contains("no Member Lite seat is free either"), "{detail}");
    assert!(!detail.contains("send userType member_lite"), "advice that does not help: {detail}");
    let waiting: Value = refused.body[SEAT_ERROR]["waiting"].clone();
    assert_eq!(waiting, 1);
    gateway.audit(&acme);
}

#[test]
fn an_admin_is_refused_even_where_members_fall_back() {
    let (gateway, acme) = onboarded(&json!({
        "key": "acme", "name": "Acme", "seats": { "member": 1, "member_lite": 5 },
    }));
    member(&acme, "ada");
    let refused = acme.create_user("root", "admin").expect_error(403, "seatLimitReached");
    assert_eq!(refused.body[SEAT_ERROR]["license"], "member");
    assert_eq!(count(&gateway, &acme, "member_lite"), (0, 0));
}

#[test]
fn s12_a_detail_is_one_short_ascii_line_whatever_the_tenant_is_called() {
    let (_gateway, acme) = onboarded(&json!({
        "key": "acme",
        "name": format!("Gr\u{f6}\u{df}e {}", "\u{4e2d}".repeat(150)),
        "seats": { "member": 0, "member_lite": 0 },
        "settings": { "contact": "h\u{e9}lp ".repeat(60) },
    }));
    for user_type in ["admin", "user", "member_lite"] {
        let refused = acme.create_user("ada", user_type).expect_error(403, "seatLimitReached");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.starts_with("Seat limit reached"), "{detail}");
        assert!(detail.len() < 500 && detail.bytes().all(|b| (b' '..=b'~').contains(&b)), "{detail}");
        assert!(detail.ends_with(&format!("Ref {}.", refused.header("x-request-id").unwrap())), "{detail}");
    }
}

#[test]
fn refusals_are_counted_and_reads_never_answer_403_for_seats() {
    let (gateway, acme) = refusing(0, 0);
    acme.create_user("ada", "user").expect_error(403, "seatLimitReached");
    acme.find("/Users", "userName eq \"ada\"").expect(200);
    acme.get("/ServiceProviderConfig").expect(200);
    let metrics = gateway.metrics();
    let is_counted = |line: &str| {
        line.starts_with("usher_seats_refused_total{") && line.contains("\"member\"") && line.ends_with(" 1")
    };
    assert!(metrics.lines().any(is_counted), "{metrics}");
}
