//! Our own recordings of what identity providers send (`docs` of the format: `testkit::recordings`), a folder for each. One
//! tenant for all cases of a folder, as a provider has one.

use std::path::Path;

use testkit::{
    gateway::{Gateway, Tenant},
    recordings::play_folder,
};

use crate::running::{acme, entitled, gateway};

/// Plays a folder of recordings under the default profile; `cases` is how many there are at least, so that none gets lost unseen.
fn play(folder: &str, cases: usize) {
    let (gateway, tenant) = acme(Some(2_000), Some(2_000));
    play_to(&gateway, &tenant, folder, cases);
}

fn play_to(gateway: &Gateway, tenant: &Tenant, folder: &str, cases: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/idp").join(folder);
    let report = play_folder(&path, tenant);
    assert!(report.failures.is_empty(), "{} failed:\n{}", report.failures.len(), report.failures.join("\n"));
    assert!(report.played >= cases, "only {} cases were played", report.played);
    gateway.audit(tenant);
}

#[test]
fn okta() {
    play("okta", 43);
}

#[test]
fn mentimeter() {
    let gateway = gateway();
    play_to(&gateway, &entitled(&gateway, "menti", Some(2_000), Some(2_000)), "mentimeter", 1);
}

#[test]
fn entra() {
    play("entra", 80);
}

#[test]
fn onelogin() {
    play("onelogin", 11);
}

#[test]
fn other_providers() {
    play("other", 29);
}
