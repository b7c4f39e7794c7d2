//! How people stand in the log, and for how long.

use serde_json::json;
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
};

use super::{rows, rows_when};
use crate::{
    running::{acme, replace},
    tick::{tick, under},
};

fn set(gateway: &Gateway, tenant: &Tenant, what: &str) {
    gateway.cli_ok(&["tenant", "override", "--region", &tenant.region, "--key", &tenant.key, what]);
}

#[test]
fn under_ids_a_person_is_a_hash_that_the_name_finds_and_a_deletion_leaves_no_name() {
    let (gateway, acme) = acme(Some(1), Some(0));
    // Of a time when the log held names.
    acme.create_user("Ada@Example.com", "user").expect(201);
    acme.create_user("ada@example.com", "user").expect(409);
    rows_when(&gateway, &acme, &["--user", "ada@example.com"], 2);
    set(&gateway, &acme, "log.people=ids");
    let ben = acme.create_user("ben@example.com", "user").expect(403);
    assert!(ben.text.contains("Ref "));
    let found = rows_when(&gateway, &acme, &["--user", "BEN@example.com"], 1);
    let hash = found[0]["user_name"].as_str().unwrap().to_owned();
    assert!(hash.starts_with("hash:") && hash.len() == 69, "{hash}");
    assert_eq!(rows(&gateway, &acme, &["--user", &hash]), found);
    let id = rows(&gateway, &acme, &["--result", "applied"])[0]["resource_id"].as_str().unwrap().to_owned();
    acme.patch(&format!("/Users/{id}"), &replace("title", "Dr")).expect(200);
    acme.delete(&format!("/Users/{id}")).expect(204);
    let all = rows(&gateway, &acme, &[]);
    assert_eq!(all.len(), 5);
    assert!(!json!(all).to_string().to_lowercase().contains("example.com"), "{all:#?}");
    assert_eq!(rows(&gateway, &acme, &["--user", "ada@example.com"]).len(), 4);
}

#[test]
fn rows_older_than_the_profile_keeps_them_are_removed_by_the_tick() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(1), Some(0));
    let id = acme.create_user("ada", "user").expect(201).id();
    acme.create_user("ben", "user").expect(403);
    rows_when(&gateway, &acme, &[], 2);
    set(&gateway, &acme, "log.keep_days=1");
    tick(&gateway);
    assert_eq!(rows(&gateway, &acme, &[]).len(), 2);
    clock.set("+36h");
    let kept = acme.patch(&format!("/Users/{id}"), &replace("title", "Dr")).expect(200);
    tick(&gateway);
    let left = rows(&gateway, &acme, &[]);
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0]["request_id"], kept.header("x-request-id").unwrap());
    // The next record goes on counting.
    let number = left[0]["number"].as_i64().unwrap();
    acme.delete(&format!("/Users/{id}")).expect(204);
    assert!(rows(&gateway, &acme, &[])[0]["number"].as_i64() > Some(number));
}
