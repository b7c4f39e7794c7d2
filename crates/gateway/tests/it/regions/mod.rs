//! A region is a boundary of failure, and a tenant in it another: what is damaged, gone, full or not to be removed is told as that,
//! and everybody else is served.

mod damage;
mod deletion;
mod down;
mod full_disk;
mod limit;
mod profiles;

use std::{
    fs,
    path::{Path, PathBuf},
};

use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
};

use crate::running::gateway;

/// A gateway with a tenant in each of two regions.
fn two_regions() -> (Gateway, Tenant, Tenant) {
    let gateway = gateway();
    let (acme, other) =
        (gateway.tenant("ire", "acme", None, None), gateway.tenant("us", "other", None, None));
    (gateway, acme, other)
}

/// The files of the tenants of a region, oldest first.
fn stores(gateway: &Gateway, region: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(gateway.data_dir().join(region).join("tenants")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let mut stores: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "db")).collect();
    // Ids are time-ordered.
    stores.sort();
    stores
}

/// A file beside another: `x.db` and `-wal` are `x.db-wal`.
fn beside(path: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", path.display()))
}

/// Asserts the answer to a tenant whose data cannot be reached.
#[track_caller]
fn assert_unreachable(answer: Answer) {
    let told = answer.expect_error(503, "");
    assert!(told.header("retry-after").is_some(), "{:?}", told.headers);
    for secret in ["sqlite", "/tmp/", "registry", ".db"] {
        assert!(!told.text.contains(secret), "{}", told.text);
    }
}

/// The text of `/readyz`, with its status.
fn ready(gateway: &Gateway) -> (u16, String) {
    let answer = Request::new("GET", &format!("{}/readyz", gateway.url)).send();
    (answer.status, answer.text)
}
