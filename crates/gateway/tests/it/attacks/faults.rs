//! What must survive: a locked, a damaged, a full store, more tenants than may be open. One tenant's fault is its own.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::{assert_no_leak, gateway, gateway_with, newest_store, roomy, sql, user};

/// Another process that holds the write lock of a store until it is dropped.
pub(crate) struct Lock(Child);

impl Lock {
    pub(crate) fn of(store: &Path) -> Self {
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
fn no_request_waits_until_the_use_of_its_token_is_written_down() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let lock = Lock::of(&gateway.data_dir().join("ire").join("registry.db"));
    acme.get("/Users").expect(200);
    // Who waits for another's lock gives up after seconds, and then tells so.
    assert!(!gateway.log().contains("could not be noted"), "{}", gateway.log());
    drop(lock);
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
    assert!(gateway.open_files() < 200, "{} files are open", gateway.open_files());
}

/// A limit on the size of any file: what a full disk is to SQLite, and needs no right to set or to lift.
fn limit_file_size(gateway: &Gateway, limit: &str) {
    let set = Command::new("prlimit")
        .args(["--pid", &gateway.pid().to_string(), &format!("--fsize={limit}")])
        .status();
    assert!(set.unwrap_or_else(|e| panic!("this test needs prlimit of util-linux: {e}")).success());
}

/// The bigger of a store's file and its log, in bytes.
fn biggest_file(store: &Path) -> u64 {
    let sizes =
        ["", "-wal"].map(|end| std::fs::metadata(format!("{}{end}", store.display())).map_or(0, |m| m.len()));
    sizes.into_iter().max().unwrap()
}

fn wait_until_healed(gateway: &Gateway, tenant: &Tenant) {
    let healed = (0..50).any(|_| {
        sleep(Duration::from_millis(100));
        tenant.create_user("after", "").status == 201
    });
    assert!(healed, "{}", gateway.log());
}

fn user_names(tenant: &Tenant) -> BTreeSet<String> {
    let held = tenant.get("/Users?count=1000&attributes=userName").expect(200).body;
    let resources = held["Resources"].as_array().unwrap();
    assert_eq!(held["totalResults"], resources.len());
    resources.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_store_that_cannot_grow_refuses_writes_reads_on_and_heals() {
    let mut gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let store = newest_store(&gateway, "ire");
    acme.create_user("before", "").expect(201);
    limit_file_size(&gateway, &format!("{}:unlimited", biggest_file(&store) + 400_000));
    let mut acknowledged = BTreeSet::from(["before".to_owned()]);
    let mut refused = 0;
    for n in 0..200 {
        let name = format!("u{n}");
        let answer = acme.post("/Users", &user(&name, &json!({ "title": "x".repeat(20_000) })));
        match answer.status {
            201 => assert!(acknowledged.insert(name)),
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
    assert_heals(&mut gateway, &acme, &store, acknowledged);
}

/// Every second operation is big, and the small ones behind it would find room.
#[test]
fn a_bulk_on_a_store_that_cannot_grow_stores_what_it_acknowledges_and_nothing_else() {
    let mut gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let store = newest_store(&gateway, "ire");
    acme.create_user("before", "").expect(201);
    let mut acknowledged = BTreeSet::from(["before".to_owned()]);
    let mut refused = 0;
    for round in 0..4 {
        limit_file_size(&gateway, &format!("{}:unlimited", biggest_file(&store) + 400_000));
        let name = |n: usize| format!("r{round}n{n}");
        let operation = |n: usize| {
            let title = "x".repeat(if n.is_multiple_of(2) { 60_000 } else { 10 });
            let data = user(&name(n), &json!({ "title": title }));
            json!({ "method": "POST", "path": "/Users", "bulkId": name(n), "data": data })
        };
        let operations: Vec<Value> = (0..160).map(operation).collect();
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
        let answer = acme.post("/Bulk", &body);
        assert_no_leak(&answer, &[]);
        if answer.status != 200 {
            assert!([503, 507].contains(&answer.status), "{}", answer.text);
            refused += 1;
            continue;
        }
        for ended in answer.body["Operations"].as_array().unwrap() {
            match ended["status"].as_str().unwrap() {
                "201" => assert!(acknowledged.insert(ended["bulkId"].as_str().unwrap().to_owned())),
                "503" | "507" => refused += 1,
                other => panic!("{other} {ended}"),
            }
        }
    }
    assert!(refused > 0, "the limit was never met");
    assert_heals(&mut gateway, &acme, &store, acknowledged);
}

/// With room again the gateway stores again, and it holds what it acknowledged and nothing else.
fn assert_heals(gateway: &mut Gateway, acme: &Tenant, store: &Path, mut acknowledged: BTreeSet<String>) {
    limit_file_size(gateway, "unlimited:unlimited");
    wait_until_healed(gateway, acme);
    acknowledged.insert("after".to_owned());
    assert_eq!(user_names(acme), acknowledged);
    gateway.audit(acme);
    assert_eq!(gateway.stop(), Some(0));
    assert_eq!(sql(store, "PRAGMA integrity_check").trim(), "ok");
}
