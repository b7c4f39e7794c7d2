//! `usher migrate` beside a process that serves: stores that an older release wrote, many of them, and `kill -9` in the middle.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use provisioning::TENANT_MIGRATIONS;
use serde_json::Value;
use store::{PostgresUrl, SchemaName, StoreLocation, StoreSettings, Stores};
use tempfile::TempDir;
use testkit::{
    database::Database,
    gateway::{Gateway, Setup, Tenant},
};

use crate::{
    releases::{make, releases, tenant_of},
    running::{BINARY, new_group, sql, wait_for},
};

/// How often a migration is killed.
const KILLS: usize = 10;

/// Tenants of the test with files: a kill comes after some of them.
const FILES: usize = 400;

/// Tenants of the test with schemas.
const SCHEMAS: usize = 30;

/// So many tenants have the figures, unless the variable says how many.
const TENANTS: usize = 10_000;

/// Names how many tenants the figures are of.
const TENANTS_VARIABLE: &str = "USHER_FIGURES_TENANTS";

/// A data directory with many tenants whose stores the oldest release has written.
struct Files {
    release: PathBuf,
    folder: TempDir,
}

impl Files {
    /// The release's tenant and so many copies of it, `t0`, `t1`, …
    fn make(copies: usize) -> Self {
        let mut all: Vec<PathBuf> =
            fs::read_dir(releases()).unwrap().map(|release| release.unwrap().path()).collect();
        all.sort();
        let files = Self { release: all.remove(0), folder: tempfile::tempdir().unwrap() };
        make(&files.release, &files.folder.path().join("data"));
        let stores = files.stores();
        let store = fs::read_dir(&stores).unwrap().next().unwrap().unwrap().path();
        let mut rows = String::from("BEGIN;\n");
        for n in 0..copies {
            let id = format!("01a00000-0000-7000-8000-{n:012}");
            fs::copy(&store, stores.join(format!("{id}.db"))).unwrap();
            rows += &format!(
                "INSERT INTO tenants SELECT '{id}', 't{n}', 't{n}', state, profile, settings, created_ms, cell, schema, store_version \
                 FROM tenants WHERE company_key = 'acme';\n"
            );
        }
        let script = files.folder.path().join("rows.sql");
        fs::write(&script, rows + "COMMIT;\n").unwrap();
        sql(&files.registry(), &format!(".read {}", script.display()));
        files
    }

    fn stores(&self) -> PathBuf {
        self.folder.path().join("data/ire/tenants")
    }

    fn registry(&self) -> PathBuf {
        self.folder.path().join("data/ire/registry.db")
    }

    fn start(&self) -> Gateway {
        Gateway::set_up(BINARY, Setup { folder: Some(self.folder.path()), ..Setup::default() })
    }
}

/// Starts `usher migrate` again and again and kills each when it has migrated a store or more; then lets one come to its end.
fn kill_and_complete(gateway: &Gateway, behind: impl Fn() -> i64) {
    for round in 0..KILLS {
        let before = behind();
        assert!(before > 0, "nothing was left to migrate in round {round}");
        let mut migrate = gateway.cli_process(&["migrate", "--json"]);
        wait_for("a store is migrated", || behind() < before);
        migrate.kill().unwrap();
        migrate.wait().unwrap();
    }
    println!("{} stores are behind after {KILLS} kills", behind());
    let output = gateway.cli_process(&["migrate", "--json"]).wait_with_output().unwrap();
    let migrated: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(migrated["behind"], 0);
    assert_eq!(behind(), 0);
}

#[test]
fn a_migration_of_files_that_is_killed_ten_times_leaves_none_half_migrated() {
    let files = Files::make(FILES);
    let gateway = files.start();
    let (acme, kept) = tenant_of(&files.release, &gateway);
    acme.create_user("served meanwhile", "").expect(201);
    let newest = TENANT_MIGRATIONS.last().unwrap().version;
    let behind = format!("SELECT COUNT(*) FROM tenants WHERE store_version <> '{newest}'");
    kill_and_complete(&gateway, || sql(&files.registry(), &behind).trim().parse().unwrap());
    let form = |store: &PathBuf| {
        sql(
            store,
            "PRAGMA integrity_check; SELECT sql FROM sqlite_schema ORDER BY name; SELECT COUNT(*) FROM users",
        )
    };
    let mut forms: Vec<String> = (0..FILES)
        .map(|n| form(&files.stores().join(format!("01a00000-0000-7000-8000-{n:012}.db"))))
        .collect();
    forms.dedup();
    assert_eq!(forms.len(), 1, "{forms:#?}");
    assert!(forms[0].starts_with("ok\n"), "{}", forms[0]);
    let users = kept["facts"]["users"].as_array().unwrap().len();
    assert!(forms[0].ends_with(&format!("\n{users}\n")), "{}", forms[0]);
    gateway.audit(&Tenant { key: "t7".to_owned(), ..acme });
}

#[test]
fn a_migration_of_schemas_that_is_killed_ten_times_leaves_none_half_migrated() {
    let database = Arc::new(Database::create());
    let setup = Setup { database: Some(Arc::clone(&database)), ..Setup::default() };
    let gateway = Gateway::set_up(BINARY, setup);
    let tenants: Vec<Tenant> =
        (0..SCHEMAS).map(|n| gateway.tenant("ire", &format!("t{n}"), None, None)).collect();
    // Each schema becomes one of an older release.
    let older = &TENANT_MIGRATIONS[..TENANT_MIGRATIONS.len() - 2];
    let schemas = database.schemas("tenant_ire_");
    assert_eq!(schemas.len(), SCHEMAS);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let stores = Stores::new(StoreSettings::default()).unwrap();
        for schema in &schemas {
            let (cell, schema) =
                (PostgresUrl::new(&database.url()).unwrap(), SchemaName::new(schema).unwrap());
            let location = StoreLocation::Postgres { cell, schema };
            stores.destroy(&location).await.unwrap();
            stores.create(&location, older).await.unwrap();
        }
        stores.shutdown().await;
    });
    let registry = &database.schemas("registry_ire")[0];
    let (old, newest) = (older.last().unwrap().version, TENANT_MIGRATIONS.last().unwrap().version);
    database.execute(&format!("UPDATE \"{registry}\".tenants SET store_version = '{old}'"));
    let behind =
        format!("SELECT COUNT(*) AS number FROM \"{registry}\".tenants WHERE store_version <> '{newest}'");
    kill_and_complete(&gateway, || database.count(&behind));
    let forms = database.count(
        "SELECT COUNT(DISTINCT form) AS number FROM (SELECT string_agg(table_name || '.' || column_name || ' ' || data_type, ',' \
         ORDER BY table_name, column_name) AS form FROM information_schema.columns \
         WHERE starts_with(table_schema, 'tenant_ire_') GROUP BY table_schema) AS of_each",
    );
    assert_eq!(forms, 1);
    for tenant in &tenants {
        new_group(tenant, "after", &[]);
        gateway.audit(tenant);
    }
}

/// What a command took: seconds, and the most memory of its process, in MiB.
fn measure(gateway: &Gateway, words: &[&str]) -> String {
    let (began, mut peak_kib) = (Instant::now(), 0);
    let mut process = gateway.cli_process(words);
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
    let files = Files::make(tenants);
    let gateway = files.start();
    let (acme, _kept) = tenant_of(&files.release, &gateway);
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
            files.release.display(),
            alone.join().unwrap()
        );
    });
    let backup = files.folder.path().join("backup");
    beside("usher migrate", &["migrate", "--json"]);
    beside("usher migrate when none is behind", &["migrate", "--json"]);
    beside("the first backup", &["backup", "--to", backup.to_str().unwrap(), "--json"]);
    // A file that changed less than two seconds before a run counts as changed.
    thread::sleep(Duration::from_secs(3));
    acme.create_user("changed", "").expect(201);
    beside("a backup after few changes", &["backup", "--to", backup.to_str().unwrap(), "--json"]);
}
