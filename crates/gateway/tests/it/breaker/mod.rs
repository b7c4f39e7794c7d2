//! The breaker on mass loss: from some number on, losses of access are stored and returned, and seat and role stay.

mod acts;
mod deletions;
mod holds;
mod processes;
mod settings;

use serde_json::{Value, json};
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
    http::Answer,
};

use crate::{
    people::said,
    running::{SEAT, replace, wait_for},
};

#[track_caller]
fn show(gateway: &Gateway, tenant: &Tenant) -> Value {
    said(gateway, tenant, &["breaker", "show"])
}

/// Turns the breaker on, for windows of an hour.
#[track_caller]
fn on(gateway: &Gateway, tenant: &Tenant, people: i64, percent: i64) -> Value {
    let limits = json!({ "people": people, "percent": percent, "minutes": 60 });
    gateway.admin("PATCH", &format!("{}/breaker", tenant.admin_path()), Some(&limits)).expect(200).body
}

/// So many people with a seat of the license Member.
fn people(tenant: &Tenant, number: usize) -> Vec<String> {
    (0..number).map(|nth| tenant.create_user(&format!("user{nth}"), "user").expect(201).id()).collect()
}

fn path(id: &str) -> String {
    format!("/Users/{id}")
}

#[track_caller]
fn suspend(tenant: &Tenant, id: &str) -> Answer {
    let answer = tenant.patch(&path(id), &replace("active", false)).expect(200);
    assert_eq!(answer.body["active"], false);
    answer
}

#[track_caller]
fn state(tenant: &Tenant, id: &str) -> String {
    tenant.get(&path(id)).expect(200).body[SEAT]["state"].as_str().unwrap().to_owned()
}

/// How many seats of the license Member are in use.
#[track_caller]
fn used(gateway: &Gateway, tenant: &Tenant) -> i64 {
    gateway.audit(tenant);
    gateway.seats(tenant)["member"]["used"].as_i64().unwrap()
}

/// The rows of the log with these words.
#[track_caller]
fn rows(gateway: &Gateway, tenant: &Tenant, words: &[&str]) -> Vec<Value> {
    let log = said(gateway, tenant, &[&["log", "--limit", "1000"], words].concat());
    log["rows"].as_array().unwrap().clone()
}

/// How many people wait.
#[track_caller]
fn held(gateway: &Gateway, tenant: &Tenant) -> i64 {
    show(gateway, tenant)["held"]["people"].as_i64().unwrap()
}

/// Sets the clock on, and waits until the window that runs is over. The store's own time goes with its
/// writes, and never back: this person is changed.
#[track_caller]
fn outlast(gateway: &Gateway, tenant: &Tenant, clock: &MachineClock, offset: &str, id: &str) {
    let ends = show(gateway, tenant)["window"]["ends"].as_str().unwrap().to_owned();
    clock.set(offset);
    wait_for("a write after the window", || {
        let changed = tenant.patch(&path(id), &replace("title", "Dr")).expect(200).body;
        tenant.patch(&path(id), &replace("title", "Mr")).expect(200);
        changed["meta"]["lastModified"].as_str() > Some(ends.as_str())
    });
    wait_for("the end of the window", || show(gateway, tenant)["window"] == Value::Null);
}

/// What staff did, newest first.
#[track_caller]
fn acts(gateway: &Gateway, tenant: &Tenant) -> Vec<Value> {
    let tenant = format!("{}/{}", tenant.region, tenant.key);
    let acts = gateway.cli_ok(&["acts", "--tenant", &tenant, "--json"]);
    serde_json::from_str(&acts).unwrap()
}
