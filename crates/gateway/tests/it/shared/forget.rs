//! What staff change through one process holds at the other: at once with Redis, within a second without it.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::gateway::{Gateway, Tenant};

use crate::running::{at, wait_for};

use super::{Pair, probe, set, wait_for_metric};

/// How long what staff changed may be unknown to another process.
const OBEYED: Duration = Duration::from_secs(1);

/// A new token of the tenant, as the process serves it.
fn issue(by: &Gateway, served_by: &Gateway, tenant: &Tenant) -> Tenant {
    let issued = by.admin("POST", &format!("{}/tokens", tenant.admin_path()), None).expect(201);
    Tenant { token: issued.body["token"].as_str().unwrap().to_owned(), ..at(served_by, tenant) }
}

fn revoke(by: &Gateway, tenant: &Tenant) {
    let key_id = tenant.token.rsplit('_').next().unwrap()[..12].to_owned();
    by.admin("DELETE", &format!("{}/tokens/{key_id}", tenant.admin_path()), None).expect(204);
}

/// Revokes tokens through one process that the other has just served; the median time until it refuses them.
fn time_to_obey(by: &Gateway, served_by: &Gateway, tenant: &Tenant) -> Duration {
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let held = issue(by, served_by, tenant);
            assert_eq!(probe(&held), 200);
            revoke(by, &held);
            let began = Instant::now();
            wait_for("the token is refused", || probe(&held) == 401);
            began.elapsed()
        })
        .collect();
    times.sort();
    println!("a revoked token is refused at the other process after {times:?}");
    times[2]
}

#[test]
fn a_revoked_token_a_setting_and_a_schema_hold_at_every_process_within_a_second() {
    let pair = Pair::start(&[]);
    let ([one, other], [_, there]) = (&pair.processes, &pair.tenants);
    assert!(time_to_obey(one, other, there) < OBEYED);

    assert_eq!(probe(there), 200);
    one.cli_ok(&["tenant", "suspend", "--region", "ire", "--key", "acme"]);
    let began = Instant::now();
    wait_for("the tenant is suspended there", || probe(there) == 403);
    assert!(began.elapsed() < OBEYED, "{:?}", began.elapsed());
    one.cli_ok(&["tenant", "resume", "--region", "ire", "--key", "acme"]);
    wait_for("it is served again", || probe(there) == 200);

    let schema = json!({
        "schema": { "id": "urn:example:desk", "name": "Desk", "attributes": [{ "name": "desk", "type": "string" }] }
    });
    let knows = || there.get("/Schemas/urn:example:desk").status == 200;
    assert!(!knows());
    one.admin("POST", "/regions/ire/tenants/acme/schemas", Some(&schema)).expect(201);
    let began = Instant::now();
    wait_for("the schema is known there", knows);
    assert!(began.elapsed() < OBEYED, "{:?}", began.elapsed());
}

#[test]
fn while_redis_is_away_and_when_it_is_back_what_staff_change_holds_everywhere() {
    let mut pair = Pair::start(&[]);
    pair.redis.kill();
    for process in &pair.processes {
        wait_for_metric(process, "usher_redis_up 0");
    }
    let ([one, other], [here, there]) = (&pair.processes, &pair.tenants);
    // The cache is believed for a second; the rest is the work itself.
    assert!(time_to_obey(one, other, there) < OBEYED * 2);

    // What was changed while Redis was away is not missed when caches are believed again.
    let held = issue(one, other, there);
    assert_eq!(probe(&held), 200);
    revoke(one, &held);
    pair.redis.start_again();
    for process in &pair.processes {
        wait_for_metric(process, "usher_redis_up 1");
    }
    wait_for("the token is refused", || probe(&held) == 401);
    assert!(time_to_obey(other, one, here) < OBEYED);
}

#[test]
fn a_process_that_redis_freezes_away_from_does_not_believe_its_cache() {
    let pair = Pair::start(&[]);
    let ([one, other], [_, there]) = (&pair.processes, &pair.tenants);
    let held = issue(one, other, there);
    assert_eq!(probe(&held), 200);
    // Nobody is told of what happens now.
    pair.redis.freeze();
    revoke(one, &held);
    let began = Instant::now();
    wait_for("the token is refused", || probe(&held) == 401);
    println!("with a frozen Redis after {:?}", began.elapsed());
    assert!(began.elapsed() < OBEYED * 2, "{:?}", began.elapsed());
    pair.redis.thaw();
    wait_for_metric(other, "usher_redis_fallback_active 0");
}

#[test]
fn a_message_that_cannot_be_read_forgets_everything() {
    let pair = Pair::start(&[]);
    let there = &pair.tenants[1];
    assert_eq!(probe(there), 200);
    set(&pair.processes[0], &["--strict"]);
    assert_eq!(pair.redis.command(&["PUBLISH", "usher:forget", "of a later version"]), ":2");
    assert_eq!(probe(there), 200);
}
