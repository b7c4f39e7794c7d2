//! The machine's clock is set: over restarts and under a running gateway, by seconds and by years.

use serde_json::{Value, json};
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
    http::Answer,
};

use crate::running::{SEAT, new_group, replace};

fn gateway_with(clock: &MachineClock) -> Gateway {
    let environment = clock.environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Gateway::start_with(env!("CARGO_BIN_EXE_usher"), &environment)
}

fn modified(answer: &Answer) -> String {
    answer.body["meta"]["lastModified"].as_str().unwrap().to_owned()
}

fn newest_change(gateway: &Gateway, tenant: &Tenant) -> Value {
    gateway.admin("GET", &format!("{}/changes?limit=1", tenant.admin_path()), None).expect(200).body[0]
        .clone()
}

fn is_doubted(gateway: &Gateway) -> bool {
    gateway.metrics().contains("\nusher_clock_doubted 1\n")
}

#[test]
fn s6_after_a_restart_under_any_clock_the_queue_the_log_and_conditional_gets_are_right() {
    let clock = MachineClock::new();
    let mut gateway = gateway_with(&clock);
    let acme = gateway.tenant("ire", "acme", Some(1), Some(50));
    let seated = acme.create_user("seated", "user").expect(201).id();
    let wait = |name: &str| {
        let made = acme.create_user(name, "user").expect(201);
        assert_eq!(made.body[SEAT]["state"], "fallback", "{}", made.text);
        made
    };
    let first = wait("w0");
    let mut queue = vec![first.id()];
    let ann = acme.create_user("ann", "").expect(201);
    let path = format!("/Users/{}", ann.id());
    let mut last = ann;
    for (n, offset) in ["-2s", "+10y", "+0s", "-1h", "-3d", "+0s", "-40y"].into_iter().enumerate() {
        if n % 2 == 0 {
            gateway.kill();
        } else {
            gateway.stop();
        }
        clock.set(offset);
        gateway.start_again();
        assert_eq!(is_doubted(&gateway), matches!(offset, "+10y" | "-40y"), "{offset}");
        let waits = wait(&format!("w{}", n + 1));
        queue.push(waits.id());
        assert_eq!(newest_change(&gateway, &acme)["resource_id"], waits.id(), "{offset}");
        // What was written under a clock of another decade is not of another decade.
        let (then, now) = (modified(&first), modified(&waits));
        assert_eq!(now[..3], then[..3], "{offset}");
        // Of three days back nobody can say that they are wrong.
        assert!(now >= then || offset == "-3d", "{offset}: {now} after {then}");

        let edited = acme.patch(&path, &replace("title", offset)).expect(200);
        assert!(modified(&edited) >= modified(&last), "{offset}: lastModified goes back");
        let tag = edited.header("etag").unwrap().to_owned();
        let unless = || acme.request("GET", &path).header("if-none-match", &tag).send();
        unless().expect(304);
        let crew = new_group(&acme, &format!("Crew {n}"), &[queue.last().unwrap()]);
        unless().expect(304);
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": edited.id() }] }]);
        acme.patch(&format!("/Groups/{crew}"), &add).expect(204);
        let groups = unless().expect(200).body["groups"].as_array().unwrap().len();
        assert_eq!(groups, n + 1, "{offset}");
        last = acme.patch(&path, &replace("title", format!("{offset} again"))).expect(200);
    }
    assert!(gateway.log().contains("is not believed"), "the years were told");
    gateway.stop();
    clock.set("+0s");
    gateway.start_again();
    acme.delete(&format!("/Users/{seated}")).expect(204);
    for (n, id) in queue.iter().enumerate() {
        let states: Vec<bool> = queue
            .iter()
            .map(|id| acme.get(&format!("/Users/{id}")).body[SEAT]["state"] == "granted")
            .collect();
        assert_eq!(states, (0..queue.len()).map(|other| other <= n).collect::<Vec<_>>(), "{id}");
        let quota = json!({ "member": { "quota": n + 2 } });
        gateway.admin("PATCH", &format!("{}/seats", acme.admin_path()), Some(&quota)).expect(200);
    }
    gateway.audit(&acme);
}

#[test]
fn a_jump_of_years_under_a_running_gateway_ends_no_token_marks_no_resource_and_is_told() {
    let clock = MachineClock::new();
    let gateway = gateway_with(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    let issued = json!({ "expires_in_days": 1 });
    let issued = gateway.admin("POST", &format!("{}/tokens", acme.admin_path()), Some(&issued)).expect(201);
    let short = Tenant { token: issued.body["token"].as_str().unwrap().to_owned(), ..acme.clone() };
    let before = acme.create_user("before", "").expect(201);
    let cursor = |tenant: &Tenant, cursor: &str| tenant.get(&format!("/Users?count=1&cursor={cursor}"));
    acme.create_user("other", "").expect(201);
    let next = cursor(&acme, "").expect(200).body["nextCursor"].as_str().unwrap().to_owned();
    for (n, offset) in ["+10y", "+0s", "-30y", "+0s"].into_iter().enumerate() {
        clock.set(offset);
        let made = short.create_user(&format!("u{n}"), "").expect(201);
        assert!(modified(&made) >= modified(&before), "{offset}");
        assert_eq!(modified(&made)[..3], modified(&before)[..3], "{offset}");
        assert_eq!(is_doubted(&gateway), offset != "+0s", "{offset}");
        cursor(&acme, &next).expect(200);
    }
    assert!(gateway.log().contains("is not believed") && gateway.log().contains("is believed again"));
}
