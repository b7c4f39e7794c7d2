//! What must not succeed. Each test bears the number of its row in the list of attacks; here is what they share.

mod bodies;
mod credentials;
mod dialects;
mod disagreements;
pub(crate) mod faults;
mod filters;
mod framing;
mod headers;
mod identity;
mod inventory;
mod isolation;
mod lifecycle;
mod limits;
mod names;
mod paging;
mod secrets;
mod slow_clients;
mod traces;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
};

use crate::running::{gateway, gateway_with, sql};
use testkit::urn::{GROUP, SEARCH_REQUEST, USER};

/// A path that is well-formed and names nothing.
const NOBODY: &str = "/Users/00000000-0000-7000-8000-000000000000";

/// A tenant with seats for everybody.
fn roomy(gateway: &Gateway, region: &str, key: &str) -> Tenant {
    gateway.tenant(region, key, None, None)
}

/// The body of a user with further attributes.
fn user(user_name: &str, more: &Value) -> Value {
    merged(json!({ "schemas": [USER], "userName": user_name }), more)
}

/// The body of a group with these members.
fn group(display_name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [GROUP], "displayName": display_name, "members": members })
}

fn merged(mut body: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key.as_str()] = value.clone();
    }
    body
}

/// One PATCH operation; a null value stands for none.
fn operation(op: &str, path: &str, value: Value) -> Value {
    let mut operation = json!({ "op": op, "path": path });
    if !value.is_null() {
        operation["value"] = value;
    }
    json!([operation])
}

/// LEAK: nothing of how the program is made, of its host or of the given secrets stands in the answer.
#[track_caller]
fn assert_no_leak(answer: &Answer, secrets: &[&str]) {
    let whole = format!("{:?}\n{}", answer.headers, answer.text);
    let tells =
        ["panicked", "SELECT ", "INSERT ", "sqlite", "SQLite", "diesel", ".rs:", "/tmp/", "stack backtrace"];
    for tell in tells.iter().chain(secrets) {
        assert!(!whole.contains(tell), "{tell} is told in {whole}");
    }
}

/// What two answers must have in common to be one and the same: all but the request's own id and time.
pub(crate) fn face(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers = answer.headers.clone();
    // Whether the connection stays open depends on whether the body had come by then: chance, not the credential.
    headers.retain(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id" | "connection"));
    headers.sort();
    (answer.status, headers, answer.without_reference())
}

/// Everything that a user of this tenant is, as its own token reads it.
fn everything(tenant: &Tenant) -> Vec<Value> {
    ["/Users?count=1000", "/Groups?count=1000"].map(|path| tenant.get(path).expect(200).body).to_vec()
}

/// All files below a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    String::from_utf8_lossy(haystack).contains(needle)
}

/// The files below a directory that hold this text.
fn files_with(directory: &Path, text: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| contains(&std::fs::read(path).unwrap_or_default(), text);
    files(directory).into_iter().filter(holds).collect()
}

/// The main file of a tenant's store: the newest below the region's directory, so ask before the next tenant is made.
fn newest_store(gateway: &Gateway, region: &str) -> PathBuf {
    let stores = files(&gateway.data_dir().join(region).join("tenants"));
    let mut stores: Vec<PathBuf> = stores.into_iter().filter(|p| !is_companion(p)).collect();
    // Ids are time-ordered.
    stores.sort();
    stores.pop().unwrap()
}

/// SQLite's own files beside a store: the write-ahead log and its index.
fn is_companion(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with("-wal") || name.ends_with("-shm")
}

/// Connections of clients that the gateway has not closed. Those to PostgreSQL come and go with its pools.
fn sockets(gateway: &Gateway) -> usize {
    let port: u16 = gateway.url.rsplit(':').next().unwrap().parse().unwrap();
    let (here, listening) = (format!(":{port:04X}"), "0A");
    let table = std::fs::read_to_string(format!("/proc/{}/net/tcp", gateway.pid())).unwrap();
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    // Without an inode the kernel alone still knows the connection.
    rows.filter(|row| row[1].ends_with(&here) && row[3] != listening && row[9] != "0").count()
}
