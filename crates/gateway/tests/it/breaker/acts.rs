//! Release and rollback.

use std::{collections::BTreeMap, thread, time::Duration};

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Signal, Tenant, signal};

use super::{acts, held, on, outlast, path, people, rows, show, state, suspend, used};
use crate::{
    people::{said, staff},
    running::{
        ENTERPRISE, SEAT, acme, groups_of, members, new_group, replace, roomy, stored, user_body, user_names,
        wait_for,
    },
    undo::queue,
};

#[test]
fn a_release_carries_out_all_that_waits_and_leaves_a_row_for_each_person() {
    let (gateway, acme) = acme(Some(6), Some(0));
    staff(&gateway, &acme, "PATCH", "/seats", Some(&json!({ "member": { "policy": "hold" } }))).expect(200);
    let ids = people(&acme, 6);
    let waiting = acme.create_user("waits", "user").expect(201).id();
    on(&gateway, &acme, 1, 0);
    suspend(&acme, &ids[0]);
    assert_eq!(state(&acme, &waiting), "granted");
    let others: Vec<String> =
        ["w1", "w2"].map(|name| acme.create_user(name, "user").expect(201).id()).to_vec();
    for id in &ids[1..3] {
        suspend(&acme, id);
    }
    for id in &ids[3..5] {
        acme.delete(&path(id)).expect(204);
    }
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (4, 6));
    let released = said(&gateway, &acme, &["breaker", "release"]);
    assert_eq!(released, json!({ "released": 4, "kept": 0 }));
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (0, 4));
    for id in &ids[1..3] {
        assert_eq!(state(&acme, id), "suspended");
    }
    for id in &others {
        assert_eq!(state(&acme, id), "granted");
    }
    let rows = rows(&gateway, &acme, &["--idp", "staff"]);
    let told: BTreeMap<&str, (&Value, &Value, &Value)> = rows
        .iter()
        .map(|row| {
            (
                row["user_name"].as_str().unwrap(),
                (&row["result"], &row["operation"], &row["license"]["granted"]),
            )
        })
        .collect();
    let released = (&json!("applied"), &json!("update"), &Value::Null);
    assert_eq!(told, ["user1", "user2", "user3", "user4"].map(|name| (name, released)).into());
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row["credential"] == "root"), "{rows:?}");
    let acts = acts(&gateway, &acme);
    let act = acts.iter().find(|act| act["act"] == "breaker.released").unwrap();
    assert_eq!((&act["actor"], &act["detail"]), (&json!("root"), &json!({ "people": 4 })));
    assert_eq!(said(&gateway, &acme, &["explain", "--user", "user3"])["answer"], "deleted");
    // The window goes on: the next loss waits too.
    suspend(&acme, &ids[5]);
    assert_eq!(state(&acme, &ids[5]), "held");
    assert_eq!(said(&gateway, &acme, &["breaker", "release"])["released"], 1);
    assert_eq!(said(&gateway, &acme, &["breaker", "release"])["released"], 0);
}

#[test]
fn a_rollback_gives_back_all_of_the_window_with_ids_memberships_and_new_versions() {
    let (gateway, acme) = roomy();
    let ids = people(&acme, 8);
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let [sales, gone] = ["Sales", "Gone"].map(|name| new_group(&acme, name, &all));
    let before: Vec<Value> = ids.iter().map(|id| acme.get(&path(id)).expect(200).body).collect();
    on(&gateway, &acme, 2, 0);
    suspend(&acme, &ids[0]);
    acme.delete(&path(&ids[1])).expect(204);
    suspend(&acme, &ids[2]);
    acme.patch(&path(&ids[2]), &replace("title", "Dr")).expect(200);
    acme.delete(&path(&ids[3])).expect(204);
    let sent = json!({
        "schemas": [crate::running::USER], "userName": "user4", "userType": "member_lite", "active": false,
    });
    acme.put(&path(&ids[4]), &sent).expect(200);
    acme.delete(&format!("/Groups/{gone}")).expect(204);
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (3, 6));
    let group = acme.get(&format!("/Groups/{sales}")).expect(200).body["meta"]["version"].clone();

    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    let lost: Vec<&Value> = back["not_restored"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!((&back["restored"], lost), (&json!(5), vec![&json!(ids[1]), &json!(ids[3])]));
    assert_eq!(back["not_restored"][0]["attribute"], "groups");
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (0, 8));
    assert_eq!(user_names(&acme).len(), 8);
    for (place, id) in ids.iter().enumerate().take(5) {
        let mut user = acme.get(&path(id)).expect(200).body;
        assert_ne!(user["meta"]["version"], before[place]["meta"]["version"], "{user}");
        assert_eq!(user["meta"]["created"], before[place]["meta"]["created"]);
        // What was changed since stays.
        if place == 2 {
            assert_eq!(user["title"], "Dr");
            user.as_object_mut().unwrap().remove("title");
        }
        let (mut user, mut before) = (user, before[place].clone());
        for user in [&mut user, &mut before] {
            for name in ["meta", "groups"] {
                user.as_object_mut().unwrap().remove(name);
            }
            // Who had lost the seat has it since the rollback.
            user[SEAT]["since"] = Value::Null;
        }
        assert_eq!(user, before);
        assert_eq!(groups_of(&acme, id), ["Sales"]);
    }
    let mut sorted = ids.clone();
    sorted.sort();
    assert_eq!(members(&acme, &sales), sorted);
    assert_ne!(acme.get(&format!("/Groups/{sales}")).expect(200).body["meta"]["version"], group);
    let rows = rows(&gateway, &acme, &["--idp", "staff"]);
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row["result"] == "applied" && row["credential"] == "root"));
    let acts = acts(&gateway, &acme);
    let act = acts.iter().find(|act| act["act"] == "breaker.rolled_back").unwrap();
    assert_eq!(act["detail"], json!({ "restored": 5, "not_restored": 2 }));
    // Done once, nothing is left of it; the window goes on.
    let again = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(again, json!({ "restored": 0, "not_restored": [] }));
    suspend(&acme, &ids[5]);
    assert_eq!(state(&acme, &ids[5]), "held");
}

#[test]
fn a_person_whose_seat_is_taken_meanwhile_waits_after_the_rollback_and_is_named() {
    let (gateway, acme) = acme(Some(2), Some(0));
    staff(&gateway, &acme, "PATCH", "/seats", Some(&json!({ "member": { "policy": "refuse" } }))).expect(200);
    let ids = people(&acme, 2);
    on(&gateway, &acme, 1, 0);
    for id in &ids {
        suspend(&acme, id);
    }
    acme.create_user("new", "user").expect(201);
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back["restored"], 2);
    let missing = &back["not_restored"][0];
    assert_eq!(
        (&missing["user_name"], &missing["attribute"]),
        (&json!("user0"), &json!("license")),
        "{back}"
    );
    let user = acme.get(&path(&ids[0])).expect(200).body;
    assert_eq!((&user["active"], &user[SEAT]["state"]), (&json!(true), &json!("waitlisted")));
    assert_eq!((state(&acme, &ids[1]), used(&gateway, &acme)), ("granted".to_owned(), 2));
}

#[test]
fn who_waited_for_a_seat_waits_again_in_the_former_place_and_who_held_it_has_it_again() {
    let (gateway, acme) = acme(Some(1), Some(9));
    let first = acme.create_user("first", "member_lite").expect(201).id();
    let seated = acme.create_user("seated", "user").expect(201).id();
    acme.patch(&path(&first), &replace("userType", "user")).expect(200);
    let [second, gone, stays] =
        ["second", "gone", "stays"].map(|name| acme.create_user(name, "user").expect(201).id());
    let all = ["first", "second", "gone", "stays"];
    assert_eq!(queue(&gateway, &acme), all);
    on(&gateway, &acme, 10, 0);
    let lose_waiting = || {
        suspend(&acme, &second);
        acme.delete(&path(&gone)).expect(204);
        suspend(&acme, &first);
    };
    lose_waiting();
    assert_eq!(queue(&gateway, &acme), ["stays"]);
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back, json!({ "restored": 3, "not_restored": [] }));
    assert_eq!(queue(&gateway, &acme), all);
    // Now the seat itself is free.
    lose_waiting();
    suspend(&acme, &stays);
    suspend(&acme, &seated);
    assert_eq!(used(&gateway, &acme), 0);
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back, json!({ "restored": 5, "not_restored": [] }));
    assert_eq!((state(&acme, &seated), used(&gateway, &acme)), ("granted".to_owned(), 1));
    assert_eq!(queue(&gateway, &acme), all);
}

#[test]
fn what_staff_chose_since_the_loss_stays_and_what_they_chose_before_comes_back() {
    let (gateway, acme) = roomy();
    let ids = people(&acme, 5);
    let set = |name: &str, what: &str, value: &str| {
        said(&gateway, &acme, &["user", "set", "--user", name, what, value])
    };
    for name in ["user0", "user1", "user2", "user3"] {
        set(name, "--role", "member_lite");
    }
    on(&gateway, &acme, 10, 0);
    for id in [&ids[0], &ids[1], &ids[2], &ids[4]] {
        suspend(&acme, id);
    }
    // This write takes the choice of staff away, too.
    let sent = user_body(&json!({ "userName": "user3", "userType": "user", "active": false }));
    acme.put(&path(&ids[3]), &sent).expect(200);
    set("user0", "--role", "admin");
    set("user1", "--active", "false");
    set("user4", "--role", "member_lite");
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back, json!({ "restored": 4, "not_restored": [] }));
    let shown = |name: &str| {
        let person = said(&gateway, &acme, &["user", "show", "--user", name]);
        (person["role"].as_str().unwrap().to_owned(), person["active"].as_bool().unwrap())
    };
    let told = ["user0", "user1", "user2", "user3", "user4"].map(shown);
    let expected = [
        ("admin", true),
        ("member_lite", false),
        ("member_lite", true),
        ("member_lite", true),
        ("member_lite", true),
    ];
    assert_eq!(told, expected.map(|(role, active)| (role.to_owned(), active)));
    assert_eq!((state(&acme, &ids[1]), used(&gateway, &acme)), ("suspended".to_owned(), 1));
}

#[test]
fn whom_staff_released_since_the_loss_has_no_choice_of_before_again() {
    let (gateway, acme) = roomy();
    let ids = people(&acme, 2);
    for name in ["user0", "user1"] {
        said(&gateway, &acme, &["user", "set", "--user", name, "--role", "member_lite"]);
    }
    on(&gateway, &acme, 2, 0);
    suspend(&acme, &ids[0]);
    // This write takes the choice of staff away itself, and leaves none to release.
    let sent = user_body(&json!({ "userName": "user1", "userType": "user", "active": false }));
    acme.put(&path(&ids[1]), &sent).expect(200);
    for name in ["user0", "user1"] {
        said(&gateway, &acme, &["user", "release", "--user", name]);
    }
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back, json!({ "restored": 2, "not_restored": [] }));
    for name in ["user0", "user1"] {
        let person = said(&gateway, &acme, &["user", "show", "--user", name]);
        assert_eq!((&person["role"], &person["active"]), (&json!("member"), &json!(true)), "{name}");
    }
}

#[test]
fn parts_that_were_changed_since_the_loss_stay_and_are_listed_and_the_others_come_back() {
    let (gateway, acme) = roomy();
    let sent = user_body(&json!({
        "userName": "ada", "userType": "user", "active": true, "title": "Dr",
        "name": { "givenName": "Ada", "familyName": "King" },
        ENTERPRISE: { "department": "Sales", "costCenter": "7" },
    }));
    let ada = acme.post("/Users", &sent).expect(201).id();
    on(&gateway, &acme, 0, 0);
    let sent = user_body(&json!({ "userName": "ada", "userType": "user", "active": false }));
    acme.put(&path(&ada), &sent).expect(200);
    assert_eq!(held(&gateway, &acme), 1);
    let cost_center = format!("{ENTERPRISE}:costCenter");
    acme.patch(&path(&ada), &replace("name.givenName", "Eve")).expect(200);
    acme.patch(&path(&ada), &replace(&format!("{ENTERPRISE}:division"), "West")).expect(200);
    acme.patch(&path(&ada), &replace(&cost_center, "8")).expect(200);
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    let listed = ["name.givenName", cost_center.as_str()].map(|attribute| {
        let reason = "It was changed since.";
        json!({ "user_name": "ada", "id": ada, "attribute": attribute, "reason": reason })
    });
    assert_eq!(back, json!({ "restored": 1, "not_restored": listed }));
    let user = acme.get(&path(&ada)).expect(200).body;
    assert_eq!((&user["active"], &user["title"]), (&json!(true), &json!("Dr")));
    assert_eq!(user[SEAT]["state"], "granted");
    let (name, block) = (&user["name"], &user[ENTERPRISE]);
    assert_eq!([&name["givenName"], &name["familyName"]], ["Eve", "King"]);
    assert_eq!([&block["department"], &block["costCenter"], &block["division"]], ["Sales", "8", "West"]);
}

#[test]
fn who_is_promoted_by_the_seat_of_another_during_the_rollback_is_recorded_in_the_newest_version() {
    let (gateway, acme) = acme(Some(1), Some(9));
    let lite = acme.create_user("lite", "member_lite").expect(201).id();
    let seated = acme.create_user("seated", "user").expect(201).id();
    let waits = acme.create_user("waits", "user").expect(201).id();
    on(&gateway, &acme, 10, 0);
    let lose = |id: &str, attribute: &str, value: &str| {
        let sent = json!([{ "op": "replace", "value": { "active": false, attribute: value } }]);
        acme.patch(&path(id), &sent).expect(200);
    };
    lose(&lite, "userType", "user");
    lose(&waits, "title", "Dr");
    staff(&gateway, &acme, "DELETE", &path(&seated).to_lowercase(), None).expect(204);
    for id in [&lite, &waits] {
        acme.patch(&path(id), &replace("active", true)).expect(200);
    }
    assert_eq!((state(&acme, &lite).as_str(), queue(&gateway, &acme).len()), ("granted", 1));
    // The one gives the seat back that the other gets.
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back, json!({ "restored": 2, "not_restored": [] }));
    let user = acme.get(&path(&waits)).expect(200).body;
    assert_eq!((&user["title"], &user[SEAT]["grantedLicense"]), (&Value::Null, &json!("member")));
    let story = said(&gateway, &acme, &["tenant", "changes", "--resource", &waits]);
    assert_eq!([&story[0]["kind"], &story[1]["kind"]], ["user.restored", "user.promoted"]);
    assert_eq!(story[0]["version"], story[1]["version"], "{story}");
    assert_eq!(used(&gateway, &acme), 1);
}

#[test]
fn who_had_left_the_last_group_or_finds_none_again_is_due_after_the_rollback_as_before() {
    let clock = testkit::clocks::MachineClock::new();
    let gateway = crate::tick::under(&clock);
    let body = json!({ "key": "acme", "name": "Acme", "profile": "iomete", "seats": {} });
    let acme = gateway.onboard("ire", &body);
    let names = ["left", "gone", "stays", "never"];
    let [left, gone, stays, never] = names.map(|name| acme.create_user(name, "").expect(201).id());
    let group = new_group(&acme, "A", &[&left, &stays]);
    let other = new_group(&acme, "B", &[&gone]);
    on(&gateway, &acme, 10, 0);
    crate::tick::leave(&acme, &group, &left);
    for id in [&left, &gone, &stays, &never] {
        acme.delete(&path(id)).expect(204);
    }
    acme.delete(&format!("/Groups/{other}")).expect(204);
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!((&back["restored"], &back["not_restored"][0]["id"]), (&json!(4), &json!(gone)), "{back}");
    clock.set("+61m");
    wait_for("the tick", || {
        crate::tick::tick(&gateway);
        [&left, &gone].iter().all(|id| acme.get(&path(id)).status == 404)
    });
    for id in [&stays, &never] {
        acme.get(&path(id)).expect(200);
    }
    gateway.audit(&acme);
}

#[test]
fn a_role_that_a_group_gives_comes_back_with_the_membership() {
    let (gateway, acme) = roomy();
    let overrides = json!({ "sources": [{ "groups": [{ "name": "Members", "role": "member" }] }] });
    staff(&gateway, &acme, "PATCH", "/profile/overrides", Some(&overrides)).expect(200);
    let ids: Vec<String> = ["a", "b"].map(|name| acme.create_user(name, "").expect(201).id()).to_vec();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    new_group(&acme, "Members", &all);
    on(&gateway, &acme, 1, 0);
    for id in &ids {
        acme.delete(&path(id)).expect(204);
    }
    assert_eq!(used(&gateway, &acme), 1);
    assert_eq!(said(&gateway, &acme, &["breaker", "rollback"])["restored"], 2);
    for id in &ids {
        let seat = acme.get(&path(id)).expect(200).body[SEAT].clone();
        assert_eq!((&seat["role"], &seat["grantedLicense"]), (&json!("member"), &json!("member")), "{seat}");
    }
    assert_eq!(used(&gateway, &acme), 2);
}

/// Kills the gateway as soon as so much time has passed since the command began.
fn kill_during(gateway: &Gateway, tenant: &Tenant, words: &[&str], after: Duration) {
    let target = ["--region", &tenant.region, "--key", &tenant.key];
    let words = [words, &target].concat();
    let mut command = gateway.cli_following(&words);
    thread::sleep(after);
    signal(gateway.pid(), Signal::KILL);
    command.wait().unwrap();
}

#[test]
fn killed_in_the_middle_a_release_or_a_rollback_has_done_all_or_nothing() {
    let (mut gateway, acme) = roomy();
    let ids = people(&acme, 120);
    new_group(&acme, "Sales", &ids.iter().map(String::as_str).collect::<Vec<_>>());
    on(&gateway, &acme, 0, 0);
    for id in &ids[..60] {
        acme.delete(&path(id)).expect(204);
    }
    for id in &ids[60..] {
        suspend(&acme, id);
    }
    for (round, words) in
        [["breaker", "release"], ["breaker", "rollback"]].into_iter().cycle().take(8).enumerate()
    {
        let before = held(&gateway, &acme);
        if before == 0 {
            break;
        }
        kill_during(&gateway, &acme, &words, Duration::from_millis(4 + 9 * u64::try_from(round).unwrap()));
        gateway.kill();
        gateway.start_again();
        let now = held(&gateway, &acme);
        assert!(now == 120 || now == 0, "{now} of {before} after {words:?}");
        gateway.audit(&acme);
    }
    wait_for("the end", || {
        held(&gateway, &acme) == 0 || said(&gateway, &acme, &["breaker", "release"])["released"] == 120
    });
    assert_eq!(held(&gateway, &acme), 0);
    gateway.audit(&acme);
}

#[test]
fn what_has_passed_is_kept_no_longer_than_its_window() {
    let clock = testkit::clocks::MachineClock::new();
    let gateway = crate::tick::under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    let ids = people(&acme, 3);
    on(&gateway, &acme, 5, 0);
    acme.delete(&path(&ids[0])).expect(204);
    suspend(&acme, &ids[1]);
    let kept = || stored(&gateway, &acme).iter().filter(|row| row.contains("\"breaker_losses\"")).count();
    assert_eq!(kept(), 2);
    clock.set("+61m");
    wait_for("the tick", || {
        crate::tick::tick(&gateway);
        kept() == 0
    });
    assert_eq!(said(&gateway, &acme, &["breaker", "rollback"])["restored"], 0);
    assert_eq!(show(&gateway, &acme)["window"], Value::Null);
}

#[test]
fn a_rollback_gives_back_the_windows_of_those_who_wait_and_nothing_of_a_later_one() {
    let clock = testkit::clocks::MachineClock::new();
    let gateway = crate::tick::under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    let ids = people(&acme, 6);
    let states = |of: &[usize]| of.iter().map(|nth| state(&acme, &ids[*nth])).collect::<Vec<_>>();
    let rollback = || said(&gateway, &acme, &["breaker", "rollback"]);
    let restored = |people: i64| json!({ "restored": people, "not_restored": [] });
    on(&gateway, &acme, 1, 0);
    suspend(&acme, &ids[0]);
    suspend(&acme, &ids[1]);
    assert_eq!(states(&[0, 1]), ["suspended", "held"]);
    // What passes in the next window is none of theirs.
    outlast(&gateway, &acme, &clock, "+61m", &ids[5]);
    suspend(&acme, &ids[2]);
    assert_eq!(rollback(), restored(2));
    assert_eq!(states(&[0, 1, 2]), ["granted", "granted", "suspended"]);
    // Nobody waits any more, and that window still runs.
    assert_eq!(rollback(), restored(1));
    assert_eq!((state(&acme, &ids[2]), used(&gateway, &acme)), ("granted".to_owned(), 6));
    // A window that opened no breaker is forgotten when it is over, whoever waits since an earlier one.
    suspend(&acme, &ids[3]);
    suspend(&acme, &ids[4]);
    assert_eq!(states(&[3, 4]), ["held", "held"]);
    outlast(&gateway, &acme, &clock, "+130m", &ids[5]);
    suspend(&acme, &ids[0]);
    outlast(&gateway, &acme, &clock, "+200m", &ids[5]);
    suspend(&acme, &ids[1]);
    assert_eq!(rollback(), restored(2));
    assert_eq!(states(&[0, 1, 3, 4]), ["suspended", "suspended", "granted", "granted"]);
    // After a release in a later window what passed before is forgotten too.
    suspend(&acme, &ids[2]);
    assert_eq!(state(&acme, &ids[2]), "held");
    outlast(&gateway, &acme, &clock, "+270m", &ids[5]);
    suspend(&acme, &ids[3]);
    assert_eq!(said(&gateway, &acme, &["breaker", "release"])["released"], 1);
    assert_eq!(rollback(), restored(1));
    assert_eq!(states(&[1, 2, 3]), ["suspended", "suspended", "granted"]);
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (0, 3));
}
