//! Seats are given back by the engine that gives every seat.

use serde_json::{Value, json};

use super::{dump, moment, not_restored, patch_from_okta, queue, undo};
use crate::{
    people::{said, staff},
    running::{acme, replace, user_body},
    seats::{set_policy, set_quota},
};

#[test]
fn nobody_is_oversold_and_who_finds_no_seat_waits_and_is_listed() {
    let (gateway, acme) = acme(Some(1), Some(2));
    let ada = acme.create_user("ada", "user").expect(201).id();
    let since = moment();
    super::from_okta(&acme, "DELETE", &format!("/Users/{ada}")).send().expect(204);
    super::another(&gateway, &acme).create_user("ben", "user").expect(201);
    let done = undo(&gateway, &acme, &since, &["--idp", "okta"]);
    assert_eq!(done["restored"], 1);
    let listed = not_restored(&done);
    assert_eq!(listed.len(), 1, "{done}");
    assert_eq!(listed[0][..2], ["ada", "license"]);
    assert!(listed[0][2].starts_with("No Member seat is free"), "{done}");
    let seat = gateway.seats(&acme);
    assert!(seat.to_string().contains("\"used\":1"), "{seat}");
}

#[test]
fn seats_that_were_exchanged_between_two_people_go_back() {
    let (gateway, acme) = acme(Some(1), Some(1));
    let ada = acme.create_user("ada", "user").expect(201).id();
    let ben = acme.create_user("ben", "member_lite").expect(201).id();
    let before = dump(&gateway, &acme);
    let since = moment();
    acme.patch(&format!("/Users/{ada}"), &replace("active", false)).expect(200);
    acme.patch(&format!("/Users/{ben}"), &replace("userType", "user")).expect(200);
    acme.patch(
        &format!("/Users/{ada}"),
        &json!([{ "op": "replace", "value": { "active": true, "userType": "member_lite" } }]),
    )
    .expect(200);
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(done, json!({ "restored": 2, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
}

#[test]
fn who_waited_has_the_former_place_in_the_queue_again() {
    let (gateway, acme) = acme(Some(1), Some(9));
    acme.create_user("seated", "user").expect(201);
    let [ada, ben, cy] = ["ada", "ben", "cy"]
        .map(|name| format!("/Users/{}", acme.create_user(name, "user").expect(201).id()));
    acme.create_user("stays", "user").expect(201);
    let (before, since) = (dump(&gateway, &acme), moment());
    acme.patch(&ada, &replace("active", false)).expect(200);
    acme.delete(&ben).expect(204);
    acme.patch(&cy, &replace("userType", "member_lite")).expect(200);
    assert_eq!(queue(&gateway, &acme), ["stays"]);
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(done, json!({ "restored": 3, "not_restored": [] }));
    assert_eq!(queue(&gateway, &acme), ["ada", "ben", "cy", "stays"]);
    assert_eq!(dump(&gateway, &acme), before);
}

#[test]
fn who_held_a_seat_has_it_again_and_not_the_one_who_waited_for_it() {
    let (gateway, acme) = acme(Some(1), Some(9));
    let waits = acme.create_user("waits", "member_lite").expect(201).id();
    let seated = acme.create_user("seated", "user").expect(201).id();
    acme.patch(&format!("/Users/{waits}"), &replace("userType", "user")).expect(200);
    let (before, since) = (dump(&gateway, &acme), moment());
    for id in [&waits, &seated] {
        acme.patch(&format!("/Users/{id}"), &replace("active", false)).expect(200);
    }
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(done, json!({ "restored": 2, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
}

#[test]
fn who_waited_and_has_a_seat_now_is_listed() {
    let (gateway, acme) = acme(Some(1), Some(0));
    set_policy(&gateway, &acme, "hold");
    acme.create_user("seated", "user").expect(201);
    let waits = acme.create_user("waits", "user").expect(201).id();
    assert_eq!(queue(&gateway, &acme), ["waits"]);
    let since = moment();
    patch_from_okta(&acme, &format!("/Users/{waits}"), &replace("active", false));
    set_quota(&gateway, &acme, "member", 2);
    let done = undo(&gateway, &acme, &since, &["--idp", "okta"]);
    let told = "The user waited for a seat, and has it now.";
    assert_eq!(
        (&done["restored"], not_restored(&done)),
        (&json!(1), vec![["waits", "license", told].map(str::to_owned)])
    );
}

#[test]
fn who_waits_again_and_whose_former_place_is_not_kept_is_listed() {
    let (gateway, acme) = acme(Some(1), Some(9));
    acme.create_user("seated", "user").expect(201);
    let waits = acme.create_user("waits", "user").expect(201).id();
    acme.create_user("stays", "user").expect(201);
    let limits = json!({ "people": 0, "percent": 0, "minutes": 60 });
    staff(&gateway, &acme, "PATCH", "/breaker", Some(&limits)).expect(200);
    let since = moment();
    patch_from_okta(&acme, &format!("/Users/{waits}"), &replace("active", false));
    // Staff, and not the run, take the place.
    assert_eq!(said(&gateway, &acme, &["breaker", "release"])["released"], 1);
    let done = undo(&gateway, &acme, &since, &["--idp", "okta"]);
    let told = "The user waits again, behind all others: the former place in the queue is not kept.";
    assert_eq!(
        (&done["restored"], not_restored(&done)),
        (&json!(1), vec![["waits", "license", told].map(str::to_owned)])
    );
    assert_eq!(queue(&gateway, &acme), ["stays", "waits"]);
}

#[test]
fn five_hundred_people_are_as_they_were_but_for_versions_and_times() {
    let (gateway, acme) = acme(Some(500), Some(500));
    let mut ids = Vec::new();
    for part in 0..5 {
        let operations: Vec<Value> = (0..100)
            .map(|n| {
                let n = part * 100 + n;
                let role = if n % 2 == 0 { "user" } else { "member_lite" };
                let user = user_body(&json!({ "userName": format!("p{n}"), "userType": role, "title": "t",
                    "emails": [{ "value": format!("p{n}@example.com"), "primary": true }] }));
                json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": user })
            })
            .collect();
        ids.extend(bulk(&acme, &operations));
    }
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    crate::running::new_group(&acme, "all", &members);
    crate::running::new_group(&acme, "half", &members[..250]);
    let before = dump(&gateway, &acme);
    let since = moment();
    for (part, ids) in ids.chunks(100).enumerate() {
        let operations: Vec<Value> = ids
            .iter()
            .enumerate()
            .map(|(n, id)| {
                let path = format!("/Users/{id}");
                let patch = |value: Value| {
                    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                        "Operations": [{ "op": "replace", "value": value }] })
                };
                match n % 4 {
                    0 => json!({ "method": "DELETE", "path": path }),
                    1 => json!({ "method": "PATCH", "path": path, "data": patch(json!({ "active": false })) }),
                    2 => json!({ "method": "PATCH", "path": path, "data": patch(json!({ "userType": "member_lite", "nickName": "n" })) }),
                    _ => json!({ "method": "PATCH", "path": path, "data": patch(json!({ "userName": format!("q{part}-{n}"), "title": "u" })) }),
                }
            })
            .collect();
        bulk(&acme, &operations);
    }
    let done = undo(&gateway, &acme, &since, &[]);
    // The two groups lost their deleted members.
    assert_eq!(done, json!({ "restored": 502, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
}

/// Sends a bulk all of whose operations succeed; the ids of their resources.
#[track_caller]
fn bulk(tenant: &testkit::gateway::Tenant, operations: &[Value]) -> Vec<String> {
    let body =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
    let done = tenant.post("/Bulk", &body).expect(200).body;
    let done = done["Operations"].as_array().unwrap();
    assert!(done.iter().all(|one| one["status"].as_str().unwrap().starts_with('2')), "{done:?}");
    let id = |one: &Value| one["location"].as_str().map(|at| at.rsplit_once('/').unwrap().1.to_owned());
    done.iter().filter_map(id).collect()
}

#[test]
fn what_was_held_before_goes_on_waiting_and_what_the_run_had_held_waits_no_more() {
    let (gateway, acme) = acme(Some(3), Some(3));
    let words =
        ["tenant", "override", "--region", "ire", "--key", &acme.key, "protect.users=[\"ada\", \"ben\"]"];
    gateway.cli_ok(&words);
    let ada = acme.create_user("ada", "user").expect(201).id();
    let ben = acme.create_user("ben", "user").expect(201).id();
    let state =
        |id: &str| acme.get(&format!("/Users/{id}")).expect(200).body[crate::running::SEAT]["state"].clone();
    acme.patch(&format!("/Users/{ada}"), &replace("active", false)).expect(200);
    assert_eq!(state(&ada), "held");
    let before = dump(&gateway, &acme);
    let since = moment();
    acme.patch(&format!("/Users/{ada}"), &replace("title", "Dr")).expect(200);
    acme.patch(&format!("/Users/{ben}"), &replace("active", false)).expect(200);
    assert_eq!(state(&ben), "held");
    assert_eq!(undo(&gateway, &acme, &since, &[]), json!({ "restored": 2, "not_restored": [] }));
    assert_eq!([state(&ada), state(&ben)], ["held", "granted"]);
    assert_eq!(dump(&gateway, &acme), before);
}
