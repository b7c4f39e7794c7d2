//! The write-ahead log has a bound, also while others read, and is emptied some time after the last write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use futures_util::future::join_all;
use store::{ReadTx, Store, StoreError, StoreSettings, WriteTx};
use testkit::stores::FreshStore;

use crate::support::{MIGRATIONS, add_one, counter, insert, log_of, path_of};

const LIMIT_MIB: u32 = 4;
const LIMIT: u64 = 4 << 20;

fn settings() -> StoreSettings {
    let log_idle = Duration::from_millis(300);
    StoreSettings { log_limit_mib: LIMIT_MIB, sqlite_cache_kib: 256, log_idle, ..StoreSettings::default() }
}

fn log_size(fresh: &FreshStore) -> u64 {
    std::fs::metadata(log_of(fresh)).map_or(0, |log| log.len())
}

/// About six pages in the log: the name is in the table and in its index.
fn row(writer: usize, number: usize) -> String {
    format!("{writer}-{number}-{}", "x".repeat(8_000))
}

/// Looks at the file until the flag is down: the largest size that was seen.
fn watch(fresh: &FreshStore, goes_on: &Arc<AtomicBool>) -> std::thread::JoinHandle<u64> {
    let (log, goes_on) = (log_of(fresh), Arc::clone(goes_on));
    std::thread::spawn(move || {
        let mut largest = 0;
        while goes_on.load(Ordering::Relaxed) {
            largest = largest.max(std::fs::metadata(&log).map_or(0, |log| log.len()));
            std::thread::sleep(Duration::from_millis(1));
        }
        largest
    })
}

async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A read as a search in memory is: many queries, and time between them.
fn read_slowly(tx: &mut ReadTx<'_>, rounds: u32) -> Result<i64, StoreError> {
    for _ in 0..rounds {
        counter(tx)?;
        std::thread::sleep(Duration::from_millis(5));
        tx.haste().may_go_on()?;
    }
    counter(tx)
}

async fn write_rows(store: &Store, writer: usize, rows: usize) {
    for number in 0..rows {
        let row = row(writer, number);
        store.write_repeatable(move |tx| insert(tx, &row)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overlapping_reads_never_push_the_log_beyond_its_limit_and_nobody_starves() {
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings()).await;
    let goes_on = Arc::new(AtomicBool::new(true));
    let watching = watch(&fresh, &goes_on);
    let done = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, goes_on, done) = (fresh.store.clone(), Arc::clone(&goes_on), Arc::clone(&done));
            tokio::spawn(async move {
                while goes_on.load(Ordering::Relaxed) {
                    match store.read(|tx| read_slowly(tx, 12)).await {
                        Ok(_) => done.fetch_add(1, Ordering::Relaxed),
                        // A machine that is too busy may make any read a long one.
                        Err(StoreError::Busy) => 0,
                        Err(error) => panic!("{error}"),
                    };
                }
            })
        })
        .collect();
    // More than twice what the log may hold.
    join_all((0..4).map(|writer| write_rows(&fresh.store, writer, 100))).await;
    goes_on.store(false, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    let largest = watching.join().unwrap();
    assert!(largest > LIMIT / 4, "nothing was tried: {largest} bytes");
    assert!(largest <= LIMIT, "{largest} bytes");
    assert!(done.load(Ordering::Relaxed) > 0, "no read ended well");
    // Without another write.
    wait_until("the log is short", || log_size(&fresh) < LIMIT / 4).await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_without_an_end_is_ended_so_that_the_log_can_start_again() {
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings()).await;
    let store = fresh.store.clone();
    let reading = tokio::spawn(async move { store.read(|tx| read_slowly(tx, u32::MAX)).await });
    write_rows(&fresh.store, 0, 300).await;
    assert!(matches!(reading.await.unwrap(), Err(StoreError::Busy)));
    assert!(log_size(&fresh) <= LIMIT);
    assert_eq!(fresh.store.read(counter).await.unwrap(), 0);
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_another_process_reads_a_full_log_refuses_writes_and_reads_go_on() {
    let settings = StoreSettings { admission_deadline: Duration::from_millis(200), ..settings() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    fresh.store.write(add_one).await.unwrap();
    let mut outside = SqliteConnection::establish(path_of(&fresh).to_str().unwrap()).unwrap();
    outside.batch_execute("BEGIN; SELECT count(*) FROM things").unwrap();
    let mut written = 0;
    let refused = loop {
        let row = row(0, written);
        match fresh.store.write_repeatable(move |tx| insert(tx, &row)).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 2_000, "the log is never full");
    };
    assert!(matches!(refused, StoreError::Busy), "{refused:?}");
    assert!(matches!(fresh.store.write(add_one).await, Err(StoreError::Busy)));
    assert!(log_size(&fresh) <= LIMIT);
    assert_eq!(fresh.store.read(counter).await.unwrap(), 1);
    outside.batch_execute("ROLLBACK").unwrap();
    let began = Instant::now();
    while fresh.store.write(add_one).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never heals");
    }
    assert_eq!(fresh.store.read(counter).await.unwrap(), 2, "what was refused was not done");
    drop(outside);
    fresh.remove().await;
}

fn insert_many(tx: &mut WriteTx<'_>, from: usize, rows: usize) -> Result<(), StoreError> {
    (from..from + rows).try_for_each(|number| insert(tx, &row(9, number)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_without_room_runs_again_from_the_beginning_of_the_log() {
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings()).await;
    let goes_on = Arc::new(AtomicBool::new(true));
    let watching = watch(&fresh, &goes_on);
    // Each fits, but not behind another; the second and the third are tried in one batch.
    fresh.store.write_repeatable(|tx| insert_many(tx, 0, 100)).await.unwrap();
    let (second, third, small) = tokio::join!(
        fresh.store.write_repeatable(|tx| insert_many(tx, 1_000, 100)),
        fresh.store.write_repeatable(|tx| insert_many(tx, 2_000, 100)),
        fresh.store.write_repeatable(add_one),
    );
    second.unwrap();
    third.unwrap();
    assert_eq!(small.unwrap(), 1);
    goes_on.store(false, Ordering::Relaxed);
    assert!(watching.join().unwrap() <= LIMIT);

    // One that fits nowhere is larger than the limit for once, by itself.
    fresh.store.write_repeatable(|tx| insert_many(tx, 3_000, 300)).await.unwrap();
    let count = |tx: &mut ReadTx<'_>| {
        crate::support::number(tx.connection(), "SELECT count(*) AS number FROM things")
    };
    assert_eq!(fresh.store.read(count).await.unwrap(), 1 + 3 * 100 + 300);
    wait_until("the log is short", || log_size(&fresh) < LIMIT / 4).await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_is_emptied_when_nobody_writes_any_more() {
    let settings = StoreSettings { log_idle: Duration::from_millis(50), ..StoreSettings::default() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    for round in 1..=3 {
        fresh.store.write(add_one).await.unwrap();
        assert!(round > 1 || log_size(&fresh) > 0);
        wait_until("the log is empty", || log_size(&fresh) == 0).await;
        // A copy of the main file alone is whole.
        let copy = path_of(&fresh).with_extension("copy");
        std::fs::copy(path_of(&fresh), &copy).unwrap();
        let mut copy = SqliteConnection::establish(copy.to_str().unwrap()).unwrap();
        let amount = sql_query("SELECT amount AS number FROM things WHERE name = 'counter'");
        assert_eq!(amount.get_result::<crate::support::Number>(&mut copy).unwrap().number, round);
    }
    // Also while somebody reads, whose view is of before.
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let store = fresh.store.clone();
    let reading = tokio::spawn(async move {
        store
            .read(move |tx| {
                let before = counter(tx)?;
                begun.send(()).unwrap();
                wait.recv().unwrap();
                Ok::<_, StoreError>((before, counter(tx)?))
            })
            .await
    });
    has_begun.await.unwrap();
    fresh.store.write(add_one).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(fresh.store.read(counter).await.unwrap(), 4);
    go_on.send(()).unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), (3, 3));
    wait_until("the log is empty", || log_size(&fresh) == 0).await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stores_come_and_go_while_their_logs_are_emptied() {
    let directory = tempfile::tempdir().unwrap();
    let settings =
        StoreSettings { log_idle: Duration::from_millis(1), max_open: 3, ..StoreSettings::default() };
    let stores = store::Stores::new(settings).unwrap();
    let location = |number: usize| {
        store::StoreLocation::Sqlite(store::StoreFile::new(directory.path(), &format!("t{number}")).unwrap())
    };
    for number in 0..8 {
        stores.create(&location(number), MIGRATIONS).await.unwrap();
    }
    let clients = (0..4).map(|client| {
        let (stores, locations) = (stores.clone(), (0..8).map(location).collect::<Vec<_>>());
        tokio::spawn(async move {
            for round in 0..60 {
                let store = stores.open(&locations[(client * 3 + round) % 8], MIGRATIONS).await.unwrap();
                store.write(add_one).await.unwrap();
            }
        })
    });
    for client in join_all(clients).await {
        client.unwrap();
    }
    let mut total = 0;
    for number in 0..8 {
        let store = stores.open(&location(number), MIGRATIONS).await.unwrap();
        total += store.read(counter).await.unwrap();
    }
    assert_eq!(total, 4 * 60);
    stores.shutdown().await;
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 8, "nothing is left beside the files");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_that_a_burst_has_left_long_does_not_wait_for_an_idle_minute() {
    let settings = StoreSettings { log_idle: Duration::from_secs(3_600), ..StoreSettings::default() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    // From here on an hour would be waited for.
    fresh.store.write(add_one).await.unwrap();
    fresh.store.write(|tx| insert_many(tx, 0, 400)).await.unwrap();
    assert!(log_size(&fresh) > 4 << 20);
    wait_until("the log is empty", || log_size(&fresh) == 0).await;
    fresh.remove().await;
}
