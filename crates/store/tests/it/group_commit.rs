//! Writes that wait together are committed together, and are still each on their own. Checkpoints keep the log
//! short.

use std::sync::mpsc;
use std::time::Duration;

use diesel::{RunQueryDsl, sql_query};
use store::{Store, StoreError, StoreSettings};
use testkit::stores::FreshStore;
use tokio::task::JoinHandle;

use crate::support::{MIGRATIONS, add_one, counter, insert, insert_orphan, names};

/// Occupies the writer until the returned sender is used, so that what is written next has to wait together.
pub(crate) async fn hold_the_writer(store: &Store) -> (mpsc::Sender<()>, JoinHandle<Result<(), StoreError>>) {
    let (go_on, wait) = mpsc::channel();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let store = store.clone();
    let holding = tokio::spawn(async move {
        store
            .write(move |_| {
                begun.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            })
            .await
    });
    has_begun.await.unwrap();
    (go_on, holding)
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_writes_share_a_commit_and_a_failing_one_disturbs_nobody() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let (go_on, holding) = hold_the_writer(&fresh.store).await;
    let before = fresh.store.stats();

    let (first, second, third, last) = (&fresh.store, &fresh.store, &fresh.store, &fresh.store);
    let all = async {
        tokio::join!(
            first.write(|tx| insert(tx, "a")),
            second.write(|tx| {
                insert(tx, "b")?;
                insert(tx, "a")
            }),
            third.write(|tx| -> Result<(), StoreError> {
                insert(tx, "c")?;
                panic!("on purpose")
            }),
            last.write(|tx| insert(tx, "d")),
            async {
                tokio::task::yield_now().await;
                go_on.send(()).unwrap();
            }
        )
    };
    let (first, second, third, last, ()) = all.await;
    holding.await.unwrap().unwrap();

    first.unwrap();
    assert_eq!(second.unwrap_err().unique_violation(), Some("things.name"));
    assert!(matches!(third, Err(StoreError::Panicked)));
    last.unwrap();
    assert_eq!(names(&fresh.store).await, ["a", "d"]);
    let after = fresh.store.stats();
    assert_eq!(after.jobs - before.jobs, 4);
    // One for the job that held the writer, one for the four.
    assert_eq!(after.commits - before.commits, 2);
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_a_bound() {
    let settings = StoreSettings { group_commit_max: 4, ..StoreSettings::default() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    let (go_on, holding) = hold_the_writer(&fresh.store).await;
    let before = fresh.store.stats();
    let writers = (0..10).map(|_| fresh.store.write(add_one));
    let (results, _) =
        tokio::join!(futures_util::future::join_all(writers), async { go_on.send(()).unwrap() });
    holding.await.unwrap().unwrap();
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(fresh.store.stats().commits - before.commits, 1 + 3);
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_caller_left_the_queue_is_still_done() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let (go_on, holding) = hold_the_writer(&fresh.store).await;
    {
        let waiting = fresh.store.write(|tx| insert(tx, "kept"));
        tokio::select! {
            biased;
            _ = waiting => panic!("the writer is held"),
            () = std::future::ready(()) => {}
        }
    }
    go_on.send(()).unwrap();
    holding.await.unwrap().unwrap();
    fresh.store.write(add_one).await.unwrap();
    assert_eq!(names(&fresh.store).await, ["kept"]);
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_is_refused_and_its_job_is_never_run() {
    let settings =
        StoreSettings { admission_deadline: Duration::from_millis(50), ..StoreSettings::default() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    let (go_on, holding) = hold_the_writer(&fresh.store).await;
    let late = fresh.store.write(|tx| insert(tx, "late")).await;
    assert!(matches!(late, Err(StoreError::Busy)));
    go_on.send(()).unwrap();
    // The one that had begun is answered, however long it took.
    holding.await.unwrap().unwrap();
    fresh.store.write(add_one).await.unwrap();
    assert!(names(&fresh.store).await.is_empty());
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_once() {
    let settings = StoreSettings { max_waiting: 2, read_connections: 1, ..StoreSettings::default() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    let (go_on, holding) = hold_the_writer(&fresh.store).await;
    let writers = futures_util::future::join_all((0..5).map(|_| fresh.store.write(add_one)));
    let (results, _) = tokio::join!(writers, async { go_on.send(()).unwrap() });
    holding.await.unwrap().unwrap();
    let refused = results.iter().filter(|result| matches!(result, Err(StoreError::Busy))).count();
    assert_eq!(refused, 3, "{results:?}");

    let readers = (0..5).map(|_| {
        fresh.store.read(|tx| {
            std::thread::sleep(Duration::from_millis(20));
            counter(tx)
        })
    });
    let results = futures_util::future::join_all(readers).await;
    let refused = results.iter().filter(|result| matches!(result, Err(StoreError::Busy))).count();
    assert_eq!(refused, 2, "{results:?}");
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_checkpointed_beside_the_writer() {
    let settings = StoreSettings { checkpoint_pages: 50, ..StoreSettings::default() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    for round in 0..200 {
        fresh.store.write(move |tx| insert(tx, &format!("row {round}"))).await.unwrap();
    }
    for _ in 0..200 {
        if fresh.store.stats().checkpoints > 0 {
            return fresh.remove().await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no checkpoint: {:?}", fresh.store.stats());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_bounded_under_constant_load_and_behind_a_long_reader() {
    // No background checkpoint: the cap alone has to hold.
    let settings =
        StoreSettings { checkpoint_pages: 1_000_000, wal_max_pages: 100, ..StoreSettings::default() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    let mut longest = 0;
    for round in 0..300 {
        fresh.store.write(move |tx| insert(tx, &format!("row {round}"))).await.unwrap();
        longest = longest.max(fresh.store.stats().wal_pages);
    }
    assert!((100..120).contains(&longest), "{longest} pages");

    // While a reader holds an old moment the log cannot begin anew; writes go on all the same.
    let (go_on, wait) = mpsc::channel();
    let reader = fresh.store.clone();
    let reading = tokio::spawn(async move {
        reader
            .read(move |tx| {
                counter(tx)?;
                wait.recv().unwrap();
                counter(tx)
            })
            .await
    });
    for _ in 0..120 {
        fresh.store.write(add_one).await.unwrap();
    }
    go_on.send(()).unwrap();
    reading.await.unwrap().unwrap();
    assert_eq!(fresh.store.read(counter).await.unwrap(), 120);
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_the_work_ends_itself_fails_the_batch_and_not_the_store() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let broken = fresh
        .store
        .write(|tx| {
            insert(tx, "a")?;
            Ok::<_, StoreError>(sql_query("ROLLBACK").execute(tx.connection())?)
        })
        .await;
    assert!(broken.is_err());
    fresh.store.write(|tx| insert(tx, "b")).await.unwrap();
    assert_eq!(names(&fresh.store).await, ["b"]);
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_acknowledges_nobody() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let (go_on, holding) = hold_the_writer(&fresh.store).await;
    let (first, second, third, ()) = tokio::join!(
        fresh.store.write(|tx| insert(tx, "a")),
        fresh.store.write(insert_orphan),
        // Refused because of a row that was never stored: it must not be told so.
        fresh.store.write(|tx| insert(tx, "a")),
        async { go_on.send(()).unwrap() }
    );
    holding.await.unwrap().unwrap();
    for result in [first, second, third] {
        assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
    }
    fresh.store.write(|tx| insert(tx, "b")).await.unwrap();
    assert_eq!(names(&fresh.store).await, ["b"]);
    fresh.remove().await;
}

#[test]
fn a_runtime_that_ends_under_a_write_leaves_the_store_usable() {
    let first =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let second = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let fresh = second.block_on(FreshStore::sqlite(MIGRATIONS));

    // The only thread is taken, so the writer's job still waits for it when the runtime ends.
    let (go_on, wait) = mpsc::channel::<()>();
    first.spawn_blocking(move || wait.recv());
    let store = fresh.store.clone();
    let (asked, has_asked) = mpsc::channel();
    first.spawn(async move {
        let writing = store.write(add_one);
        tokio::pin!(writing);
        tokio::select! {
            biased;
            _ = &mut writing => {}
            () = std::future::ready(()) => {}
        }
        asked.send(()).unwrap();
        writing.await
    });
    has_asked.recv().unwrap();
    first.shutdown_background();
    go_on.send(()).unwrap();

    second.block_on(async {
        fresh.store.write(add_one).await.unwrap();
        // Whether a job that waited is run or given up is the runtime's choice; its caller is gone either way.
        assert!((1..=2).contains(&fresh.store.read(counter).await.unwrap()));
        fresh.remove().await;
    });
}
