//! The drill: a gateway is written to from several sides, backed up, lost, and restored elsewhere.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::Value;
use testkit::gateway::Tenant;

use super::{Ending, at, back_up, restored};
use crate::running::gateway;

fn user_names(tenant: &Tenant) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    loop {
        let page = tenant
            .get(&format!("/Users?count=1000&startIndex={}&attributes=userName", names.len() + 1))
            .expect(200);
        let resources = page.body["Resources"].as_array().cloned().unwrap_or_default();
        if resources.is_empty() {
            return names;
        }
        names.extend(resources.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
    }
}

#[test]
fn everything_that_was_acknowledged_before_a_run_is_there_after_it_is_restored_elsewhere() {
    const CLIENTS: usize = 4;
    // A run takes as long as what it copies, so the writers are bounded.
    const WRITES: usize = 2_000;
    const PASSING: usize = 100;
    let mut gateway = gateway();
    let tenants: Vec<Tenant> =
        (0..CLIENTS).map(|n| gateway.tenant("ire", &format!("t{n}"), Some(20), None)).collect();
    let (acknowledged, ended) =
        ((0..CLIENTS).map(|_| Mutex::new(BTreeSet::new())).collect::<Vec<_>>(), AtomicBool::new(false));
    let folder = gateway.data_dir().with_file_name("backup");
    let runs: Vec<(String, Vec<BTreeSet<String>>)> = thread::scope(|scope| {
        for (tenant, acknowledged) in tenants.iter().zip(&acknowledged) {
            let ended = &ended;
            scope.spawn(move || {
                for n in 0..WRITES {
                    if ended.load(Ordering::Relaxed) {
                        return;
                    }
                    let name = format!("user{n}");
                    // A backup is no reason to refuse anything.
                    tenant.create_user(&name, "user").expect(201);
                    acknowledged.lock().unwrap().insert(name);
                }
            });
        }
        // Tenants that come and go, so that registry and stores differ from moment to moment.
        let (gateway, ending) = (&gateway, &ended);
        scope.spawn(move || {
            for n in 0..PASSING {
                if ending.load(Ordering::Relaxed) {
                    return;
                }
                let passing = gateway.tenant("ire", &format!("passing{n}"), None, None);
                passing.create_user("one", "").expect(201);
                if n % 3 > 0 {
                    gateway.admin("DELETE", &passing.admin_path(), None).expect(204);
                }
            }
        });
        let _ending = Ending(&ended);
        let runs = (0..6).map(|_| {
            let before = acknowledged.iter().map(|names| names.lock().unwrap().clone()).collect();
            (back_up(gateway, &folder)["at"].as_str().unwrap().to_owned(), before)
        });
        runs.collect()
    });
    gateway.kill();

    let mut held_before = 0;
    for (n, (time, before)) in runs.iter().enumerate() {
        let other = restored(&gateway, &folder, &format!("run{n}"), &["--at", time]);
        let mut held = 0;
        for (tenant, before) in tenants.iter().zip(before) {
            let names = user_names(&at(&other, tenant));
            assert!(
                names.is_superset(before),
                "run {n} lacks {:?}",
                before.difference(&names).collect::<Vec<_>>()
            );
            held += names.len();
            other.audit(tenant);
        }
        assert!(held >= held_before, "run {n} holds less than the one before");
        held_before = held;
        // Registry and stores agree: each tenant that is named can be read, and no file is left over.
        let listed: Value =
            serde_json::from_str(&other.cli_ok(&["tenant", "list", "--region", "ire", "--json"])).unwrap();
        assert!(listed.as_array().unwrap().len() >= tenants.len());
        for tenant in listed.as_array().unwrap() {
            let key = tenant["key"].as_str().unwrap();
            let shown = other.admin("GET", &format!("/regions/ire/tenants/{key}"), None).expect(200);
            assert!(shown.body["bytes_in_use"].is_u64(), "run {n}: {}", shown.text);
        }
        assert!(!other.log().contains("that the registry does not know"), "{}", other.log());
    }
    let last = acknowledged.iter().map(|names| names.lock().unwrap().len()).sum::<usize>();
    assert!(held_before > 0 && held_before <= last);
}
