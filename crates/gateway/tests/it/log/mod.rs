//! The provisioning log: one row for each answered write.

mod explain;
mod people;
mod reading;
mod rows;
mod stories;

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
};

use crate::running::wait_for;

/// The log as `usher log --json` with these words prints it.
fn log(gateway: &Gateway, tenant: &Tenant, words: &[&str]) -> Value {
    let target = ["log", "--region", &tenant.region, "--key", &tenant.key, "--json"];
    serde_json::from_str(&gateway.cli_ok(&[&target, words].concat())).unwrap()
}

/// Its rows, newest first.
fn rows(gateway: &Gateway, tenant: &Tenant, words: &[&str]) -> Vec<Value> {
    log(gateway, tenant, words)["rows"].as_array().unwrap().clone()
}

/// Its rows as soon as there are so many: refused writes are written a moment later.
#[track_caller]
pub(crate) fn rows_when(gateway: &Gateway, tenant: &Tenant, words: &[&str], number: usize) -> Vec<Value> {
    let mut found = Vec::new();
    wait_for("rows of the log", || {
        found = rows(gateway, tenant, words);
        found.len() >= number
    });
    assert_eq!(found.len(), number, "{found:#?}");
    found
}

/// The row of an answer.
#[track_caller]
fn row_of(gateway: &Gateway, tenant: &Tenant, answer: &Answer) -> Value {
    let id = answer.header("x-request-id").unwrap().to_owned();
    let mut found = None;
    wait_for("the row of a write", || {
        found = rows(gateway, tenant, &[]).into_iter().find(|row| row["request_id"] == id);
        found.is_some()
    });
    found.unwrap()
}

/// A row without what each run has anew.
#[track_caller]
fn told(row: &Value) -> Value {
    let mut told = row.as_object().unwrap().clone();
    told.remove("number");
    for name in ["id", "at", "request_id", "credential"] {
        assert!(told.remove(name).is_some_and(|value| !value.is_null()), "{name} of {row}");
    }
    Value::Object(told)
}

/// A request as Okta sends it.
pub(crate) fn from_okta(tenant: &Tenant, method: &str, path: &str) -> Request {
    tenant.request(method, path).header("User-Agent", "Okta SCIM Client 1.0.0")
}

/// The members of a row of which nothing is known.
fn nothing() -> Value {
    json!({ "received": null, "source": null, "before": null, "after": null })
}
