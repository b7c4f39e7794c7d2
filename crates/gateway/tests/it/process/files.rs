//! What becomes of a store whose disk or whose files fail under the running process.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::running::gateway;
use testkit::gateway::{Gateway, Tenant};

fn newest_store(gateway: &Gateway, region: &str) -> PathBuf {
    let entries = fs::read_dir(gateway.data_dir().join(region).join("tenants")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    // Ids are time-ordered.
    paths.filter(|path| path.extension().is_some_and(|end| end == "db")).max().unwrap()
}

fn user_names(tenant: &Tenant) -> BTreeSet<String> {
    let held = tenant.get("/Users?count=1000&attributes=userName").expect(200).body;
    let resources = held["Resources"].as_array().unwrap();
    resources.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

/// SQLite is built to flush with `fdatasync`: a fault that is injected elsewhere meets nothing.
#[test]
fn a_flush_that_fails_acknowledges_nothing_and_the_next_that_succeeds_does() {
    let mut gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    let store = newest_store(&gateway, "ire");
    acme.create_user("before", "").expect(201);
    assert_eq!(gateway.stop(), Some(0));

    let trace = gateway.data_dir().with_file_name("trace");
    let log = format!("{}-wal", store.display());
    // The first flushes of each thread fail.
    let inject = "inject=fdatasync:error=EIO:when=1..3";
    let words = ["-D", "-f", "-qq", "-P", &log, "-e", "trace=fdatasync,fsync", "-e", inject, "-o"];
    let words: Vec<&str> = words.into_iter().chain([trace.to_str().unwrap()]).collect();
    gateway.start_again_under("strace", &words);
    let mut acknowledged = BTreeSet::from(["before".to_owned()]);
    let mut refused = 0;
    for n in 0..40 {
        let name = format!("u{n}");
        let answer = acme.create_user(&name, "");
        match answer.status {
            201 => assert!(acknowledged.insert(name)),
            503 => {
                assert!(answer.header("retry-after").is_some());
                refused += 1;
            }
            other => panic!("{other} {}", answer.text),
        }
    }
    let injected = fs::read_to_string(&trace).unwrap();
    let injected = injected.lines().filter(|line| line.contains("INJECTED")).count();
    assert!(injected >= 3, "the fault was injected {injected} times: the log is flushed in another way");
    assert!(refused > 0 && acknowledged.len() > 1, "{refused} refused, {} acknowledged", acknowledged.len());
    let held = user_names(&acme);
    assert_eq!(held, acknowledged);
    gateway.audit(&acme);

    // A write that was refused may be found in the log after all; one that was acknowledged must be.
    gateway.kill();
    gateway.start_again();
    assert!(user_names(&acme).is_superset(&acknowledged));
    gateway.audit(&acme);
}

fn expect_gone(gateway: &Gateway, tenant: &Tenant) {
    for name in ["lost1", "lost2", "lost3"] {
        let refused = tenant.create_user(name, "").expect_error(503, "");
        assert!(refused.header("retry-after").is_some());
    }
    tenant.get("/Users").expect_error(503, "");
    tenant.find("/Users", "userName eq \"before\"").expect_error(503, "");
    let log = gateway.log();
    assert!(
        log.contains("ERROR") && log.contains("was moved, replaced or removed while it was open"),
        "{log}"
    );
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("aside")
}

#[test]
fn a_store_whose_file_is_renamed_is_503_until_it_is_put_back() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    let store = newest_store(&gateway, "ire");
    let other = gateway.tenant("ire", "other", None, None);
    for tenant in [&acme, &other] {
        tenant.create_user("before", "").expect(201);
    }
    fs::rename(&store, aside(&store)).unwrap();
    expect_gone(&gateway, &acme);
    other.create_user("meanwhile", "").expect(201);
    fs::rename(aside(&store), &store).unwrap();
    acme.create_user("after", "").expect(201);
    assert_eq!(user_names(&acme), BTreeSet::from(["after".to_owned(), "before".to_owned()]));
    gateway.audit(&acme);
}

#[test]
fn a_store_whose_log_is_removed_is_503_once_and_has_lost_nothing() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    let store = newest_store(&gateway, "ire");
    acme.create_user("before", "").expect(201);
    fs::remove_file(format!("{}-wal", store.display())).unwrap();
    acme.create_user("lost", "").expect_error(503, "");
    acme.create_user("after", "").expect(201);
    assert_eq!(user_names(&acme), BTreeSet::from(["after".to_owned(), "before".to_owned()]));
    gateway.audit(&acme);
}

/// An act of staff notices it before the regular check of the region; once the file is back, that check finds it.
#[test]
fn a_registry_that_was_away_for_a_moment_is_opened_anew() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    acme.create_user("before", "").expect(201);
    let registry = gateway.data_dir().join("ire").join("registry.db");
    let suspend = || gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).status;
    fs::rename(&registry, aside(&registry)).unwrap();
    assert_eq!(suspend(), 503);
    fs::rename(aside(&registry), &registry).unwrap();
    let began = Instant::now();
    while suspend() != 200 {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", gateway.log());
        sleep(Duration::from_millis(50));
    }
    gateway.admin("POST", &format!("{}/resume", acme.admin_path()), None).expect(200);
    acme.create_user("after", "").expect(201);
}
