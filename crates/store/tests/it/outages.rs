//! PostgreSQL away, restarted, or cut off in the middle: what was acknowledged is stored, nothing is stored twice, every call
//! ends soon, and service is back without a human.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use store::{SchemaName, Store, StoreError, StoreLocation, StoreSettings, Stores};
use testkit::proxy::{Cut, Proxy};
use testkit::small_disk::SmallDisk;
use testkit::stores::{PostgresServer, postgres_location};

use crate::support::{MIGRATIONS, add_one, counter, insert, names};

fn schema_of(cell: store::PostgresUrl) -> StoreLocation {
    let StoreLocation::Postgres { schema, .. } = postgres_location() else { unreachable!() };
    StoreLocation::Postgres { cell, schema }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_cut_in_a_transaction_or_in_its_commit_is_no_success_and_nothing_runs_twice() {
    let server = PostgresServer::get();
    let proxy = Proxy::before(server.url());
    let location = schema_of(store::PostgresUrl::new(&proxy.url(server.url())).unwrap());
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let store = stores.create(&location, MIGRATIONS).await.unwrap();
    let (mut acknowledged, mut stored_untold) = (0, 0);
    for cut in [Cut::Before("UPDATE"), Cut::Before("COMMIT"), Cut::AfterCommit].repeat(5) {
        store.write(add_one).await.unwrap();
        acknowledged += 1;
        proxy.cut_once(cut);
        let before = proxy.cuts();
        let told = store.write(add_one).await;
        assert!(matches!(told, Err(StoreError::Unavailable(_))), "{cut:?}: {told:?}");
        assert_eq!(proxy.cuts(), before + 1, "{cut:?}");
        stored_untold += i64::from(cut == Cut::AfterCommit);
        assert_eq!(store.read(counter).await.unwrap(), acknowledged + stored_untold, "{cut:?}");
    }
    // What was not begun is begun elsewhere, unseen.
    for _ in 0..5 {
        proxy.cut_once(Cut::Before("BEGIN"));
        store.write(add_one).await.unwrap();
        acknowledged += 1;
    }
    let found = store.read(counter).await.unwrap();
    eprintln!("cut: {acknowledged} acknowledged, lost 0, doubled {}", found - acknowledged - stored_untold);
    assert_eq!(found, acknowledged + stored_untold);
    stores.destroy(&location).await.unwrap();
    stores.shutdown().await;
}

/// What clients that only ever add one were told.
#[derive(Default)]
struct Told {
    acknowledged: AtomicI64,
    /// It may or may not be stored.
    failed: AtomicI64,
    longest_ms: AtomicI64,
}

impl Told {
    /// Adds to the counter until told to stop.
    async fn load(&self, store: &Store, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            match store.write(add_one).await {
                Ok(_) => self.acknowledged.fetch_add(1, Ordering::Relaxed),
                Err(StoreError::Unavailable(_) | StoreError::Busy) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    self.failed.fetch_add(1, Ordering::Relaxed)
                }
                Err(other) => panic!("not what an outage is called: {other:?}"),
            };
            let took = i64::try_from(began.elapsed().as_millis()).unwrap();
            self.longest_ms.fetch_max(took, Ordering::Relaxed);
        }
    }
}

/// Clients in some schemas while `fault` happens. Panics when an acknowledged write is lost or one is doubled.
async fn under_load(name: &str, cell: store::PostgresUrl, fault: impl AsyncFnOnce(&[Store])) {
    const CLIENTS: usize = 8;
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    let mut opened = Vec::new();
    for _ in 0..CLIENTS {
        let location = schema_of(cell.clone());
        let store = stores.create(&location, MIGRATIONS).await.unwrap();
        opened.push(store.clone());
        let (told, stop) = (Arc::new(Told::default()), Arc::clone(&stop));
        let own = Arc::clone(&told);
        let task = tokio::spawn(async move { own.load(&store, &stop).await });
        clients.push((told, task, location));
    }
    fault(&opened).await;
    stop.store(true, Ordering::Relaxed);
    let (mut acknowledged, mut failed, mut longest) = (0, 0, 0);
    for ((told, task, location), store) in clients.into_iter().zip(&opened) {
        task.await.unwrap();
        let found = store.read(counter).await.unwrap();
        let (told_yes, told_no) =
            (told.acknowledged.load(Ordering::Relaxed), told.failed.load(Ordering::Relaxed));
        assert!(told_yes <= found, "{name}: {} acknowledged writes are lost", told_yes - found);
        assert!(found <= told_yes + told_no, "{name}: {} writes are doubled", found - told_yes - told_no);
        acknowledged += told_yes;
        failed += told_no;
        longest = longest.max(told.longest_ms.load(Ordering::Relaxed));
        stores.destroy(&location).await.unwrap();
    }
    eprintln!(
        "{name}: acknowledged {acknowledged}, failed {failed}, lost 0, doubled 0, longest call {longest} ms"
    );
    // Attempts to connect (2 s) and a wait for a turn (5 s) are bounded.
    assert!(longest < 10_000, "{name}: a call took {longest} ms");
    stores.shutdown().await;
}

async fn until_served(store: &Store) -> Duration {
    let began = Instant::now();
    while store.read(counter).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(30), "not served again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_restarted_under_load_loses_and_doubles_nothing_and_is_back_within_five_seconds() {
    let server = Arc::new(PostgresServer::start());
    for mode in ["fast", "immediate"] {
        let own = Arc::clone(&server);
        under_load(&format!("restart, {mode}"), server.cell(), async move |opened: &[Store]| {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let (stopping, starting) = (Arc::clone(&own), Arc::clone(&own));
            tokio::task::spawn_blocking(move || stopping.stop(mode)).await.unwrap();
            // Away for long enough that every client has met it.
            let away = Instant::now();
            while away.elapsed() < Duration::from_secs(1) {
                let began = Instant::now();
                let told = opened[0].read(counter).await;
                assert!(matches!(told, Err(StoreError::Unavailable(_) | StoreError::Busy)), "{told:?}");
                assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            tokio::task::spawn_blocking(move || starting.start_again()).await.unwrap();
            let mut longest = Duration::ZERO;
            for store in opened {
                longest = longest.max(until_served(store).await);
            }
            eprintln!("restart, {mode}: served again after {} ms", longest.as_millis());
            assert!(longest < Duration::from_secs(5), "{longest:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn backends_terminated_under_load_lose_and_double_nothing() {
    let server = PostgresServer::start();
    under_load("pg_terminate_backend", server.cell(), async |opened: &[Store]| {
        let mut outside = PgConnection::establish(server.url()).unwrap();
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            outside
                .batch_execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE application_name = 'usher' AND pid <> pg_backend_pid()",
                )
                .unwrap();
        }
        let longest = until_served(&opened[0]).await;
        eprintln!("pg_terminate_backend: served again after {} ms", longest.as_millis());
        assert!(longest < Duration::from_secs(5), "{longest:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_server_is_full_reads_go_on_and_it_heals() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(&directory.path().join("disk"), 32);
    let server = PostgresServer::start();
    server.keep_tables_on(&disk);
    let location = schema_of(server.cell());
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let store = stores.create(&location, MIGRATIONS).await.unwrap();
    let add = |number: usize| {
        let name = format!("{number} {}", "x".repeat(1_000));
        store.write(move |tx| insert(tx, &name))
    };
    for number in 0..50 {
        add(number).await.unwrap();
    }
    disk.fill();
    let mut acknowledged = 50;
    let full = loop {
        match add(acknowledged).await {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 1_000, "the disk is not full");
    };
    assert!(matches!(full, StoreError::Full), "{full:?}");
    assert_eq!(names(&store).await.len(), acknowledged);
    disk.make_room();
    let began = Instant::now();
    add(acknowledged).await.unwrap();
    eprintln!(
        "full disk: acknowledged {acknowledged}, lost 0, served again after {} ms",
        began.elapsed().as_millis()
    );
    assert_eq!(names(&store).await.len(), acknowledged + 1);
    stores.destroy(&location).await.unwrap();
    stores.shutdown().await;
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_server_does_not_answer_one_call_waits_and_the_others_fail_at_once() {
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://usher:hunter2@{}/cell1", silent.local_addr().unwrap());
    let cell = store::PostgresUrl::new(&url).unwrap();
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let schema = SchemaName::new("t_1").unwrap();
    let location = StoreLocation::Postgres { cell: cell.clone(), schema };
    let began = Instant::now();
    let first = stores.open(&location, MIGRATIONS).await.err().unwrap();
    assert!(matches!(first, StoreError::Unavailable(_)), "{first:?}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let began = Instant::now();
    let second = stores.open(&location, MIGRATIONS).await.err().unwrap();
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
    assert!(matches!(&second, StoreError::Unavailable(_)), "{second:?}");
    assert!(stores.cell_stats(&cell).is_away);
    for error in [first, second] {
        assert!(!error.to_string().contains("hunter2") && !error.to_string().contains('\n'), "{error}");
    }
    stores.shutdown().await;
}
