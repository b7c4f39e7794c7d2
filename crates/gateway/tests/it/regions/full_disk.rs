//! A full disk: reads go on, staff can do what makes room, a start serves, and all of it heals by itself.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use testkit::gateway::{Gateway, Setup, Tenant};

use crate::running::wait_for;

use super::{ready, stores};

/// A gateway of two regions on a small disk, with a tenant in each.
fn on_small_disk(mib: u32) -> (Gateway, Tenant, Tenant) {
    let regions = [("USHER__SERVE_REGIONS", "ire,us")];
    let gateway = Gateway::set_up(
        env!("CARGO_BIN_EXE_usher"),
        Setup { disk_mib: Some(mib), settings: &regions, ..Setup::default() },
    );
    let (acme, other) =
        (gateway.tenant("ire", "acme", None, None), gateway.tenant("us", "other", None, None));
    for tenant in [&acme, &other] {
        tenant.create_user("ada", "").expect(201);
    }
    (gateway, acme, other)
}

fn reserve(gateway: &Gateway, region: &str) -> (u64, u64) {
    let reserve = fs::metadata(gateway.data_dir().join(region).join("reserve")).unwrap();
    (reserve.len(), reserve.blocks() * 512)
}

/// Writes until there is no room; what was answered with 201 counts.
fn write_until_full(tenant: &Tenant) -> u64 {
    for n in 0..10_000 {
        let body = crate::running::user_body(&serde_json::json!({
            "userName": format!("filler {n}"), "title": "x".repeat(20_000),
        }));
        match tenant.post("/Users", &body) {
            answer if answer.status == 201 => {}
            refused => {
                refused.expect_error(507, "");
                return n;
            }
        }
    }
    panic!("the disk never filled");
}

fn total(tenant: &Tenant) -> u64 {
    tenant.get("/Users?count=1").expect(200).body["totalResults"].as_u64().unwrap()
}

#[test]
fn staff_suspend_revoke_and_delete_on_a_full_disk_and_the_reserve_comes_back() {
    let (gateway, acme, other) = on_small_disk(64);
    for region in ["ire", "us"] {
        let (length, blocks) = reserve(&gateway, region);
        assert!(length >= 1 << 20 && blocks >= length, "{region}: {length} {blocks}");
    }
    let whole = reserve(&gateway, "ire").0;
    gateway.disk().fill();
    acme.create_user("bob", "").expect_error(507, "");
    for _ in 0..10 {
        gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(200);
        acme.get("/Users").expect_error(403, "");
        gateway.admin("POST", &format!("{}/resume", acme.admin_path()), None).expect(200);
        acme.get("/Users").expect(200);
    }
    let tokens = gateway.admin("GET", &format!("{}/tokens", other.admin_path()), None).expect(200).body;
    let key_id = tokens[0]["key_id"].as_str().unwrap();
    gateway.admin("DELETE", &format!("{}/tokens/{key_id}", other.admin_path()), None).expect(204);
    other.get("/Users").expect_error(401, "");
    gateway
        .admin(
            "PATCH",
            &format!("{}/seats", acme.admin_path()),
            Some(&serde_json::json!({ "member": { "quota": 5 } })),
        )
        .expect(200);
    gateway.admin("DELETE", &acme.admin_path(), None).expect(204);
    assert!(stores(&gateway, "ire").is_empty());
    gateway.disk().make_room();
    wait_for("the reserve is whole again", || {
        let (length, blocks) = reserve(&gateway, "ire");
        length == whole && blocks >= length
    });
}

/// Other writes that wait for room do not get the room that is given to staff, however often staff act.
#[test]
fn staff_act_on_a_full_disk_while_everybody_writes() {
    let (gateway, acme, other) = on_small_disk(24);
    let noisy = gateway.tenant("ire", "noisy", None, None);
    let (over, full) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for client in 0..4 {
            let (tenant, over, full) = ([&noisy, &other][client % 2], &over, &full);
            scope.spawn(move || {
                for n in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let name = format!("c{client}n{n}");
                    let body = serde_json::json!({ "userName": name, "title": "x".repeat(20_000) });
                    match tenant.post("/Users", &crate::running::user_body(&body)).status {
                        201 => {}
                        507 => _ = full.fetch_add(1, Ordering::Relaxed),
                        // Of a tenant that is being deleted.
                        status => assert!(client % 2 == 0 && [401, 503].contains(&status), "{status}"),
                    }
                }
            });
        }
        wait_for("the disk is full", || full.load(Ordering::Relaxed) > 20);
        let acts = || {
            for _ in 0..8 {
                gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(200);
                gateway.admin("POST", &format!("{}/resume", acme.admin_path()), None).expect(200);
            }
            assert_eq!(total(&acme), 1);
            gateway.admin("DELETE", &noisy.admin_path(), None).expect(204);
        };
        let acted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(acts));
        over.store(true, Ordering::Relaxed);
        acted.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    wait_for("a write finds room", || acme.create_user("later", "").status == 201);
    gateway.audit(&other);
}

#[test]
fn a_start_on_a_full_disk_serves_reads_and_heals() {
    let (mut gateway, acme, other) = on_small_disk(24);
    let filler = gateway.tenant("ire", "filler", None, None);
    let held = write_until_full(&filler);
    gateway.disk().fill();
    for kill in [false, true] {
        if kill {
            gateway.kill()
        } else {
            assert_eq!(gateway.stop(), Some(0))
        }
        gateway.disk().fill();
        gateway.start_again();
        assert!(ready(&gateway).1.contains("ire served") && ready(&gateway).1.contains("us served"));
        assert_eq!((total(&acme), total(&other), total(&filler)), (1, 1, held));
        gateway.disk().fill();
        acme.create_user("bob", "").expect_error(507, "");
        other.create_user("bob", "").expect_error(507, "");
        assert!(gateway.cli(&["tenant", "show", "--region", "ire", "--key", "acme"]).status.success());
        gateway.admin("POST", &format!("{}/suspend", filler.admin_path()), None).expect(200);
        gateway.admin("POST", &format!("{}/resume", filler.admin_path()), None).expect(200);
    }
    gateway.disk().make_room();
    gateway.admin("DELETE", &filler.admin_path(), None).expect(204);
    for tenant in [&acme, &other] {
        wait_for("a write finds room", || tenant.create_user("later", "").status == 201);
        assert_eq!(total(tenant), 2);
        gateway.audit(tenant);
    }
}

#[test]
fn a_closed_store_that_cannot_be_opened_for_lack_of_room_is_507() {
    let (mut gateway, acme, other) = on_small_disk(16);
    // Without a reserve there is nothing to open a store with.
    assert_eq!(gateway.stop(), Some(0));
    gateway.start_again();
    gateway.disk().fill();
    let reserve = gateway.data_dir().join("us").join("reserve");
    fs::remove_file(&reserve).unwrap();
    fs::create_dir(&reserve).unwrap();
    gateway.disk().fill();
    other.get("/Users").expect_error(507, "");
    other.create_user("bob", "").expect_error(507, "");
    gateway.admin("GET", &format!("{}/seats", other.admin_path()), None).expect(507);
    // The region that has one opens its stores.
    assert_eq!(total(&acme), 1);
    gateway.disk().make_room();
    assert_eq!(total(&other), 1);
    other.create_user("bob", "").expect(201);
}
