//! All tenants of a region that need a hand.

use serde_json::{Value, json};
use testkit::{clocks::MachineClock, gateway::Gateway};

use super::{by_a_clock, codes, health};
use crate::{
    log::from_okta,
    people::staff,
    running::{roomy, user_body, wait_for},
    seats::set_quota,
    tick::{day, tick, under},
};

/// What `usher health --all` says: the tenants with their codes. It exits with 3 if there are any.
#[track_caller]
pub(super) fn all(gateway: &Gateway) -> Vec<(String, Vec<String>)> {
    let output = gateway.cli(&["health", "--all", "--region", "ire", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let told = told.as_array().unwrap();
    assert_eq!(output.status.code(), Some(if told.is_empty() { 0 } else { 3 }));
    let of = |tenant: &Value| {
        assert!(tenant["since"].as_str().unwrap().ends_with('Z'), "{tenant}");
        let codes = tenant["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
        (tenant["tenant"].as_str().unwrap().to_owned(), codes.collect())
    };
    told.iter().map(of).collect()
}

/// The tenants' files that the process has open; none where they are schemas of a database.
fn open_stores(gateway: &Gateway) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", gateway.pid())).unwrap();
    let paths = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
    paths.filter(|path| path.to_string_lossy().contains("/tenants/")).count()
}

fn is(tenant: &str, codes: &[&str]) -> (String, Vec<String>) {
    (tenant.to_owned(), codes.iter().map(|code| (*code).to_owned()).collect())
}

#[test]
fn what_a_date_changes_in_a_tenant_that_nobody_calls_is_listed_after_the_tick() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(1), Some(1));
    let line = json!({ "license": "member", "seats": 1, "until": day(2), "source": "order 7" });
    staff(&gateway, &acme, "POST", "/seats/lines", Some(&line)).expect(201);
    for name in ["ann", "bob"] {
        acme.create_user(name, "user").expect(201);
    }
    let has_debt = || all(&gateway).iter().any(|(_, codes)| codes.iter().any(|code| code == "over_quota"));
    health(&gateway, &acme);
    assert!(!has_debt());
    clock.set("+48h");
    tick(&gateway);
    // Its row may have been written a moment before the tick.
    clock.set("+49h");
    wait_for("what the date changed", has_debt);
}

#[test]
fn all_tenants_that_need_a_hand_are_listed_the_worst_first_while_their_stores_are_closed() {
    let clock = MachineClock::new();
    let mut gateway = under(&clock);
    let [well, full, new] = ["well", "zest", "new"].map(|key| gateway.tenant("ire", key, Some(1), Some(0)));
    gateway.tenant("us", "elsewhere", None, None);
    well.get("/Users").expect(200);
    full.create_user("ann", "user").expect(201);
    let expected = [is("ire/zest", &["seats_full"]), is("ire/new", &["never_called"])];
    // The process writes it down by itself, once a minute.
    clock.set("+2m");
    wait_for("the verdicts", || all(&gateway) == expected);
    assert_eq!(gateway.stop(), Some(0));
    gateway.start_again();
    assert_eq!(all(&gateway), expected);
    assert_eq!(open_stores(&gateway), 0);
    // What staff change is seen without a request of the identity provider.
    set_quota(&gateway, &full, "member", 2);
    set_quota(&gateway, &well, "member_lite", 1);
    let new_token = json!({});
    staff(&gateway, &new, "POST", "/tokens", Some(&new_token)).expect(201);
    wait_for("the change of the quota", || all(&gateway) == [is("ire/new", &["never_called"])]);
    staff(&gateway, &new, "DELETE", "", None).expect(204);
    assert_eq!(all(&gateway), []);
}

#[test]
fn who_has_the_same_trouble_and_more_comes_first() {
    let (_clock, gateway, acme) = by_a_clock();
    let more = gateway.tenant("ire", "zest", Some(1), Some(0));
    set_quota(&gateway, &acme, "member", 1);
    set_quota(&gateway, &acme, "member_lite", 0);
    for tenant in [&acme, &more] {
        tenant.create_user("ann", "user").expect(201);
    }
    let ben = user_body(&json!({ "userName": "ben", "userType": "user", "favourite": "x" }));
    more.post("/Users", &ben).expect(403);
    for tenant in [&acme, &more] {
        health(&gateway, tenant);
    }
    let expected = [is("ire/zest", &["seats_full", "unknown_attribute"]), is("ire/acme", &["seats_full"])];
    wait_for("both rows", || all(&gateway) == expected);
}

#[test]
fn silence_is_found_in_the_list_when_its_time_has_come() {
    let (clock, gateway, acme) = by_a_clock();
    for minutes in [0, 40, 80, 120] {
        clock.set(&format!("+{minutes}m"));
        from_okta(&acme, "GET", "/Users?count=1").send().expect(200);
    }
    // All of it is in the store now, and in the list within a minute.
    assert_eq!(codes(&gateway, &acme), [""; 0]);
    clock.set("+239m");
    assert_eq!(all(&gateway), []);
    clock.set("+242m");
    wait_for("silence", || all(&gateway) == [is("ire/acme", &["silent"])]);
}

#[test]
fn a_tenants_row_of_the_list_is_written_at_most_once_a_minute_and_what_came_earlier_follows() {
    let clock = MachineClock::new();
    let mut gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(1), Some(0));
    acme.create_user("ann", "user").expect(201);
    let full = [is("ire/acme", &["seats_full"])];
    clock.set("+2m");
    wait_for("the first row", || all(&gateway) == full);
    clock.set("+4m");
    set_quota(&gateway, &acme, "member", 2);
    wait_for("the row of a minute later", || all(&gateway).is_empty());
    // In the same minute staff who ask are told, and the list follows.
    set_quota(&gateway, &acme, "member", 1);
    assert_eq!(codes(&gateway, &acme), ["seats_full"]);
    assert_eq!(all(&gateway), []);
    clock.set("+6m");
    wait_for("what came earlier", || all(&gateway) == full);
    // Also where the process ends before the minute does.
    set_quota(&gateway, &acme, "member", 2);
    assert_eq!(codes(&gateway, &acme), [""; 0]);
    assert_eq!(all(&gateway), full);
    assert_eq!(gateway.stop(), Some(0));
    gateway.start_again();
    assert_eq!(all(&gateway), []);
}

#[test]
fn unknown_parameters_are_refused_and_the_words_of_the_command_line_too() {
    let (gateway, acme) = roomy();
    for path in [format!("{}/health?all=1", acme.admin_path()), "/regions/ire/health?limit=9".to_owned()] {
        gateway.admin("GET", &path, None).expect(400);
    }
    assert_eq!(gateway.cli(&["health", "--region", "ire"]).status.code(), Some(2));
    assert_eq!(gateway.cli(&["health", "--region", "ire", "--key", "acme", "--all"]).status.code(), Some(2));
    assert_eq!(gateway.cli(&["health", "--region", "ire", "--key", "nobody"]).status.code(), Some(1));
}

#[test]
fn the_verdict_has_seats_and_credentials() {
    let (gateway, acme) = crate::running::acme(Some(5), Some(0));
    acme.create_user("ann", "user").expect(201);
    let told = health(&gateway, &acme);
    assert_eq!((&told["seats"]["member"]["quota"], &told["seats"]["member"]["used"]), (&json!(5), &json!(1)));
    let credential = &told["credentials"][0];
    assert_eq!(
        (&credential["kind"], &credential["state"], &credential["wrong_secrets"]),
        (&json!("bearer"), &json!("ok"), &json!(0))
    );
    assert!(!told.to_string().contains(&acme.token));
}
