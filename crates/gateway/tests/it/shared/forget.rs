//! What staff change through one process holds at the other: at once with Redis, within a second without it.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::gateway::{Gateway, Tenant};

use crate::{
    credentials::{added, exchanged, text},
    running::{at, wait_for},
};

use super::{Pair, probe, set, wait_for_metric};

/// How long what staff changed may be unknown to another process.
const OBEYED: Duration = Duration::from_secs(1);

/// What opens a tenant, and what it is revoked by.
struct Held {
    token: String,
    key_id: String,
}

/// A new token of the tenant.
fn issue(by: &Gateway, tenant: &Tenant) -> Held {
    let made = added(by, tenant, "bearer", &[]);
    Held { token: text(&made, "token").to_owned(), key_id: text(&made, "key_id").to_owned() }
}

/// An access token for the secret of a new client.
fn exchange(by: &Gateway, tenant: &Tenant) -> Held {
    let client = added(by, tenant, "oauth", &[]);
    Held { token: exchanged(&client, ""), key_id: text(&client, "key_id").to_owned() }
}

/// The tenant by this token, as the process serves it.
fn open(served_by: &Gateway, tenant: &Tenant, held: &Held) -> Tenant {
    Tenant { token: held.token.clone(), ..at(served_by, tenant) }
}

fn revoke(by: &Gateway, tenant: &Tenant, held: &Held) {
    by.admin("DELETE", &format!("{}/credentials/{}", tenant.admin_path(), held.key_id), None).expect(204);
}

/// Revokes, through one process, what the other has just served; the median time until it refuses them.
fn time_to_obey(
    by: &Gateway,
    served_by: &Gateway,
    tenant: &Tenant,
    make: fn(&Gateway, &Tenant) -> Held,
) -> Duration {
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let held = make(by, tenant);
            let there = open(served_by, tenant, &held);
            assert_eq!(probe(&there), 200);
            revoke(by, tenant, &held);
            let began = Instant::now();
            wait_for("the token is refused", || probe(&there) == 401);
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
    for make in [issue, exchange] {
        assert!(time_to_obey(one, other, there, make) < OBEYED);
    }

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
    for make in [issue, exchange] {
        assert!(time_to_obey(one, other, there, make) < OBEYED * 2);
    }

    // What was changed while Redis was away is not missed when caches are believed again.
    let held = [issue, exchange].map(|make| make(one, there));
    let opened = held.each_ref().map(|held| open(other, there, held));
    assert_eq!(opened.each_ref().map(probe), [200; 2]);
    held.iter().for_each(|held| revoke(one, there, held));
    pair.redis.start_again();
    for process in &pair.processes {
        wait_for_metric(process, "usher_redis_up 1");
    }
    wait_for("the tokens are refused", || opened.each_ref().map(probe) == [401; 2]);
    assert!(time_to_obey(other, one, here, issue) < OBEYED);
}

#[test]
fn a_process_that_redis_freezes_away_from_does_not_believe_its_cache() {
    let pair = Pair::start(&[]);
    let ([one, other], [_, there]) = (&pair.processes, &pair.tenants);
    let held = issue(one, there);
    let opened = open(other, there, &held);
    assert_eq!(probe(&opened), 200);
    // Nobody is told of what happens now.
    pair.redis.freeze();
    revoke(one, there, &held);
    let began = Instant::now();
    wait_for("the token is refused", || probe(&opened) == 401);
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
