//! Undo: what a run of writes changed is given back, where nothing has changed it since, and the rest is listed.

mod bounds;
mod groups;
mod held;
mod kept;
mod names;
mod runs;
mod seats;

use std::{thread::sleep, time::Duration};

use provisioning::timestamp::iso;
use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
};

use crate::{log::from_okta, people::said, running::stored};

/// A moment after all writes so far and before all that follow.
fn moment() -> String {
    let apart = Duration::from_millis(5);
    sleep(apart);
    let now = in_minutes(0);
    sleep(apart);
    now
}

/// The time that is so many minutes from now.
fn in_minutes(minutes: u64) -> String {
    let then = std::time::SystemTime::now() + Duration::from_secs(60 * minutes);
    let then = then.duration_since(std::time::UNIX_EPOCH).unwrap();
    iso(i64::try_from(then.as_millis()).unwrap())
}

/// The answer of `usher undo --json` with these words.
#[track_caller]
fn undo(gateway: &Gateway, tenant: &Tenant, since: &str, words: &[&str]) -> Value {
    let target = ["undo", "--region", &tenant.region, "--key", &tenant.key, "--json", "--since", since];
    let done = serde_json::from_str(&gateway.cli_ok(&[&target, words].concat())).unwrap();
    gateway.audit(tenant);
    done
}

/// The names of those who wait for a seat, in the order of the queue.
#[track_caller]
pub(crate) fn queue(gateway: &Gateway, tenant: &Tenant) -> Vec<String> {
    let waiting = said(gateway, tenant, &["seats", "waiting"]);
    waiting.as_array().unwrap().iter().map(|one| one["user_name"].as_str().unwrap().to_owned()).collect()
}

/// An undo over HTTP.
fn post(gateway: &Gateway, tenant: &Tenant, body: &Value) -> Answer {
    gateway.admin("POST", &format!("{}/undo", tenant.admin_path()), Some(body))
}

/// What was not given back: of whom, which attribute, why.
#[track_caller]
fn not_restored(done: &Value) -> Vec<[String; 3]> {
    let rows = done["not_restored"].as_array().unwrap().iter();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or("-").to_owned();
    rows.map(|row| ["user_name", "attribute", "reason"].map(|name| text(row, name))).collect()
}

/// The tenant as another client than Okta reaches it: a credential is one identity provider's.
#[track_caller]
fn another(gateway: &Gateway, tenant: &Tenant) -> Tenant {
    let issued = gateway.admin("POST", &format!("{}/tokens", tenant.admin_path()), None).expect(201);
    Tenant { token: issued.body["token"].as_str().unwrap().to_owned(), ..tenant.clone() }
}

/// A PATCH as Okta sends it.
#[track_caller]
fn patch_from_okta(tenant: &Tenant, path: &str, operations: &Value) {
    let urn = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    let body = json!({ "schemas": [urn], "Operations": operations });
    let answer = from_okta(tenant, "PATCH", path).json(&body).send();
    assert!([200, 204].contains(&answer.status), "{}", answer.text);
}

/// The tables that an undo gives back.
const TABLES: [&str; 10] = [
    "users",
    "groups",
    "memberships",
    "nested_groups",
    "user_emails",
    "unique_claims",
    "directory_totals",
    "group_rules",
    "seats",
    "archived_users",
];

/// Versions and times, by whatever name.
const VERSIONS_AND_TIMES: [&str; 8] = [
    "version",
    "modified_ms",
    "regrouped_version",
    "changed_number",
    "moved_number",
    "renamed_number",
    "since_ms",
    "origin_since_ms",
];

/// All that is stored of people, groups and seats, but versions and times.
fn dump(gateway: &Gateway, tenant: &Tenant) -> Vec<String> {
    let rows = stored(gateway, tenant).into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let mut rows: Vec<String> = rows
        .filter(|row| TABLES.contains(&row["table"].as_str().unwrap()))
        .map(|mut row| {
            without_times(&mut row);
            row.to_string()
        })
        .collect();
    rows.sort();
    assert!(!rows.is_empty());
    rows
}

fn without_times(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !VERSIONS_AND_TIMES.contains(&name.as_str()));
            members.values_mut().for_each(without_times);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_times),
        _ => {}
    }
}
