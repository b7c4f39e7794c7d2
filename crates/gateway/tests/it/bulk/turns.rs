//! A bulk is many transactions: others write between them, and it goes on when its caller is gone.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::at_once::at_once;

use super::{BULK_REQUEST, bulk, new_user, statuses};
use crate::running::gateway_with;

/// Longest wait for the end of a bulk.
const PATIENCE: Duration = Duration::from_secs(240);

fn many(prefix: &str, n: usize) -> Value {
    (0..n).map(|i| new_user(&format!("{prefix}-{i}"), &json!({}))).collect::<Vec<_>>().into()
}

/// No request waits for whole bulks. Shown by the users that exist when a write is answered, not by time: were each bulk one
/// transaction, a write that comes while they wait for each other would find all that they make.
#[test]
fn single_writes_get_their_turn_while_bulks_run() {
    let gateway = gateway_with(&[("USHER__LIMITS__BULK_SECONDS", "300")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let total = || acme.get("/Users?count=0").expect(200).body["totalResults"].as_u64().unwrap();
    let found = at_once(5, |client| {
        if client < 4 {
            let ended = bulk(&acme, &many(&format!("bulk{client}"), 1000));
            assert!(statuses(&ended).iter().all(|status| *status == "201"));
            return None;
        }
        while total() == 0 {}
        acme.create_user("single", "").expect(201);
        Some(total())
    });
    let found = found[4].unwrap();
    assert!(found < 4000, "{found}");
    assert_eq!(total(), 4001);
    gateway.audit(&acme);
}

#[test]
fn a_bulk_is_ended_when_its_caller_hangs_up() {
    let gateway = gateway_with(&[("USHER__LIMITS__BULK_SECONDS", "300")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let body = json!({ "schemas": [BULK_REQUEST], "Operations": many("u", 1000) }).to_string();
    let mut caller = gateway.connect();
    caller.send(acme.as_written("POST", "/Bulk", "", &body)).unwrap();
    let total = || acme.get("/Users?count=0").expect(200).body["totalResults"].as_u64().unwrap();
    while total() == 0 {
        sleep(Duration::from_millis(1));
    }
    drop(caller);
    let began = Instant::now();
    while total() < 1000 {
        assert!(began.elapsed() < PATIENCE, "{} users", total());
        sleep(Duration::from_millis(20));
    }
    let counted = || {
        gateway.metrics().contains("usher_scim_operations_total{operation=\"create\",outcome=\"ok\",region=\"ire\",resource=\"User\"} 1000")
    };
    while !counted() {
        assert!(began.elapsed() < PATIENCE, "{}", gateway.metrics());
        sleep(Duration::from_millis(20));
    }
    gateway.audit(&acme);
}
