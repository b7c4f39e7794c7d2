//! What is refused, and what a killed process leaves.

use std::sync::Arc;

use serde_json::json;
use testkit::{
    clocks::MachineClock,
    database::Database,
    gateway::{Gateway, Setup},
};

use super::{dump, in_minutes, moment, post, undo};
use crate::{
    running::{BINARY, acme, at, replace, roomy},
    tick::{tick, under},
};

#[test]
fn a_wrong_body_a_time_beyond_what_is_kept_and_an_unknown_word_are_400() {
    let (gateway, acme) = roomy();
    for (body, told) in [
        (json!({}), "since"),
        (json!({ "since": "yesterday" }), "since is a time"),
        (json!({ "since": "2020-01-01T00:00:00Z" }), "for 7 days"),
        (json!({ "since": moment(), "idp": "nobody" }), "idp is one of okta"),
        (json!({ "since": moment(), "people": ["ada"] }), "people"),
        (json!({ "since": moment(), "dry_run": "yes" }), "expected a boolean"),
    ] {
        let refused = post(&gateway, &acme, &body).expect(400);
        assert!(refused.text.contains(told), "{}", refused.text);
    }
    let path = format!("{}/undo?dry_run=true", acme.admin_path());
    gateway.admin("POST", &path, Some(&json!({ "since": moment() }))).expect(400);
    gateway.cli_ok(&["tenant", "override", "--region", "ire", "--key", &acme.key, "undo.keep_days=2"]);
    assert!(
        post(&gateway, &acme, &json!({ "since": "2020-01-01T00:00:00Z" }))
            .expect(400)
            .text
            .contains("for 2 days")
    );
    // A moment to come has seen nothing.
    let none = post(&gateway, &acme, &json!({ "since": "2200-01-01T00:00:00Z" })).expect(200).body;
    assert_eq!(none, json!({ "restored": 0, "not_restored": [] }));
}

#[test]
fn people_read_what_was_restored_and_what_was_not() {
    let (gateway, acme) = acme(Some(1), Some(0));
    let since = moment();
    acme.create_user("ada", "user").expect(201);
    let words = ["undo", "--region", "ire", "--key", &acme.key, "--since", &since, "--dry-run"];
    let told = gateway.cli_ok(&words);
    assert!(told.starts_with("0 people and groups would be restored; nothing was changed."), "{told}");
    assert!(told.contains("ada") && told.contains("It was made in this time"), "{told}");
}

#[test]
fn a_process_that_is_killed_in_an_undo_leaves_nothing_half_done_and_the_undo_goes_on_when_it_is_said_again() {
    let (mut gateway, acme) = roomy();
    let ids: Vec<String> =
        (0..60).map(|n| acme.create_user(&format!("p{n}"), "user").expect(201).id()).collect();
    let before = dump(&gateway, &acme);
    let since = moment();
    for id in &ids {
        acme.patch(
            &format!("/Users/{id}"),
            &json!([{ "op": "replace", "value": { "title": "x", "userType": "member_lite" } }]),
        )
        .expect(200);
    }
    let after = dump(&gateway, &acme);
    for pause_ms in [0, 5, 20, 60] {
        let mut running =
            gateway.cli_process(&["undo", "--region", "ire", "--key", &acme.key, "--since", &since]);
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        gateway.kill();
        running.wait().unwrap();
        gateway.start_again();
        let left = dump(&gateway, &acme);
        assert!(left == after || left == before, "half an undo after {pause_ms} ms");
    }
    undo(&gateway, &acme, &since, &[]);
    assert_eq!(dump(&gateway, &acme), before);
}

#[test]
fn what_changes_replaced_is_removed_by_the_tick_when_it_was_kept_long_enough() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(1), Some(0));
    let id = acme.create_user("ada", "user").expect(201).id();
    let images = || {
        crate::running::stored(&gateway, &acme).iter().filter(|row| row.contains("\"before_images\"")).count()
    };
    assert_eq!(images(), 0, "a creation replaces nothing");
    tick(&gateway);
    acme.patch(&format!("/Users/{id}"), &replace("title", "Dr")).expect(200);
    assert_eq!(images(), 1);
    clock.set("+6d");
    tick(&gateway);
    acme.patch(&format!("/Users/{id}"), &replace("title", "Mx")).expect(200);
    assert_eq!(images(), 2);
    clock.set("+8d");
    tick(&gateway);
    assert_eq!(images(), 1);
    clock.set("+14d");
    tick(&gateway);
    assert_eq!(images(), 0);
}

#[test]
fn a_change_of_the_run_is_found_behind_one_with_a_later_number_and_an_earlier_time() {
    let (clock, database) = (MachineClock::new(), Arc::new(Database::create()));
    clock.set("+20m");
    let ahead = clock.environment();
    let ahead: Vec<(&str, &str)> = ahead.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let [right, ahead] = [Vec::new(), ahead].map(|settings| {
        let database = Some(Arc::clone(&database));
        Gateway::set_up(BINARY, Setup { settings: &settings, database, ..Setup::default() })
    });
    let acme = right.tenant("ire", "acme", None, None);
    let [ada, ben] = ["ada", "ben"].map(|name| acme.create_user(name, "user").expect(201).id());
    let since = in_minutes(10);
    at(&ahead, &acme).patch(&format!("/Users/{ada}"), &replace("title", "Dr")).expect(200);
    acme.patch(&format!("/Users/{ben}"), &replace("title", "Dr")).expect(200);
    let done = undo(&right, &acme, &since, &[]);
    assert_eq!(done, json!({ "restored": 1, "not_restored": [] }));
    let title = |id: &str| acme.get(&format!("/Users/{id}")).expect(200).body["title"].clone();
    assert_eq!([title(&ada), title(&ben)], [json!(null), json!("Dr")]);
}
