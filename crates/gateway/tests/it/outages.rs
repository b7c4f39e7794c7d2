//! Two processes whose PostgreSQL restarts, loses connections or has a full disk: what was acknowledged is stored once, every
//! request is answered, and service is back without a human. Each test prints its figures.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::{
    database::Database,
    gateway::{Gateway, Setup, Tenant},
    proxy::{Cut, Proxy},
    small_disk::SmallDisk,
    stores::PostgresServer,
};

use crate::running::{BINARY, at, two_processes_on, user_body, user_names, wait_for};

/// From the moment when the server is there again.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// No request takes longer: an attempt to connect takes two seconds, the wait for a turn five.
const LONGEST: Duration = Duration::from_secs(10);

const WRITERS: usize = 4;

/// What clients were told that only create users.
#[derive(Default)]
struct Told {
    acknowledged: Vec<String>,
    /// 503: it may be stored or not.
    refused: usize,
    longest: Duration,
}

fn body(name: &str) -> Value {
    user_body(&json!({ "userName": name, "userType": "user" }))
}

/// Creates users, through each of the processes in turn, until told to stop.
fn write(tenants: &[Tenant; 2], writer: usize, stop: &AtomicBool) -> Told {
    let mut told = Told::default();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (name, began) = (format!("w{writer}n{n}"), Instant::now());
        let answer = tenants[(writer + n) % 2].post("/Users", &body(&name));
        told.longest = told.longest.max(began.elapsed());
        match answer.status {
            201 => told.acknowledged.push(name),
            503 => {
                assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
                told.refused += 1;
                thread::sleep(Duration::from_millis(10));
            }
            other => panic!("{other}: {}", answer.text),
        }
    }
    told
}

/// Writes while `fault` happens, and then holds what was told against what is stored.
fn under_load(fault_name: &str, processes: &[Gateway; 2], tenants: &[Tenant; 2], fault: impl FnOnce()) {
    let before = user_names(&tenants[0]).len();
    let stop = AtomicBool::new(false);
    let told = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn({
                    let stop = &stop;
                    move || write(tenants, writer, stop)
                })
            })
            .collect();
        fault();
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().fold(Told::default(), |mut all, writer| {
            let told = writer.join().unwrap();
            all.acknowledged.extend(told.acknowledged);
            all.refused += told.refused;
            all.longest = all.longest.max(told.longest);
            all
        })
    });
    let names = user_names(&tenants[1]);
    let lost = told.acknowledged.iter().filter(|name| !names.contains(*name)).count();
    println!(
        "{fault_name}: {} acknowledged, {} refused, {} stored, {lost} lost, longest request {} ms",
        told.acknowledged.len(),
        told.refused,
        names.len() - before,
        told.longest.as_millis(),
    );
    assert_eq!(lost, 0);
    assert!(!told.acknowledged.is_empty() && told.refused > 0, "the fault met nobody");
    assert!(names.len() - before <= told.acknowledged.len() + told.refused);
    assert!(told.longest < LONGEST, "{:?}", told.longest);
    processes[0].audit(&tenants[0]);
}

#[test]
fn postgresql_restarted_under_load_loses_and_doubles_nothing_and_is_back_within_five_seconds() {
    let server = PostgresServer::start();
    let processes = two_processes_on(Database::on(server.url(), server.url()), &[]);
    for mode in ["fast", "immediate"] {
        let tenant = processes[0].tenant("ire", mode, None, None);
        let tenants = processes.each_ref().map(|process| at(process, &tenant));
        // No process has seen this one's token.
        let unseen = processes[0].tenant("ire", &format!("{mode}-unseen"), None, None);
        under_load(&format!("restart, {mode}"), &processes, &tenants, || {
            thread::sleep(Duration::from_millis(300));
            server.stop(mode);
            for process in &processes {
                let answer = at(process, &unseen).get("/Users");
                assert_eq!(answer.status, 503, "{}", answer.text);
                assert!(answer.header("retry-after").is_some());
            }
            thread::sleep(Duration::from_secs(1));
            server.start_again();
            let back = [&tenants[0], &tenants[1]]
                .map(|tenant| wait_for("service is back", || tenant.get("/Users?count=1").status == 200));
            println!("restart, {mode}: served again after {back:?}");
            assert!(back.iter().all(|back| *back < BACK_WITHIN), "{back:?}");
            thread::sleep(Duration::from_millis(300));
        });
        processes.iter().for_each(|process| {
            at(process, &unseen).get("/Users").expect(200);
        });
    }
    // Before its server.
    drop(processes);
}

#[test]
fn a_connection_cut_in_a_write_or_in_its_commit_is_503_and_nothing_is_stored_twice() {
    let server = PostgresServer::get();
    let proxy = Proxy::before(server.url());
    let database = Database::on(server.url(), &proxy.url(server.url()));
    let processes = two_processes_on(database, &[]);
    let tenant = processes[0].tenant("ire", "acme", None, None);
    let tenants = processes.each_ref().map(|process| at(process, &tenant));
    for cut in [Cut::Before("INSERT"), Cut::Before("COMMIT"), Cut::AfterCommit] {
        let (mut refused, mut were_stored) = (0, 0);
        // Now and then a cut hits another transaction, such as the relay's.
        for n in 0..200 {
            if refused == 10 {
                break;
            }
            let name = format!("{cut:?}{n}").replace(|c: char| !c.is_alphanumeric(), "");
            proxy.cut_once(cut);
            let first = tenants[n % 2].post("/Users", &body(&name));
            if first.status == 503 {
                assert!(first.header("retry-after").is_some(), "{:?}", first.headers);
                refused += 1;
                // As an identity provider does.
                let second = tenants[(n + 1) % 2].post("/Users", &body(&name));
                were_stored += usize::from(second.status == 409);
                assert!([201, 409].contains(&second.status), "{cut:?}: {} {}", second.status, second.text);
            } else {
                first.expect(201);
            }
            let found = tenants[n % 2].find("/Users", &format!("userName eq \"{name}\"")).expect(200);
            assert_eq!(found.body["totalResults"], 1, "{cut:?}: {name}");
        }
        println!("cut {cut:?}: {refused} refused, of them {were_stored} stored, none twice");
        assert_eq!(refused, 10, "{cut:?}");
        match cut {
            Cut::AfterCommit => assert!(were_stored > 0),
            Cut::Before(_) => assert_eq!(were_stored, 0, "{cut:?}"),
        }
    }
    processes[1].audit(&tenants[1]);
}

#[test]
fn connections_cut_under_load_lose_and_double_nothing() {
    let server = PostgresServer::get();
    let proxy = Proxy::before(server.url());
    let processes = two_processes_on(Database::on(server.url(), &proxy.url(server.url())), &[]);
    let tenant = processes[0].tenant("ire", "acme", None, None);
    let tenants = processes.each_ref().map(|process| at(process, &tenant));
    under_load("connections cut", &processes, &tenants, || {
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(100));
            proxy.cut_all();
        }
        for tenant in &tenants {
            let back = wait_for("service is back", || tenant.get("/Users?count=1").status == 200);
            assert!(back < BACK_WITHIN, "{back:?}");
        }
    });
}

#[test]
fn a_full_disk_of_postgresql_is_507_reads_go_on_and_it_heals() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(&directory.path().join("disk"), 64);
    let server = PostgresServer::start();
    server.keep_tables_on(&disk);
    let database = Some(Arc::new(Database::on(server.url(), server.url())));
    let gateway = Gateway::set_up(BINARY, Setup { database, ..Setup::default() });
    let acme = gateway.tenant("ire", "acme", None, None);
    let large =
        |name: &str| user_body(&json!({ "userName": name, "userType": "user", "title": "x".repeat(2_000) }));
    acme.post("/Users", &large("first")).expect(201);
    disk.fill();
    let mut acknowledged = 1;
    let refused = loop {
        let answer = acme.post("/Users", &large(&format!("u{acknowledged}")));
        if answer.status != 201 {
            break answer;
        }
        acknowledged += 1;
        assert!(acknowledged < 2_000, "the disk is not full");
    };
    assert_eq!(refused.status, 507, "{}", refused.text);
    assert_eq!(user_names(&acme).len(), acknowledged);
    acme.find("/Users", "userName eq \"first\"").expect(200);
    disk.make_room();
    let back = wait_for("service is back", || acme.post("/Users", &large("last")).status == 201);
    println!("full disk: {acknowledged} acknowledged, 0 lost, served again after {} ms", back.as_millis());
    assert!(back < BACK_WITHIN, "{back:?}");
    assert_eq!(user_names(&acme).len(), acknowledged + 1);
    gateway.audit(&acme);
    // Before its server.
    drop(gateway);
}
