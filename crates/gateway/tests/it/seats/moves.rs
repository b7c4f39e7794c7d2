//! A role arrives, changes, stays away, is sent again: what that does to the seat (Mentimeter's two guides).

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::{count, lite, member, seat, set_policy, set_quota, standing, waiting};
use crate::running::{SEAT, acme, onboarded, replace, user_body};

fn mentimeter() -> (Gateway, Tenant) {
    onboarded(&json!({
        "key": "menti", "name": "Menti", "profile": "mentimeter", "seats": { "member": 5, "member_lite": 5 },
    }))
}

#[test]
fn mo1_the_role_is_read_without_case_blank_underscore_and_hyphen_and_echoed_as_sent() {
    let (_gateway, acme) = acme(Some(9), Some(9));
    for (sent, role, license) in [
        ("admin", "admin", "member"),
        ("User", "member", "member"),
        ("MEMBER", "member", "member"),
        ("member_lite", "member_lite", "member_lite"),
        ("Member Lite", "member_lite", "member_lite"),
        ("member-lite", "member_lite", "member_lite"),
    ] {
        let made = acme.create_user(sent, sent).expect(201);
        assert_eq!(made.body["userType"], sent);
        let seat = &made.body[SEAT];
        let told = (&seat["role"], &seat["requestedLicense"], &seat["grantedLicense"]);
        assert_eq!(told, (&json!(role), &json!(license), &json!(license)), "{sent}");
        assert_eq!(seat["state"], "granted");
        assert!(seat["since"].is_string() && seat.get("reason").is_none(), "{seat}");
    }
}

#[test]
fn mo3_the_role_is_applied_on_post_put_and_patch() {
    let (gateway, acme) = acme(Some(5), Some(5));
    let id = lite(&acme, "ada");
    let path = format!("/Users/{id}");
    let put = acme.put(&path, &user_body(&json!({ "userName": "ada", "userType": "user" }))).expect(200);
    assert_eq!(standing(&put), ("granted", &json!("member")));
    let patched = acme.patch(&path, &replace("userType", "member_lite")).expect(200);
    assert_eq!(standing(&patched), ("granted", &json!("member_lite")));
    let pathless = json!([{ "op": "replace", "value": { "userType": "admin" } }]);
    let patched = acme.patch(&path, &pathless).expect(200);
    assert_eq!(
        (standing(&patched), &patched.body[SEAT]["role"]),
        (("granted", &json!("member")), &json!("admin"))
    );
    assert_eq!((count(&gateway, &acme, "member").0, count(&gateway, &acme, "member_lite").0), (1, 0));
    gateway.audit(&acme);
}

#[test]
fn mo4_a_forced_sync_of_unchanged_users_changes_nothing() {
    let (gateway, acme) = acme(Some(2), Some(5));
    let names = ["ada", "grace", "edith", "hedy"];
    let body = |name: &str| {
        user_body(&json!({
            "userName": name, "userType": "user", "active": true,
            "emails": [{ "value": format!("{name}@example.com"), "type": "work", "primary": true }],
        }))
    };
    let made: Vec<_> = names.iter().map(|name| acme.post("/Users", &body(name)).expect(201)).collect();
    let before = (gateway.seats(&acme), changes(&gateway, &acme).len());
    for (name, made) in names.iter().zip(&made) {
        let path = format!("/Users/{}", made.id());
        assert_eq!(acme.put(&path, &body(name)).expect(200).body, made.body);
        assert_eq!(acme.put(&path, &made.body).expect(200).body, made.body, "what it read, sent back");
        assert_eq!(acme.patch(&path, &replace("userType", "user")).expect(200).body, made.body);
    }
    assert_eq!((gateway.seats(&acme), changes(&gateway, &acme).len()), before);
    gateway.audit(&acme);
}

fn changes(gateway: &Gateway, tenant: &Tenant) -> Vec<Value> {
    let path = format!("{}/changes?limit=500", tenant.admin_path());
    gateway.admin("GET", &path, None).expect(200).body.as_array().unwrap().clone()
}

#[test]
fn mo5_a_move_from_member_to_lite_frees_the_one_and_takes_the_other_at_once() {
    let (gateway, acme) = acme(Some(2), Some(2));
    let id = member(&acme, "ada");
    let moved = acme.patch(&format!("/Users/{id}"), &replace("userType", "member_lite")).expect(200);
    assert_eq!(standing(&moved), ("granted", &json!("member_lite")));
    assert_eq!((count(&gateway, &acme, "member").0, count(&gateway, &acme, "member_lite").0), (0, 1));
    gateway.audit(&acme);
}

/// The seat that the move frees goes to the first in the queue; the Lite seat that this promotion frees is free for the mover.
#[test]
fn mo5_a_move_to_lite_swaps_with_who_waits_when_every_lite_seat_is_taken() {
    let (gateway, acme) = acme(Some(1), Some(1));
    let ada = member(&acme, "ada");
    let grace = waiting(&acme, "grace");
    let moved = acme.patch(&format!("/Users/{ada}"), &replace("userType", "member_lite")).expect(200);
    assert_eq!(standing(&moved), ("granted", &json!("member_lite")));
    assert_eq!(seat(&acme, &grace)["grantedLicense"], "member");
    assert_eq!(count(&gateway, &acme, "member"), (1, 0));
    gateway.audit(&acme);
}

#[test]
fn mo9_mentimeter_refuses_an_unknown_role_with_the_legal_ones_and_shows_them_in_its_schema() {
    let (gateway, menti) = mentimeter();
    let refused = menti.create_user("ada", "Employee").expect_error(400, "invalidValue");
    let detail = refused.body["detail"].as_str().unwrap();
    for legal in ["admin", "user", "member_lite"] {
        assert!(detail.contains(legal), "{detail}");
    }
    let id = member(&menti, "grace");
    menti.patch(&format!("/Users/{id}"), &replace("userType", "Boss")).expect_error(400, "invalidValue");
    let put = user_body(&json!({ "userName": "grace", "userType": "Boss" }));
    menti.put(&format!("/Users/{id}"), &put).expect_error(400, "invalidValue");
    let schema = menti.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User").expect(200);
    let attributes = schema.body["attributes"].as_array().unwrap();
    let user_type = attributes.iter().find(|a| a["name"] == "userType").unwrap();
    let told: Vec<&str> =
        user_type["canonicalValues"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for legal in ["admin", "user", "member_lite"] {
        assert!(told.contains(&legal), "{told:?}");
    }
    assert_eq!(count(&gateway, &menti, "member").0, 1);
}

#[test]
fn mo18_no_role_or_an_unmapped_one_lands_in_the_free_license() {
    let (gateway, acme) = acme(Some(5), Some(5));
    for user_type in ["", "Employee"] {
        let made = acme.create_user(&format!("ada{user_type}"), user_type).expect(201);
        assert_eq!(standing(&made), ("granted", &json!("member_lite")));
        assert_eq!(made.body.get("userType").is_some(), !user_type.is_empty());
    }
    assert_eq!(count(&gateway, &acme, "member").0, 0);
}

#[test]
fn mo13_and_me13_a_role_that_is_no_longer_sent_stays() {
    let (gateway, acme) = acme(Some(5), Some(5));
    let id = member(&acme, "ada");
    let path = format!("/Users/{id}");
    let put = acme.put(&path, &user_body(&json!({ "userName": "ada", "displayName": "Ada" }))).expect(200);
    assert_eq!((&put.body["userType"], standing(&put)), (&json!("user"), ("granted", &json!("member"))));
    let patched = acme.patch(&path, &replace("displayName", "Ada L.")).expect(200);
    assert_eq!(
        (&patched.body["userType"], standing(&patched)),
        (&json!("user"), ("granted", &json!("member")))
    );
    gateway.audit(&acme);
}

#[test]
fn mo13_a_role_taken_away_by_patch_means_the_default_license() {
    let (gateway, acme) = acme(Some(5), Some(5));
    for operations in [
        json!([{ "op": "remove", "path": "userType" }]),
        replace("userType", Value::Null),
        replace("userType", ""),
    ] {
        let id = member(&acme, "ada");
        let path = format!("/Users/{id}");
        let patched = acme.patch(&path, &operations).expect(200);
        assert_eq!(standing(&patched), ("granted", &json!("member_lite")), "{operations}");
        assert!(patched.body.get("userType").is_none());
        acme.delete(&path).expect(204);
    }
    gateway.audit(&acme);
}

#[test]
fn mo13_a_role_that_a_put_sends_empty_means_the_default_license_and_an_empty_active_switches_nobody_off() {
    let (gateway, acme) = acme(Some(5), Some(5));
    for nothing in [json!(""), json!(null), json!([])] {
        let id = member(&acme, "ada");
        let path = format!("/Users/{id}");
        let body = user_body(&json!({ "userName": "ada", "userType": nothing, "active": nothing }));
        let put = acme.put(&path, &body).expect(200);
        assert_eq!(standing(&put), ("granted", &json!("member_lite")), "{nothing}");
        assert_eq!((put.body.get("userType"), &put.body["active"]), (None, &json!(true)));
        acme.delete(&path).expect(204);
    }
    gateway.audit(&acme);
}

#[test]
fn s1_a_seated_user_can_be_edited_renamed_and_resent_above_the_quota() {
    let (gateway, acme) = acme(Some(2), Some(2));
    let ada = member(&acme, "ada");
    member(&acme, "grace");
    set_quota(&gateway, &acme, "member", 1);
    let path = format!("/Users/{ada}");
    acme.patch(&path, &replace("displayName", "Ada")).expect(200);
    acme.patch(&path, &replace("userName", "ada.l")).expect(200);
    acme.patch(&path, &replace("userType", "user")).expect(200);
    let resent = acme.patch(&path, &replace("userType", "Member")).expect(200);
    assert_eq!(standing(&resent), ("granted", &json!("member")));
    let promoted = acme.patch(&path, &replace("userType", "admin")).expect(200);
    assert_eq!(standing(&promoted), ("granted", &json!("member")), "an admin uses the seat that is held");
    let lowered = acme.patch(&path, &replace("userType", "member_lite")).expect(200);
    assert_eq!(standing(&lowered), ("granted", &json!("member_lite")));
    gateway.audit(&acme);
}

/// A demotion that were refused would leave an administrator an administrator.
#[test]
fn s1_an_admin_is_lowered_when_every_lite_seat_is_taken_and_keeps_the_seat_until_one_is_free() {
    let (gateway, acme) = acme(Some(1), Some(1));
    let grace = lite(&acme, "grace");
    let ada = acme.create_user("ada", "admin").expect(201).id();
    let path = format!("/Users/{ada}");
    let lowered = acme.patch(&path, &replace("userType", "member_lite")).expect(200);
    assert_eq!(standing(&lowered), ("fallback", &json!("member")));
    assert_eq!(lowered.body[SEAT]["role"], "member_lite");
    assert_eq!(acme.patch(&path, &replace("userType", "member_lite")).expect(200).body, lowered.body, "S8");
    assert_eq!((count(&gateway, &acme, "member"), count(&gateway, &acme, "member_lite")), ((1, 0), (1, 1)));
    acme.patch(&format!("/Users/{grace}"), &replace("active", false)).expect(200);
    assert_eq!(seat(&acme, &ada)["grantedLicense"], "member_lite");
    assert_eq!((count(&gateway, &acme, "member"), count(&gateway, &acme, "member_lite")), ((0, 0), (1, 0)));
    gateway.audit(&acme);
}

/// MO5: two users who each hold the license that the other wants exchange them. Neither license grows, so no policy refuses.
#[test]
fn s1_a_swap_at_full_seats_goes_through_by_patch_and_by_put_whatever_the_policy() {
    for policy in ["fallback", "refuse"] {
        let (gateway, acme) = acme(Some(3), Some(3));
        set_policy(&gateway, &acme, policy);
        let up = ["ann", "bob", "cy"].map(|name| lite(&acme, name));
        let down = ["dan", "eve", "fay"].map(|name| member(&acme, name));
        let away =
            acme.post("/Users", &user_body(&json!({ "userName": "gil", "active": false }))).expect(201).id();
        for id in &down {
            let waits = acme.patch(&format!("/Users/{id}"), &replace("userType", "member_lite")).expect(200);
            assert_eq!(standing(&waits), ("fallback", &json!("member")));
        }
        let before = acme.get(&format!("/Users/{}", down[0])).expect(200);
        // Who holds no seat has none to give: nothing is sold twice.
        acme.create_user("new", "admin").expect_error(403, "seatLimitReached");
        let back = json!([{ "op": "replace", "value": { "active": true, "userType": "admin" } }]);
        acme.patch(&format!("/Users/{away}"), &back).expect_error(403, "seatLimitReached");
        let patched = acme.patch(&format!("/Users/{}", up[0]), &replace("userType", "admin")).expect(200);
        let put = |id: &str, name: &str, kind: &str| {
            let body = user_body(&json!({ "userName": name, "userType": kind, "active": true }));
            acme.put(&format!("/Users/{id}"), &body).expect(200)
        };
        for moved in [patched, put(&up[1], "bob", "user"), put(&up[2], "cy", "admin")] {
            assert_eq!(standing(&moved), ("granted", &json!("member")), "{policy}");
        }
        for id in &down {
            let now = seat(&acme, id);
            assert_eq!((&now["state"], &now["grantedLicense"]), (&json!("granted"), &json!("member_lite")));
        }
        let after = acme.get(&format!("/Users/{}", down[0])).expect(200);
        assert_ne!(
            after.body["meta"]["version"], before.body["meta"]["version"],
            "who was moved is told anew"
        );
        assert_eq!(
            (count(&gateway, &acme, "member"), count(&gateway, &acme, "member_lite")),
            ((3, 0), (3, 0))
        );
        gateway.audit(&acme);
    }
}

#[test]
fn s8_resending_what_one_waits_for_keeps_the_place_in_the_queue() {
    let (gateway, acme) = acme(Some(1), Some(5));
    let ada = member(&acme, "ada");
    let (first, second) = (waiting(&acme, "first"), waiting(&acme, "second"));
    let before = acme.get(&format!("/Users/{first}")).expect(200).body;
    let path = format!("/Users/{first}");
    assert_eq!(acme.patch(&path, &replace("userType", "user")).expect(200).body, before);
    let body = user_body(&json!({ "userName": "first", "userType": "user" }));
    assert_eq!(acme.put(&path, &body).expect(200).body, before);
    let respelled = acme.patch(&path, &replace("userType", "MEMBER")).expect(200);
    assert_eq!(respelled.body[SEAT], before[SEAT], "another spelling of the same role is the same wish");
    assert_eq!(count(&gateway, &acme, "member"), (1, 2));
    acme.delete(&format!("/Users/{ada}")).expect(204);
    assert_eq!(seat(&acme, &first)["state"], "granted");
    assert_eq!(seat(&acme, &second)["state"], "fallback");
    gateway.audit(&acme);
}

#[test]
fn who_no_longer_wants_more_stops_waiting() {
    let (gateway, acme) = acme(Some(1), Some(5));
    let ada = member(&acme, "ada");
    let grace = waiting(&acme, "grace");
    let content = acme.patch(&format!("/Users/{grace}"), &replace("userType", "member_lite")).expect(200);
    assert_eq!(standing(&content), ("granted", &json!("member_lite")));
    assert_eq!(count(&gateway, &acme, "member"), (1, 0));
    acme.delete(&format!("/Users/{ada}")).expect(204);
    assert_eq!(seat(&acme, &grace)["grantedLicense"], "member_lite");
    gateway.audit(&acme);
}

#[test]
fn the_seat_extension_is_ignored_when_sent_and_refused_as_a_path() {
    let (gateway, acme) = acme(Some(1), Some(5));
    let wish = json!({ "grantedLicense": "member", "state": "granted" });
    let body = user_body(&json!({ "userName": "ada", SEAT: wish }));
    let made = acme.post("/Users", &body).expect(201);
    assert_eq!(standing(&made), ("granted", &json!("member_lite")));
    let path = format!("/Users/{}", made.id());
    let sent_back = json!([{ "op": "replace", "value": { SEAT: wish, "displayName": "Ada" } }]);
    let patched = acme.patch(&path, &sent_back).expect(200);
    assert_eq!((&patched.body["displayName"], standing(&patched).1), (&json!("Ada"), &json!("member_lite")));
    for target in [SEAT.to_owned(), format!("{SEAT}:grantedLicense"), format!("{SEAT}:state")] {
        acme.patch(&path, &replace(&target, "member")).expect_error(400, "mutability");
        acme.patch(&path, &json!([{ "op": "remove", "path": target }])).expect_error(400, "mutability");
    }
    assert!(patched.body["schemas"].as_array().unwrap().contains(&json!(SEAT)));
    gateway.audit(&acme);
}
