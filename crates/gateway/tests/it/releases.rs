//! Stores that an earlier release has written are upgraded by this one. `crates/gateway/tests/releases/` keeps the stores of each
//! release as SQL; `USHER_WRITE_RELEASE=2026-11-28 cargo nextest run -p gateway -E 'test(stores_of_every_release)'` adds those of
//! this one, before it is released.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Setup, Tenant};

use crate::{
    copies::furnish,
    running::{BINARY, gateway, sql},
};

/// Names the release to be written.
const VARIABLE: &str = "USHER_WRITE_RELEASE";

pub(crate) fn releases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/releases")
}

/// What the stores must hold, whatever their form is.
fn facts(gateway: &Gateway, acme: &Tenant) -> Value {
    let names = |list: &str, name: &str| {
        let list = acme.get(&format!("/{list}?count=1000&sortBy=id")).expect(200).body;
        let names = list["Resources"].as_array().unwrap().iter().map(|resource| {
            json!({ "id": resource["id"], "name": resource[name], "version": resource["meta"]["version"], "active": resource["active"] })
        });
        names.collect::<Vec<_>>()
    };
    let changes =
        gateway.admin("GET", &format!("{}/changes?limit=1000", acme.admin_path()), None).expect(200);
    let tokens = gateway.admin("GET", &format!("{}/tokens", acme.admin_path()), None).expect(200);
    json!({
        "users": names("Users", "userName"),
        "groups": names("Groups", "displayName"),
        "seats": gateway.seats(acme)["member"]["used"],
        "changes": changes.body.as_array().unwrap().len(),
        "tokens": tokens.body.as_array().unwrap().len(),
    })
}

fn write(folder: &Path) {
    let mut gateway = gateway();
    let acme = gateway.tenant("ire", "acme", Some(2), None);
    furnish(&gateway, &acme);
    fs::create_dir_all(folder).unwrap();
    // It opens a tenant of a test, and nothing else.
    let kept = json!({ "token": acme.token, "facts": facts(&gateway, &acme) });
    let (registry, store) = (gateway.data_dir().join("ire/registry.db"), gateway.only_store("ire"));
    assert_eq!(gateway.stop(), Some(0));
    fs::write(folder.join("registry.sql"), sql(&registry, ".dump")).unwrap();
    let name = store.file_stem().unwrap().to_str().unwrap();
    fs::write(folder.join(format!("{name}.sql")), sql(&store, ".dump")).unwrap();
    fs::write(folder.join("kept.json"), format!("{kept:#}\n")).unwrap();
}

/// Makes the stores of a release in a data directory.
pub(crate) fn make(release: &Path, data: &Path) {
    DirBuilder::new().recursive(true).mode(0o700).create(data.join("ire/tenants")).unwrap();
    for file in fs::read_dir(release).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "sql") {
            let stem = file.file_stem().unwrap().to_str().unwrap();
            let folder = if stem == "registry" { "ire" } else { "ire/tenants" };
            sql(&data.join(folder).join(format!("{stem}.db")), &format!(".read {}", file.display()));
        }
    }
}

/// The tenant of a release, and what it wrote down.
pub(crate) fn tenant_of(release: &Path, gateway: &Gateway) -> (Tenant, Value) {
    let kept: Value = serde_json::from_slice(&fs::read(release.join("kept.json")).unwrap()).unwrap();
    let acme = Tenant {
        base_url: format!("{}/ire/acme/scim/v2", gateway.url),
        token: kept["token"].as_str().unwrap().to_owned(),
        region: "ire".to_owned(),
        key: "acme".to_owned(),
    };
    (acme, kept)
}

#[test]
fn the_stores_of_every_release_are_upgraded_and_hold_what_they_held() {
    if let Ok(release) = std::env::var(VARIABLE) {
        write(&releases().join(release));
    }
    let mut tried = 0;
    for release in fs::read_dir(releases()).unwrap().map(|release| release.unwrap().path()) {
        let folder = tempfile::tempdir().unwrap();
        make(&release, &folder.path().join("data"));
        let gateway = Gateway::set_up(BINARY, Setup { folder: Some(folder.path()), ..Setup::default() });
        let (acme, kept) = tenant_of(&release, &gateway);
        assert_eq!(facts(&gateway, &acme), kept["facts"], "{}", release.display());
        gateway.audit(&acme);
        acme.create_user("after", "").expect(201);
        gateway.audit(&acme);
        let migrated: Value = serde_json::from_str(&gateway.cli_ok(&["migrate", "--json"])).unwrap();
        assert_eq!(migrated["behind"], 0);
        tried += 1;
    }
    assert!(tried > 0, "no release is kept");
}
