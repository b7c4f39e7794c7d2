//! Moves while two processes write: what was acknowledged is there, once.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use testkit::gateway::Tenant;

use super::{
    Ending, at,
    moves::{Cells, moved},
};

/// Writes of one writer at most: it ends with the moves.
const WRITES: usize = 20_000;

/// What the writers of one tenant met.
#[derive(Default)]
pub(super) struct Met {
    refused: AtomicUsize,
    reads: AtomicUsize,
    longest_ms: AtomicUsize,
}

/// Creates users until the end; the names that were acknowledged. Whoever is refused is told when to try again.
pub(super) fn write(tenant: &Tenant, writer: usize, ended: &AtomicBool, met: &Met) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let mut since = Instant::now();
    for n in 0..WRITES {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("w{writer}n{n}");
        let answer = tenant.create_user(&name, "user");
        match answer.status {
            201 => {
                acknowledged.push(name);
                let ms = usize::try_from(since.elapsed().as_millis()).unwrap();
                met.longest_ms.fetch_max(ms, Ordering::Relaxed);
                since = Instant::now();
            }
            503 => {
                assert!(answer.header("retry-after").is_some(), "{}", answer.text);
                met.refused.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(20));
            }
            status => panic!("{status} {}", answer.text),
        }
    }
    acknowledged
}

/// Every name of the tenant's users; a name that is there twice fails the test.
pub(super) fn user_names(tenant: &Tenant) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    loop {
        let start = names.len() + 1;
        let page =
            tenant.get(&format!("/Users?count=1000&startIndex={start}&attributes=userName")).expect(200);
        let users = page.body["Resources"].as_array().cloned().unwrap_or_default();
        if users.is_empty() {
            return names;
        }
        for user in users {
            let name = user["userName"].as_str().unwrap().to_owned();
            assert!(names.insert(name), "twice: {user}");
        }
    }
}

/// Shows the processes' logs when the test fails.
struct Logs<'a>(&'a [testkit::gateway::Gateway]);

impl Drop for Logs<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.iter().for_each(|process| println!("{}", process.log()));
        }
    }
}

#[test]
fn ten_moves_under_writes_through_two_processes_lose_and_double_nothing() {
    let cells = Cells::with_registries();
    let processes = [cells.start(), cells.start()];
    let acme = processes[0].onboard(
        "ire",
        &serde_json::json!({
            "key": "acme", "name": "Acme", "seats": { "member": null }, "cell": "c1",
        }),
    );
    let tenants = processes.each_ref().map(|process| at(process, &acme));
    for n in 0..200 {
        tenants[n % 2].create_user(&format!("before{n}"), "user").expect(201);
    }
    let (ended, met) = (AtomicBool::new(false), Met::default());
    let mut took = Vec::new();
    let acknowledged: Vec<String> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (tenant, ended, met) = (&tenants[writer % 2], &ended, &met);
                scope.spawn(move || write(tenant, writer, ended, met))
            })
            .collect();
        for tenant in &tenants {
            let (ended, met) = (&ended, &met);
            scope.spawn(move || {
                for _ in 0..WRITES {
                    if ended.load(Ordering::Relaxed) {
                        return;
                    }
                    // A read may meet the moment of the switch, and nothing worse.
                    let status = tenant.get("/Users?count=1").status;
                    assert!([200, 503].contains(&status), "{status}");
                    met.reads.fetch_add(usize::from(status == 200), Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(2));
                }
            });
        }
        let _ending = Ending(&ended);
        let _logs = Logs(&processes);
        for n in 0..10 {
            let began = Instant::now();
            moved(&processes[n % 2], &acme, &[if n % 2 == 0 { "c2" } else { "c1" }]);
            took.push(began.elapsed());
            println!("{n} {:?} {:?}", began.elapsed(), met.refused);
            thread::sleep(Duration::from_millis(200));
        }
        ended.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    let names = user_names(&tenants[1]);
    let lost: Vec<_> = acknowledged.iter().filter(|name| !names.contains(*name)).collect();
    println!(
        "10 moves of some {} users took {:?}; {} writes acknowledged, {} refused, longest without one {} ms, {} reads; lost {}",
        names.len(),
        took,
        acknowledged.len(),
        met.refused.load(Ordering::Relaxed),
        met.longest_ms.load(Ordering::Relaxed),
        met.reads.load(Ordering::Relaxed),
        lost.len()
    );
    assert!(lost.is_empty(), "{lost:?}");
    assert!(acknowledged.len() > 20, "only {} writes", acknowledged.len());
    // A refused write may have happened only if its commit's answer was lost, which no fault here does.
    assert_eq!(names.len(), 200 + acknowledged.len());
    for process in &processes {
        process.audit(&acme);
    }
    assert_eq!(cells.schemas().len(), 1, "{:?}", cells.schemas());
}
