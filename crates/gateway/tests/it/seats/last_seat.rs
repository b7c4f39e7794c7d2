//! Races for the last seats, through every door that gives one.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::{
    at_once::at_once,
    gateway::{Gateway, Tenant},
    http::Answer,
};

use super::{count, member, set_policy, standing};
use crate::running::{gateway, gateway_with, replace, user_body};

const ROUNDS: usize = 10;
const CLIENTS: usize = 200;

/// On a busy machine 200 requests wait long for their turn: none is refused for it.
const A_LONG_TURN: (&str, &str) = ("USHER__STORE__ADMISSION_DEADLINE_MS", "60000");

/// A tenant with one Member seat left of three, and 200 clients who each create a user that wants it.
fn storm(gateway: &Gateway, round: usize, policy: &str) -> (Tenant, Vec<Answer>) {
    let tenant = gateway.tenant("ire", &format!("{policy}-{round}"), Some(3), Some(500));
    set_policy(gateway, &tenant, policy);
    member(&tenant, "first");
    member(&tenant, "second");
    let answers = at_once(CLIENTS, |client| tenant.create_user(&format!("user-{client}"), "user"));
    (tenant, answers)
}

#[test]
fn s2_of_200_parallel_creates_one_gets_the_last_member_seat_and_the_rest_work_as_lite() {
    let gateway = gateway_with(&[A_LONG_TURN]);
    for round in 0..ROUNDS {
        let (tenant, answers) = storm(&gateway, round, "fallback");
        let mut states = BTreeMap::new();
        for answer in answers {
            *states.entry(standing(&answer.expect(201)).0.to_owned()).or_insert(0) += 1;
        }
        assert_eq!(states, BTreeMap::from([("fallback".into(), CLIENTS - 1), ("granted".into(), 1)]));
        assert_eq!(count(&gateway, &tenant, "member"), (3, 199));
        assert_eq!(count(&gateway, &tenant, "member_lite"), (199, 0));
        gateway.audit(&tenant);
    }
}

#[test]
fn s2_of_200_parallel_creates_one_gets_the_last_member_seat_and_the_rest_are_refused() {
    let gateway = gateway_with(&[A_LONG_TURN]);
    for round in 0..ROUNDS {
        let (tenant, answers) = storm(&gateway, round, "refuse");
        let (granted, refused): (Vec<Answer>, _) = answers.into_iter().partition(|a| a.status == 201);
        assert_eq!(granted.len(), 1);
        assert_eq!(standing(&granted[0]), ("granted", &json!("member")));
        for answer in refused {
            answer.expect_error(403, "seatLimitReached");
        }
        assert_eq!(count(&gateway, &tenant, "member"), (3, 0));
        assert_eq!(tenant.get("/Users?count=0").body["totalResults"], 3);
        gateway.audit(&tenant);
    }
}

/// Every door of this issue that can take a seat: POST, PATCH and PUT of `active`, PATCH of `userType`.
#[test]
fn attack_48_sixteen_clients_at_four_doors_never_hold_more_than_the_quota() {
    let gateway = gateway();
    let tenant = gateway.tenant("ire", "doors", Some(4), Some(500));
    set_policy(&gateway, &tenant, "refuse");
    let sleeper = |name: String| {
        let body = user_body(&json!({ "userName": name, "userType": "user", "active": false }));
        tenant.post("/Users", &body).expect(201).id()
    };
    let asleep: Vec<String> = (0..16).map(|i| sleeper(format!("asleep-{i}"))).collect();
    let small: Vec<String> =
        (0..16).map(|i| tenant.create_user(&format!("lite-{i}"), "member_lite").expect(201).id()).collect();
    let answers = at_once(16, |client| match client % 4 {
        0 => tenant.create_user(&format!("new-{client}"), "user"),
        1 => tenant.patch(&format!("/Users/{}", asleep[client]), &replace("active", true)),
        2 => {
            let body = user_body(&json!({ "userName": format!("asleep-{client}"), "active": true }));
            tenant.put(&format!("/Users/{}", asleep[client]), &body)
        }
        _ => tenant.patch(&format!("/Users/{}", small[client]), &replace("userType", "user")),
    });
    let granted = answers.iter().filter(|a| matches!(a.status, 200 | 201)).count();
    assert_eq!(granted, 4, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
    for refused in answers.into_iter().filter(|a| !matches!(a.status, 200 | 201)) {
        refused.expect_error(403, "seatLimitReached");
    }
    assert_eq!(count(&gateway, &tenant, "member").0, 4);
    gateway.audit(&tenant);
}

#[test]
fn attack_48_seats_freed_and_taken_by_flips_are_sold_exactly() {
    let gateway = gateway();
    let tenant = gateway.tenant("ire", "flips", Some(3), Some(0));
    set_policy(&gateway, &tenant, "refuse");
    let asleep = |name: String| {
        let body = user_body(&json!({ "userName": name, "userType": "user", "active": false }));
        tenant.post("/Users", &body).expect(201).id()
    };
    let users: Vec<String> = (0..16).map(|i| asleep(format!("flip-{i}"))).collect();
    let last_words = at_once(16, |client| {
        let path = format!("/Users/{}", users[client]);
        let mut active = false;
        for turn in 0..6 {
            let answer = tenant.patch(&path, &replace("active", turn % 2 == 0));
            match answer.status {
                200 => active = answer.body["active"] == Value::Bool(true),
                _ => drop(answer.expect_error(403, "seatLimitReached")),
            }
        }
        active
    });
    assert!(last_words.iter().all(|active| !active), "the last turn switches everybody off");
    assert_eq!(count(&gateway, &tenant, "member"), (0, 0));
    gateway.audit(&tenant);
}
