//! Copies of tenants: exports and imports, backups of the data directory and what is restored from them.

mod backups;
mod drill;
mod exports;
mod moved_credentials;
mod mover_killed;
mod moves;
mod moves_under_load;
mod one_tenant;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Setup, Tenant};

use crate::running::{BINARY, GROUP, new_group};

/// Users, groups in groups, seats and a queue, a schema of its own, revoked and live tokens.
pub(crate) fn furnish(gateway: &Gateway, tenant: &Tenant) {
    let schema = json!({
        "id": "urn:example:hr:2.0:User", "name": "HR",
        "attributes": [{ "name": "badge", "type": "string", "multiValued": false }],
    });
    gateway
        .admin("POST", &format!("{}/schemas", tenant.admin_path()), Some(&json!({ "schema": schema })))
        .expect(201);
    let mut ids = Vec::new();
    for (n, name) in
        ["ada", "ÅSA ﬀ", "it's \"quoted\" \\ back", "日本語 😀", "e\u{301} \u{2028} x"].iter().enumerate()
    {
        let body = json!({
            "schemas": [crate::running::USER, "urn:example:hr:2.0:User"], "userName": name, "externalId": format!("x{n}"),
            "emails": [{ "value": format!("u{n}@acme.example"), "type": "work", "primary": true }],
            "urn:example:hr:2.0:User": { "badge": "007" },
        });
        ids.push(tenant.post("/Users", &body).expect(201).id());
    }
    let everybody: Vec<&str> = ids.iter().map(String::as_str).collect();
    let inner = new_group(tenant, "inner", &everybody);
    new_group(tenant, "outer", &[&inner]);
    tenant
        .patch(&format!("/Users/{}", ids[0]), &json!([{ "op": "replace", "path": "active", "value": false }]))
        .expect(200);
    tenant.delete(&format!("/Users/{}", ids[1])).expect(204);
}

/// Two Member seats, so that some of the users wait for one.
fn furnished(gateway: &Gateway, region: &str, key: &str) -> Tenant {
    let tenant = gateway.tenant(region, key, Some(2), None);
    furnish(gateway, &tenant);
    tenant
}

fn export(gateway: &Gateway, tenant: &Tenant, file: &Path) -> String {
    let _ = fs::remove_file(file);
    gateway.cli_ok(&[
        "tenant",
        "export",
        "--region",
        &tenant.region,
        "--key",
        &tenant.key,
        "--to",
        file.to_str().unwrap(),
    ]);
    fs::read_to_string(file).unwrap()
}

/// The rows of an export.
fn rows(export: &str) -> Vec<&str> {
    let rows = export.lines().filter(|line| line.starts_with("{\"table\":"));
    // What is remembered of requests is written later than they are answered.
    rows.filter(|line| !line.starts_with("{\"table\":\"traffic\"")).collect()
}

/// The rows of a tenant now.
fn rows_of(gateway: &Gateway, tenant: &Tenant) -> Vec<String> {
    let file = gateway.data_dir().with_file_name("rows.jsonl");
    rows(&export(gateway, tenant, &file)).into_iter().map(str::to_owned).collect()
}

/// Runs a backup beside the gateway; what it tells.
fn back_up(gateway: &Gateway, folder: &Path) -> Value {
    serde_json::from_str(&gateway.cli_ok(&["backup", "--to", folder.to_str().unwrap(), "--json"])).unwrap()
}

/// Restores a backup into a new directory and serves it.
fn restored(gateway: &Gateway, backup: &Path, name: &str, words: &[&str]) -> Gateway {
    let folder = gateway.data_dir().with_file_name(name);
    fs::create_dir(&folder).unwrap();
    let data = folder.join("data");
    let all = ["restore", "--from", backup.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    gateway.cli_ok(&all.into_iter().chain(words.iter().copied()).collect::<Vec<_>>());
    Gateway::set_up(BINARY, Setup { folder: Some(&folder), ..Setup::default() })
}

/// The tenant as another gateway serves it.
fn at(gateway: &Gateway, tenant: &Tenant) -> Tenant {
    Tenant { base_url: format!("{}/{}/{}/scim/v2", gateway.url, tenant.region, tenant.key), ..tenant.clone() }
}

fn stderr(gateway: &Gateway, words: &[&str]) -> String {
    let output = gateway.cli(words);
    assert!(!output.status.success(), "{words:?} succeeded");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.trim_end().lines().count(), 1, "one sentence: {told}");
    told
}

/// Every file below a directory, sorted.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Ends the loops of other threads, also when the test fails.
struct Ending<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

/// A group that shows that writes go on.
fn touch(tenant: &Tenant, name: &str) -> u16 {
    tenant.post("/Groups", &json!({ "schemas": [GROUP], "displayName": name })).status
}
