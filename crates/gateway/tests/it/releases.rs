//! Stores that an earlier release has written are upgraded by this one. `crates/gateway/tests/releases/` keeps the stores of each
//! release as SQL; `USHER_WRITE_RELEASE=2026-11-28 cargo nextest run -p gateway -E 'test(stores_of_every_release)'` adds those of
//! this one, before it is released.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Setup, Tenant};

use crate::{
    copies::furnish,
    running::{BINARY, gateway, sql},
};

/// Names the release to be written.
const VARIABLE: &str = "USHER_WRITE_RELEASE";

fn releases() -> PathBuf {
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
fn make(release: &Path, data: &Path) {
    DirBuilder::new().recursive(true).mode(0o700).create(data.join("ire/tenants")).unwrap();
    for file in fs::read_dir(release).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "sql") {
            let stem = file.file_stem().unwrap().to_str().unwrap();
            let folder = if stem == "registry" { "ire" } else { "ire/tenants" };
            sql(&data.join(folder).join(format!("{stem}.db")), &format!(".read {}", file.display()));
        }
    }
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
        let kept: Value = serde_json::from_slice(&fs::read(release.join("kept.json")).unwrap()).unwrap();
        let acme = Tenant {
            base_url: format!("{}/ire/acme/scim/v2", gateway.url),
            token: kept["token"].as_str().unwrap().to_owned(),
            region: "ire".to_owned(),
            key: "acme".to_owned(),
        };
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

/// So many tenants, unless the variable says how many.
const TENANTS: usize = 10_000;

/// Names how many tenants the figures are of.
const TENANTS_VARIABLE: &str = "USHER_FIGURES_TENANTS";

/// What a command took: seconds, and the most memory of its process, in MiB.
fn measure(gateway: &Gateway, words: &[&str]) -> String {
    let data = gateway.data_dir();
    let mut command = Command::new(BINARY);
    command.args(words).env("USHER__DATA_DIR", &data).stdout(Stdio::null());
    let (began, mut peak_kib) = (Instant::now(), 0);
    let mut process = command.spawn().unwrap();
    while process.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak_kib = line.trim_end_matches("kB").trim().parse::<u64>().unwrap_or(peak_kib);
        thread::sleep(Duration::from_millis(10));
    }
    assert!(process.wait().unwrap().success());
    format!("{:.2} s, {} MiB", began.elapsed().as_secs_f64(), peak_kib / 1024)
}

/// Sends look-ups of one tenant until the end; the 99th percentile.
fn p99(acme: &Tenant, ended: &AtomicBool) -> Duration {
    let mut took = Vec::new();
    while took.is_empty() || !ended.load(Ordering::Relaxed) {
        let began = Instant::now();
        acme.get("/Users?count=1").expect(200);
        took.push(began.elapsed());
        thread::sleep(Duration::from_millis(1));
    }
    took.sort();
    took[took.len() * 99 / 100]
}

#[test]
#[ignore = "figures, on a quiet machine: cargo nextest run --release -p gateway --run-ignored only -E 'test(figures_of)' --no-capture"]
fn figures_of_migrations_and_backups_of_ten_thousand_files() {
    let tenants = std::env::var(TENANTS_VARIABLE).map_or(TENANTS, |number| number.parse().unwrap());
    let mut all: Vec<PathBuf> =
        fs::read_dir(releases()).unwrap().map(|release| release.unwrap().path()).collect();
    all.sort();
    let oldest = &all[0];
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    make(oldest, &data);
    let (registry, stores) = (data.join("ire/registry.db"), data.join("ire/tenants"));
    let store = fs::read_dir(&stores).unwrap().next().unwrap().unwrap().path();
    let mut rows = String::from("BEGIN;\n");
    for n in 0..tenants {
        let id = format!("01a00000-0000-7000-8000-{n:012}");
        fs::copy(&store, stores.join(format!("{id}.db"))).unwrap();
        rows += &format!(
            "INSERT INTO tenants SELECT '{id}', 't{n}', 't{n}', state, profile, settings, created_ms, cell, schema, store_version \
             FROM tenants WHERE company_key = 'acme';\n"
        );
    }
    let script = folder.path().join("rows.sql");
    fs::write(&script, rows + "COMMIT;\n").unwrap();
    sql(&registry, &format!(".read {}", script.display()));
    let gateway = Gateway::set_up(BINARY, Setup { folder: Some(folder.path()), ..Setup::default() });
    let kept: Value = serde_json::from_slice(&fs::read(oldest.join("kept.json")).unwrap()).unwrap();
    let acme = Tenant {
        base_url: format!("{}/ire/acme/scim/v2", gateway.url),
        token: kept["token"].as_str().unwrap().to_owned(),
        region: "ire".to_owned(),
        key: "acme".to_owned(),
    };
    let beside = |what: &str, words: &[&str]| {
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let probe = scope.spawn(|| p99(&acme, &ended));
            let took = measure(&gateway, words);
            ended.store(true, Ordering::Relaxed);
            println!("{what}: {took}; p99 of another tenant meanwhile {:?}", probe.join().unwrap());
        });
    };
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let alone = scope.spawn(|| p99(&acme, &ended));
        thread::sleep(Duration::from_secs(5));
        ended.store(true, Ordering::Relaxed);
        println!(
            "{tenants} files of {}; p99 of one tenant alone {:?}",
            oldest.display(),
            alone.join().unwrap()
        );
    });
    let backup = folder.path().join("backup");
    beside("usher migrate", &["migrate", "--json"]);
    beside("usher migrate when none is behind", &["migrate", "--json"]);
    beside("the first backup", &["backup", "--to", backup.to_str().unwrap(), "--json"]);
    // A file that changed less than two seconds before a run counts as changed.
    thread::sleep(Duration::from_secs(3));
    acme.create_user("changed", "").expect(201);
    beside("a backup after few changes", &["backup", "--to", backup.to_str().unwrap(), "--json"]);
}
