//! `kill -9` of the process that moves or restores a tenant: that is completed or undone, by the next start or by another process.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use testkit::gateway::{Gateway, Tenant};

use super::{
    at, back_up, files_below,
    moves::{Cells, shown, words},
    moves_under_load::user_names,
    rows_of,
};

use crate::running::gateway;

/// A move that was interrupted is settled within this.
const SETTLED_WITHIN: Duration = Duration::from_secs(15);

fn furnished(gateway: &Gateway, cell: &str) -> Tenant {
    let body = json!({ "key": "acme", "name": "Acme", "seats": { "member": null }, "cell": cell });
    let acme = gateway.onboard("ire", &body);
    for n in 0..300 {
        acme.create_user(&format!("u{n}"), "user").expect(201);
    }
    acme
}

/// Waits until the tenant takes a write and nothing of an interrupted move is left; how long that took.
fn wait_until_settled(gateway: &Gateway, tenant: &Tenant, is_clean: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    let name = format!("settled{}", uuid::Uuid::new_v4());
    let mut is_written = false;
    loop {
        // One more user each time that it succeeds: it is created once.
        is_written = is_written || [201, 409].contains(&tenant.create_user(&name, "user").status);
        if is_written && is_clean() {
            return began.elapsed();
        }
        assert!(began.elapsed() < SETTLED_WITHIN, "not settled: {}", gateway.log());
        thread::sleep(Duration::from_millis(20));
    }
}

/// Begins a move and kills the gateway after so long; whether the move had ended before.
fn kill_while_moving(gateway: &mut Gateway, tenant: &Tenant, to: &[&str], after: Duration) -> bool {
    let words: Vec<String> = words(tenant, to).into_iter().map(str::to_owned).collect();
    kill_during(gateway, &words.iter().map(String::as_str).collect::<Vec<_>>(), after)
}

/// Kills the gateway so long after a command has begun; whether the command had ended before.
fn kill_during(gateway: &mut Gateway, words: &[&str], after: Duration) -> bool {
    thread::scope(|scope| {
        let (began, shared) = (Instant::now(), &*gateway);
        let moving = scope.spawn(move || shared.cli(words).status.success());
        thread::sleep(after.saturating_sub(began.elapsed()));
        testkit::gateway::signal(shared.pid(), testkit::gateway::Signal::KILL);
        moving.join().unwrap()
    })
}

#[test]
fn in_ten_rounds_a_restart_completes_or_undoes_what_kill_9_interrupted() {
    let cells = Cells::beside_files();
    let mut gateway = cells.start();
    let acme = furnished(&gateway, "file");
    let mut ended = 0;
    for round in 0..10_u64 {
        let location = shown(&gateway, &acme)["location"].clone();
        let to = if location == "file" { "c1" } else { "file" };
        let before = user_names(&acme);
        let after = Duration::from_millis(20 + 37 * round);
        ended += u32::from(kill_while_moving(&mut gateway, &acme, &[to], after));
        gateway.kill();
        gateway.start_again();
        let is_clean = || {
            let is_file = shown(&gateway, &acme)["location"] == "file";
            let files = files_below(&gateway.data_dir().join("ire").join("tenants"));
            (cells.schemas().len(), files.is_empty()) == if is_file { (0, false) } else { (1, true) }
        };
        let took = wait_until_settled(&gateway, &acme, is_clean);
        let location = shown(&gateway, &acme)["location"].clone();
        println!(
            "round {round}: killed after {after:?} on the way to {to}; settled after {took:?} as {location}"
        );
        let now = user_names(&acme);
        assert!(
            now.is_superset(&before),
            "round {round} lost {:?}",
            before.difference(&now).collect::<Vec<_>>()
        );
        assert_eq!(now.len(), before.len() + 1);
        gateway.audit(&acme);
    }
    assert!(ended < 10, "no move was interrupted");
}

#[test]
fn in_five_rounds_a_restart_settles_what_was_on_its_way_to_another_region() {
    let cells = Cells::beside_files();
    let mut gateway = cells.start();
    let acme = furnished(&gateway, "c1");
    let url = gateway.url.clone();
    let in_region = |region: &str| Tenant {
        base_url: format!("{url}/{region}/acme/scim/v2"),
        region: region.to_owned(),
        ..acme.clone()
    };
    let mut here = "ire";
    for round in 0..5_u64 {
        let there = if here == "ire" { "us" } else { "ire" };
        let before = user_names(&in_region(here));
        kill_while_moving(
            &mut gateway,
            &in_region(here),
            &["c1", "--to-region", there],
            Duration::from_millis(40 + 90 * round),
        );
        gateway.kill();
        gateway.start_again();
        // It is in one of the two: the other one says where, or does not know it.
        let began = Instant::now();
        here = loop {
            let served = [here, there].map(|region| in_region(region).get("/Users?count=1").status);
            match served {
                [200, 401] => break here,
                [401, 200] => break there,
                served => {
                    assert!(began.elapsed() < SETTLED_WITHIN, "round {round}: {served:?}: {}", gateway.log())
                }
            }
            thread::sleep(Duration::from_millis(20));
        };
        let took = wait_until_settled(&gateway, &in_region(here), || cells.schemas().len() == 1);
        println!("round {round}: settled after {took:?} in {here}");
        assert!(user_names(&in_region(here)).is_superset(&before));
        gateway.audit(&in_region(here));
    }
}

#[test]
fn another_process_settles_what_a_killed_one_left() {
    let cells = Cells::with_registries();
    let mut mover = cells.start();
    let other = cells.start();
    let acme = furnished(&mover, "c1");
    let seen = at(&other, &acme);
    for round in 0..3_u64 {
        let location = shown(&other, &acme)["location"]["cell"].clone();
        let to = if location == "c1" { "c2" } else { "c1" };
        let before = rows_of(&other, &acme).len();
        kill_while_moving(&mut mover, &acme, &[to], Duration::from_millis(60 + 120 * round));
        mover.kill();
        let took = wait_until_settled(&other, &seen, || cells.schemas().len() == 1);
        let location = shown(&other, &acme)["location"].clone();
        println!(
            "round {round}: on the way to {to}; another process settled it after {took:?} in {location}"
        );
        assert!(rows_of(&other, &acme).len() > before);
        other.audit(&acme);
        mover.start_again();
    }
}

#[test]
fn in_eight_rounds_a_restart_completes_or_undoes_a_restoration() {
    let mut gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    for n in 0..300 {
        acme.create_user(&format!("u{n}"), "user").expect(201);
    }
    let folder = gateway.data_dir().with_file_name("backup");
    back_up(&gateway, &folder);
    let then = user_names(&acme);
    let mut restored = 0;
    for round in 0..8_u64 {
        acme.create_user("mistake", "user");
        let now = user_names(&acme);
        assert_eq!(now.len(), then.len() + 1);
        let from = folder.to_str().unwrap();
        let words = ["restore", "--from", from, "--region", "ire", "--tenant", "acme"];
        kill_during(&mut gateway, &words, Duration::from_millis(30 + 45 * round));
        gateway.kill();
        gateway.start_again();
        // Whichever it is, it is whole, and staff can act on the tenant.
        let began = Instant::now();
        while gateway
            .admin("POST", &format!("{}/move", acme.admin_path()), Some(&json!({ "to_cell": "file" })))
            .status
            != 200
        {
            assert!(began.elapsed() < SETTLED_WITHIN, "{}", gateway.log());
            thread::sleep(Duration::from_millis(20));
        }
        let names = user_names(&acme);
        assert!(names == then || names == now, "round {round}: {} users", names.len());
        restored += u32::from(names == then);
        gateway.audit(&acme);
        let staged = gateway.data_dir().join("ire").join("restoring");
        assert!(!staged.exists() || files_below(&staged).is_empty());
    }
    println!("{restored} of 8 restorations were completed");
}
