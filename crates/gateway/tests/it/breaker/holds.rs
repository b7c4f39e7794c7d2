//! Which losses pass, and what a person keeps whose loss waits.

use serde_json::{Value, json};
use testkit::{clocks::MachineClock, urn::BULK_REQUEST};

use super::{held, on, outlast, path, people, rows, show, state, suspend, used};
use crate::{
    people::{said, staff},
    running::{SEAT, acme, new_group, replace, roomy, stored, user_body, wait_for},
    tick::{leave, tick, under},
};

#[test]
fn attack_50_the_first_losses_pass_and_the_next_ones_are_stored_returned_and_held() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    let ids = people(&acme, 10);
    on(&gateway, &acme, 3, 20);
    for id in &ids[..3] {
        assert_eq!(suspend(&acme, id).body[SEAT]["state"], "suspended");
    }
    let before = acme.get(&path(&ids[3])).expect(200).body;
    assert!(!show(&gateway, &acme)["open"].as_bool().unwrap());
    let health = gateway.cli(&["health", "--region", "ire", "--key", "acme", "--json"]);
    let health: Value = serde_json::from_slice(&health.stdout).unwrap();
    let findings = health["findings"].as_array().unwrap();
    assert!(findings.iter().all(|found| found["code"] != "breaker_open"), "{health}");
    let answer = suspend(&acme, &ids[3]).body;
    let seat = &answer[SEAT];
    assert_eq!(
        (&seat["state"], &seat["grantedLicense"], &seat["role"]),
        (&json!("held"), &before[SEAT]["grantedLicense"], &before[SEAT]["role"])
    );
    assert!(
        seat["reason"].as_str().unwrap().starts_with("Too many users have lost their access"),
        "{answer}"
    );
    assert_ne!(answer["meta"]["version"], before["meta"]["version"]);
    assert_eq!(acme.get(&path(&ids[3])).expect(200).body, answer);
    // A PUT too.
    let sent = user_body(&json!({ "userName": "user4", "userType": "user", "active": false }));
    let put = acme.put(&path(&ids[4]), &sent).expect(200).body;
    assert_eq!((&put["active"], &put[SEAT]["state"]), (&json!(false), &json!("held")));
    assert_eq!(used(&gateway, &acme), 7);
    let shown = show(&gateway, &acme);
    assert_eq!((&shown["on"], &shown["open"]), (&json!(true), &json!(true)));
    let window = &shown["window"];
    assert_eq!([&window["active"], &window["bound"], &window["lost"]], [&json!(10), &json!(3), &json!(3)]);
    assert!(window["opened"].is_string() && window["began"].as_str() < window["ends"].as_str(), "{shown}");
    assert_eq!(
        (&shown["held"]["people"], &shown["held"]["deleted"], &shown["held"]["since"]),
        (&json!(2), &json!(0), &window["opened"])
    );
    // Support sees it: in the log, in the list of people, in the changes, and why.
    let held_rows = rows(&gateway, &acme, &["--result", "held"]);
    let names: Vec<&Value> = held_rows.iter().map(|row| &row["user_name"]).collect();
    assert_eq!(names, ["user4", "user3"]);
    assert_eq!((&held_rows[0]["operation"], &held_rows[0]["status"]), (&json!("replace"), &json!(200)));
    let listed = said(&gateway, &acme, &["user", "list", "--state", "held"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[0]["license"], json!({ "requested": "member", "granted": "member", "state": "held" }));
    let opened = said(&gateway, &acme, &["tenant", "changes"]);
    let opened = opened.as_array().unwrap().iter().find(|change| change["kind"] == "breaker.opened").unwrap();
    assert_eq!(opened["detail"], json!({ "active": 10, "bound": 3, "minutes": 60 }));
    let told = said(&gateway, &acme, &["explain", "--user", "user3"]);
    assert_eq!(told["answer"], "held");
    assert!(told["sentence"].as_str().unwrap().contains("the breaker has opened"), "{told}");
    assert_eq!(told["since"], held_rows[1]["at"]);
    assert!(
        told["do"][0].as_str().unwrap().contains("usher breaker release --region ire --key acme"),
        "{told}"
    );
    let health = gateway.cli(&["health", "--region", "ire", "--key", "acme", "--json"]);
    let health: Value = serde_json::from_slice(&health.stdout).unwrap();
    let found =
        health["findings"].as_array().unwrap().iter().find(|found| found["code"] == "breaker_open").unwrap();
    assert_eq!(found["since"], shown["held"]["since"]);
    assert!(found["sentence"].as_str().unwrap().contains("the breaker holds 2"), "{found}");
    // The row that the sum is read from is written at most once a minute.
    clock.set("+2m");
    wait_for("the row", || gateway.metrics().contains("usher_breaker_held_operations{region=\"ire\"} 2"));
    let metrics = gateway.metrics();
    assert!(metrics.contains("usher_breaker_trips_total{kind=\"suspension\",region=\"ire\"} 1"), "{metrics}");
    assert!(gateway.log().contains("the breaker on mass loss has opened"));
}

#[test]
fn percent_is_of_those_who_were_active_when_the_window_began() {
    let (gateway, acme) = roomy();
    let ids = people(&acme, 21);
    acme.patch(&path(&ids[20]), &replace("active", false)).expect(200);
    on(&gateway, &acme, 1, 20);
    suspend(&acme, &ids[0]);
    // Who comes and goes meanwhile changes nothing of it.
    for name in ["new1", "new2", "new3", "new4", "new5", "new6", "new7", "new8", "new9", "new10"] {
        acme.create_user(name, "user").expect(201);
    }
    assert_eq!(show(&gateway, &acme)["window"]["active"], 20);
    for id in &ids[1..4] {
        assert_eq!(suspend(&acme, id).body[SEAT]["state"], "suspended");
    }
    assert_eq!(suspend(&acme, &ids[4]).body[SEAT]["state"], "held");
    assert_eq!(show(&gateway, &acme)["window"]["bound"], 4);
}

#[test]
fn off_by_default_nothing_is_held_and_off_again_who_waits_goes_on_waiting() {
    let (gateway, acme) = roomy();
    let ids = people(&acme, 6);
    let shown = show(&gateway, &acme);
    assert_eq!(
        shown,
        json!({
            "on": false, "open": false, "people": null, "percent": null, "minutes": null, "window": null,
            "held": { "people": 0, "deleted": 0, "since": null },
        })
    );
    for id in &ids[..2] {
        assert_eq!(suspend(&acme, id).body[SEAT]["state"], "suspended");
    }
    on(&gateway, &acme, 0, 0);
    assert_eq!(suspend(&acme, &ids[2]).body[SEAT]["state"], "held");
    let off = said(&gateway, &acme, &["breaker", "set", "off"]);
    assert_eq!((&off["on"], &off["open"], &off["held"]["people"]), (&json!(false), &json!(true), &json!(1)));
    assert_eq!(suspend(&acme, &ids[3]).body[SEAT]["state"], "suspended");
    acme.delete(&path(&ids[4])).expect(204);
    assert_eq!((state(&acme, &ids[2]), used(&gateway, &acme)), ("held".to_owned(), 2));
}

#[test]
fn who_is_held_stays_so_until_the_person_may_work_again_and_is_counted_once() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    let ids = people(&acme, 6);
    on(&gateway, &acme, 1, 0);
    for id in &ids[..3] {
        suspend(&acme, id);
    }
    // What else is sent of the person, or the same again, changes nothing of it.
    acme.patch(&path(&ids[1]), &replace("title", "Dr")).expect(200);
    suspend(&acme, &ids[1]);
    assert_eq!((state(&acme, &ids[1]), held(&gateway, &acme)), ("held".to_owned(), 2));
    // A loss after the window counts in a new one; who waits goes on waiting.
    outlast(&gateway, &acme, &clock, "+61m", &ids[5]);
    assert_eq!(suspend(&acme, &ids[3]).body[SEAT]["state"], "suspended");
    let shown = show(&gateway, &acme);
    assert_eq!((&shown["window"]["lost"], &shown["window"]["active"]), (&json!(1), &json!(5)));
    acme.patch(&path(&ids[1]), &replace("nickName", "x")).expect(200);
    assert_eq!((state(&acme, &ids[1]), state(&acme, &ids[2])), ("held".to_owned(), "held".to_owned()));
    assert_eq!(suspend(&acme, &ids[4]).body[SEAT]["state"], "held");
    // Coming back.
    let back = acme.patch(&path(&ids[1]), &replace("active", true)).expect(200).body;
    assert_eq!((&back["active"], &back[SEAT]["state"]), (&json!(true), &json!("granted")));
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (2, 4));
    // Of the opening of each window there is a record.
    let changes = said(&gateway, &acme, &["tenant", "changes"]);
    let opened = changes.as_array().unwrap().iter().filter(|change| change["kind"] == "breaker.opened");
    assert_eq!(opened.count(), 2);
}

#[test]
fn a_lower_license_is_no_loss_and_staff_are_not_counted() {
    let (gateway, acme) = acme(None, None);
    let ids = people(&acme, 9);
    on(&gateway, &acme, 1, 0);
    for id in &ids[..3] {
        let lowered = acme.patch(&path(id), &replace("userType", "member_lite")).expect(200);
        assert_eq!(lowered.body[SEAT]["state"], "granted");
    }
    for id in &ids[3..5] {
        staff(&gateway, &acme, "PATCH", &path(id).to_lowercase(), Some(&json!({ "active": false })))
            .expect(200);
    }
    for id in &ids[5..7] {
        staff(&gateway, &acme, "DELETE", &path(id).to_lowercase(), None).expect(204);
    }
    assert_eq!(show(&gateway, &acme)["window"], Value::Null);
    assert_eq!(suspend(&acme, &ids[0]).body[SEAT]["state"], "suspended");
    assert_eq!(suspend(&acme, &ids[1]).body[SEAT]["state"], "held");
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (1, 2));
    // Nor is what staff do to one who waits.
    staff(&gateway, &acme, "POST", &format!("{}/release", path(&ids[1]).to_lowercase()), None).expect(200);
    assert_eq!((state(&acme, &ids[1]), held(&gateway, &acme)), ("suspended".to_owned(), 0));
}

#[test]
fn people_who_have_left_their_last_group_lose_their_access_within_the_bound_alone() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let body = json!({ "key": "acme", "name": "Acme", "profile": "iomete", "seats": {} });
    let acme = gateway.onboard("ire", &body);
    let ids: Vec<String> = ["a", "b", "c"].map(|name| acme.create_user(name, "").expect(201).id()).to_vec();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let group = new_group(&acme, "A", &all);
    on(&gateway, &acme, 1, 0);
    for id in &ids {
        leave(&acme, &group, id);
    }
    clock.set("+61m");
    let mut gone = 0;
    wait_for("the tick", || {
        gone += tick(&gateway)["people"].as_i64().unwrap();
        gone == 3
    });
    for id in &ids {
        acme.get(&path(id)).expect(404);
    }
    gateway.audit(&acme);
    assert_eq!((gateway.seats(&acme)["user"]["used"].clone(), held(&gateway, &acme)), (json!(2), 2));
    clock.set("+64m");
    wait_for("the row", || gateway.metrics().contains("usher_breaker_held_operations{region=\"ire\"} 2"));
    let metrics = gateway.metrics();
    assert!(metrics.contains("usher_breaker_trips_total{kind=\"deletion\",region=\"ire\"} 1"), "{metrics}");
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back["restored"], 3, "{back}");
    for id in &ids {
        assert_eq!(state(&acme, id), "granted");
    }
    gateway.audit(&acme);
}

#[test]
fn a_bulk_is_held_operation_by_operation_and_a_dry_run_tells_it_and_moves_nothing() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    let ids = people(&acme, 8);
    on(&gateway, &acme, 3, 0);
    let operations: Vec<Value> =
        ids[..5].iter().map(|id| json!({ "method": "DELETE", "path": path(id) })).collect();
    let bulk = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
    let before = (stored(&gateway, &acme), gateway.metrics().matches("usher_breaker").count());
    let dry =
        acme.request("POST", "/Bulk").header("usher-dry-run", "true").json(&bulk).send().expect(200).body;
    assert_eq!((stored(&gateway, &acme), gateway.metrics().matches("usher_breaker").count()), before);
    let seats = &dry["urn:usher:params:scim:api:messages:2.0:Preview"]["seats"]["member"];
    assert_eq!(*seats, json!({ "used_before": 8, "used_after": 5 }));
    let done = acme.post("/Bulk", &bulk).expect(200).body;
    for operation in done["Operations"].as_array().unwrap() {
        assert_eq!(operation["status"], "204", "{done}");
    }
    assert_eq!((used(&gateway, &acme), held(&gateway, &acme)), (5, 2));
    clock.set("+2m");
    wait_for("the row", || gateway.metrics().contains("usher_breaker_held_operations{region=\"ire\"} 2"));
    // One more, as a dry run.
    let stored_before = stored(&gateway, &acme);
    let operation = json!({ "schemas": [testkit::urn::PATCH_OP], "Operations": replace("active", false) });
    let request = acme.request("PATCH", &path(&ids[5])).header("usher-dry-run", "true");
    let dry = request.json(&operation).send().expect(200).body;
    assert_eq!((&dry["active"], &dry[SEAT]["state"]), (&json!(false), &json!("held")));
    assert_eq!(stored(&gateway, &acme), stored_before);
    assert_eq!(state(&acme, &ids[5]), "granted");
}

#[test]
fn the_last_admin_and_protected_people_are_guarded_before_anything_is_counted() {
    let (gateway, acme) = roomy();
    let overrides = json!({ "protect": { "users": ["user0"], "last_admin": "hold" } });
    staff(&gateway, &acme, "PATCH", "/profile/overrides", Some(&overrides)).expect(200);
    let ids = people(&acme, 4);
    let [ada, ben] = ["ada", "ben"].map(|name| acme.create_user(name, "admin").expect(201).id());
    on(&gateway, &acme, 1, 0);
    assert_eq!(suspend(&acme, &ids[0]).body[SEAT]["state"], "held");
    assert_eq!(show(&gateway, &acme)["window"], Value::Null);
    assert_eq!(suspend(&acme, &ada).body[SEAT]["state"], "suspended");
    assert_eq!(suspend(&acme, &ben).body[SEAT]["state"], "held");
    assert_eq!(held(&gateway, &acme), 0);
    // Another admin lets the last one go, whom the breaker holds then.
    acme.create_user("cy", "admin").expect(201);
    assert_eq!((state(&acme, &ben), held(&gateway, &acme)), ("held".to_owned(), 1));
    let told = said(&gateway, &acme, &["explain", "--user", "ben"]);
    assert!(told["sentence"].as_str().unwrap().contains("the breaker has opened"), "{told}");
    let released = said(&gateway, &acme, &["breaker", "release"]);
    assert_eq!(released, json!({ "released": 1, "kept": 0 }));
    assert_eq!(state(&acme, &ben), "suspended");
    gateway.audit(&acme);
}
