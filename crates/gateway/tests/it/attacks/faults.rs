//! What must survive: a locked, a damaged, a full store, more tenants than may be open. One tenant's fault is its own.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::json;
use testkit::gateway::{Gateway, Tenant};

use super::{assert_no_leak, gateway, gateway_with, newest_store, open_files, roomy, sql, user};

/// Another process that holds the write lock of a store until it is dropped.
struct Lock(Child);

impl Lock {
    fn of(store: &Path) -> Self {
        let mut shell =
            Command::new("sqlite3").arg(store).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        shell
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b".timeout 5000\nBEGIN IMMEDIATE;\nSELECT 'locked';\n")
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        Self(shell)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_store_that_another_process_locks_is_503_with_retry_after_and_heals() {
    let gateway = gateway();
    let locked = roomy(&gateway, "ire", "locked");
    let store = newest_store(&gateway, "ire");
    let free = roomy(&gateway, "ire", "free");
    locked.create_user("before", "").expect(201);
    let lock = Lock::of(&store);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4)
            .map(|n| {
                scope.spawn({
                    let locked = &locked;
                    move || locked.create_user(&format!("w{n}"), "")
                })
            })
            .collect();
        for n in 0..10 {
            free.create_user(&format!("u{n}"), "").expect(201);
            locked.get("/Users").expect(200);
        }
        for answer in waiting {
            let refused = answer.join().unwrap().expect_error(503, "");
            assert!(
                refused.header("retry-after").is_some_and(|s| s.parse::<u64>().is_ok()),
                "{:?}",
                refused.headers
            );
            assert_no_leak(&refused, &[]);
        }
    });
    drop(lock);
    locked.create_user("after", "").expect(201);
    assert_eq!(locked.get("/Users").expect(200).body["totalResults"], 2, "what was refused is not there");
    gateway.audit(&locked);
}

#[test]
fn a_registry_that_another_process_locks_does_not_stop_provisioning() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let lock = Lock::of(&gateway.data_dir().join("ire").join("registry.db"));
    acme.create_user("ada", "").expect(201);
    let refused = gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(503);
    assert!(refused.header("retry-after").is_some(), "{:?}", refused.headers);
    drop(lock);
    gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(200);
}

#[test]
fn a_damaged_store_is_503_for_its_tenant_and_is_named_in_the_log() {
    let mut gateway = gateway();
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 3] = [
        ("header", |bytes| bytes[..100].fill(0x55)),
        ("pages", |bytes| bytes[100..].fill(0x55)),
        ("cut", |bytes| bytes.truncate(5000)),
    ];
    let mut damaged = Vec::new();
    for (key, damage) in damages {
        let tenant = roomy(&gateway, "ire", key);
        tenant.create_user("ada", "").expect(201);
        damaged.push((tenant, newest_store(&gateway, "ire"), damage));
    }
    let sound = roomy(&gateway, "ire", "sound");
    assert_eq!(gateway.stop(), Some(0));
    for (tenant, store, damage) in &damaged {
        let mut bytes = std::fs::read(store).unwrap();
        damage(&mut bytes);
        std::fs::write(store, bytes).unwrap();
        assert!(
            !Path::new(&format!("{}-wal", store.display())).exists(),
            "{} was not closed cleanly",
            tenant.key
        );
    }
    gateway.start_again();
    for (tenant, ..) in &damaged {
        for answer in [tenant.get("/Users"), tenant.create_user("bob", "")] {
            assert_eq!(answer.status, 503, "{}: {}", tenant.key, answer.text);
            assert!(answer.header("retry-after").is_some());
            assert_no_leak(&answer, &[]);
        }
        assert!(gateway.log().contains(&format!("ire/{}", tenant.key)), "{} is not in the log", tenant.key);
    }
    sound.create_user("ada", "").expect(201);
    gateway.admin("GET", "/regions/ire/tenants", None).expect(200);
    assert!(gateway.is_alive());
}

#[test]
fn a_store_that_is_missing_is_503_and_is_not_made_anew() {
    let mut gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let store = newest_store(&gateway, "ire");
    let other = roomy(&gateway, "ire", "other");
    gateway.stop();
    std::fs::remove_file(&store).unwrap();
    gateway.start_again();
    acme.get("/Users").expect_error(503, "");
    acme.create_user("ada", "").expect_error(503, "");
    assert!(!store.exists());
    other.create_user("ada", "").expect(201);
}

#[test]
fn two_hundred_tenants_share_eight_open_stores() {
    let gateway = gateway_with(&[("USHER__STORE__MAX_OPEN", "8"), ("USHER__SERVE_REGIONS", "ire,us")]);
    let tenants: Vec<Tenant> =
        (0..200).map(|n| roomy(&gateway, if n % 2 == 0 { "ire" } else { "us" }, &format!("t{n}"))).collect();
    std::thread::scope(|scope| {
        for part in tenants.chunks(50) {
            scope.spawn(move || {
                for tenant in part {
                    tenant.post("/Users", &user(&tenant.key, &json!({}))).expect(201);
                }
                for tenant in part {
                    let found = tenant.get("/Users").expect(200).body;
                    assert_eq!(
                        (&found["totalResults"], &found["Resources"][0]["userName"]),
                        (&json!(1), &json!(tenant.key))
                    );
                }
            });
        }
    });
    // Eight stores and two registries at the most, each with its file and log open some times over, beside the sockets.
    assert!(open_files(&gateway) < 200, "{} files are open", open_files(&gateway));
}

/// A limit on the size of any file: what a full disk is to SQLite, and needs no right to set or to lift.
fn limit_file_size(gateway: &Gateway, limit: &str) {
    let set = Command::new("prlimit")
        .args(["--pid", &gateway.pid().to_string(), &format!("--fsize={limit}")])
        .status();
    assert!(set.unwrap_or_else(|e| panic!("this test needs prlimit of util-linux: {e}")).success());
}

#[test]
fn a_store_that_cannot_grow_refuses_writes_reads_on_and_heals() {
    let mut gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let store = newest_store(&gateway, "ire");
    let biggest = |store: &Path| {
        let sizes = ["", "-wal"]
            .map(|end| std::fs::metadata(format!("{}{end}", store.display())).map_or(0, |m| m.len()));
        sizes.into_iter().max().unwrap()
    };
    acme.create_user("before", "").expect(201);
    limit_file_size(&gateway, &format!("{}:unlimited", biggest(&store) + 400_000));
    let mut acknowledged = vec!["before".to_owned()];
    let mut refused = 0;
    for n in 0..200 {
        let name = format!("u{n}");
        let answer = acme.post("/Users", &user(&name, &json!({ "title": "x".repeat(20_000) })));
        match answer.status {
            201 => acknowledged.push(name),
            503 | 507 => {
                refused += 1;
                assert_no_leak(&answer, &[]);
            }
            other => panic!("{other} {}", answer.text),
        }
        if refused == 5 {
            break;
        }
    }
    assert_eq!(refused, 5, "the limit was never met");
    assert!(gateway.is_alive());
    acme.find("/Users", "userName eq \"before\"").expect(200);
    limit_file_size(&gateway, "unlimited:unlimited");
    let healed = (0..50).any(|_| {
        sleep(Duration::from_millis(100));
        acme.create_user("after", "").status == 201
    });
    assert!(healed, "{}", gateway.log());
    acknowledged.push("after".to_owned());
    let held = acme.get("/Users?count=1000&attributes=userName").expect(200).body;
    let mut names: Vec<&str> =
        held["Resources"].as_array().unwrap().iter().map(|u| u["userName"].as_str().unwrap()).collect();
    names.sort_unstable();
    acknowledged.sort();
    assert_eq!(names, acknowledged);
    gateway.audit(&acme);
    assert_eq!(gateway.stop(), Some(0));
    assert_eq!(sql(&store, "PRAGMA integrity_check").trim(), "ok");
}
