//! Writes that wait together are committed together, and are still each on their own. Checkpoints keep the log
//! short.

use std::sync::mpsc;
use std::time::Duration;

use diesel::{RunQueryDsl, sql_query};
use futures_util::future::join_all;
use store::{Store, StoreError, StoreSettings, WriteTx};
use testkit::stores::FreshStore;
use tokio::task::JoinHandle;

use crate::support::{MIGRATIONS, add_one, counter, insert, insert_orphan, names, number};

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
async fn a_dry_run_that_shares_a_commit_is_undone_and_the_others_are_stored() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let store = &fresh.store;
    let (go_on, holding) = hold_the_writer(store).await;
    let found = |tx: &mut WriteTx<'_>| {
        insert(tx, "dry")?;
        tx.falls_due(1);
        number(tx.connection(), "SELECT count(*) AS number FROM things")
    };
    let (first, dry, failing, last, ()) = tokio::join!(
        store.write_repeatable(|tx| insert(tx, "a")),
        store.dry_run(found),
        store.dry_run(|tx| -> Result<(), StoreError> {
            insert(tx, "b")?;
            panic!("on purpose")
        }),
        store.write_repeatable(|tx| insert(tx, "c")),
        async { go_on.send(()).unwrap() }
    );
    holding.await.unwrap().unwrap();
    first.unwrap();
    last.unwrap();
    assert_eq!(dry.unwrap(), 3, "it meets what was written before it");
    assert!(matches!(failing, Err(StoreError::Panicked)));
    assert_eq!(names(store).await, ["a", "c"]);
    // Alone it ends without a commit.
    let before = store.stats();
    assert_eq!(store.dry_run(found).await.unwrap(), 4);
    assert_eq!(store.stats().commits, before.commits);
    assert_eq!(names(store).await, ["a", "c"]);
    fresh.remove().await;
}

type Work = Box<dyn FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send>;

/// These works, in a batch that begins when the writer is let go.
async fn together<F>(store: &Store, works: Vec<F>) -> Vec<Result<(), StoreError>>
where
    F: FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
{
    let (go_on, holding) = hold_the_writer(store).await;
    let writes = join_all(works.into_iter().map(|work| store.write_repeatable(work)));
    let (results, _) = tokio::join!(writes, async { go_on.send(()).unwrap() });
    holding.await.unwrap().unwrap();
    results
}

fn inserts(names: &'static [&'static str]) -> impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send {
    move |tx| names.iter().try_for_each(|name| insert(tx, name))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_runs_again_only_when_something_in_it_must_be_undone() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let store = &fresh.store;
    let before = store.stats();

    // The second fails with nothing to undo: what it did is what SQLite itself takes back.
    let refuse = |_: &mut WriteTx<'_>| Err(StoreError::Busy);
    let works: Vec<Work> = vec![Box::new(inserts(&["a"])), Box::new(refuse), Box::new(inserts(&["b"]))];
    let results = together(store, works).await;
    assert!(matches!(results[..], [Ok(()), Err(StoreError::Busy), Ok(())]), "{results:?}");
    let after = store.stats();
    assert_eq!((after.jobs - before.jobs, after.repeats), (1 + 3, 0));

    // The second has inserted "d" by the time it fails.
    let results = together(store, vec![inserts(&["c"]), inserts(&["d", "a"]), inserts(&["e"])]).await;
    assert_eq!(results[1].as_ref().unwrap_err().unique_violation(), Some("things.name"));
    assert!(results[0].is_ok() && results[2].is_ok(), "{results:?}");
    assert_eq!(names(store).await, ["a", "b", "c", "e"]);
    let again = store.stats();
    assert_eq!((again.jobs - after.jobs, again.repeats), (1 + 2 + 3, 1));

    // Where one was refused, more are: from now on there are savepoints, and nothing is done twice.
    let results = together(store, vec![inserts(&["f"]), inserts(&["g", "a"]), inserts(&["h"])]).await;
    assert!(results[0].is_ok() && results[1].is_err() && results[2].is_ok(), "{results:?}");
    assert_eq!(names(store).await, ["a", "b", "c", "e", "f", "h"]);
    let last = store.stats();
    assert_eq!((last.jobs - again.jobs, last.repeats), (1 + 3, 1));
    assert_eq!(last.commits - before.commits, 3 * 2);
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_makes_the_others_run_again_and_work_that_may_not_is_never_run_twice() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let store = &fresh.store;
    let panics = |tx: &mut WriteTx<'_>| {
        insert(tx, "lost")?;
        panic!("on purpose")
    };
    let works: Vec<Work> = vec![Box::new(inserts(&["a"])), Box::new(panics)];
    let results = together(store, works).await;
    assert!(matches!(results[..], [Ok(()), Err(StoreError::Panicked)]), "{results:?}");
    assert_eq!((names(store).await, store.stats().repeats), (vec!["a".to_owned()], 1));

    let fresh_too = FreshStore::sqlite(MIGRATIONS).await;
    let store = &fresh_too.store;
    let (go_on, holding) = hold_the_writer(store).await;
    let before = store.stats();
    let (once, spoiled, _) = tokio::join!(
        store.write(|tx| insert(tx, "once")),
        store.write_repeatable(inserts(&["lost", "once"])),
        async { go_on.send(()).unwrap() }
    );
    holding.await.unwrap().unwrap();
    assert!(once.is_ok() && spoiled.is_err(), "{once:?} {spoiled:?}");
    let after = store.stats();
    assert_eq!((names(store).await, after.repeats), (vec!["once".to_owned()], 0));
    assert_eq!(after.jobs - before.jobs, 2);
    fresh_too.remove().await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_a_bound() {
    let settings = StoreSettings { group_commit_max: 4, ..StoreSettings::default() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    let (go_on, holding) = hold_the_writer(&fresh.store).await;
    let before = fresh.store.stats();
    let writers = (0..10).map(|_| fresh.store.write(add_one));
    let (results, _) = tokio::join!(join_all(writers), async { go_on.send(()).unwrap() });
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
    let writers = join_all((0..5).map(|_| fresh.store.write(add_one)));
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
    let results = join_all(readers).await;
    let refused = results.iter().filter(|result| matches!(result, Err(StoreError::Busy))).count();
    assert_eq!(refused, 2, "{results:?}");
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_checkpointed_beside_the_writer_and_starts_again() {
    // More than the writer copies itself.
    let settings = StoreSettings { checkpoint_pages: 1_000, ..StoreSettings::default() };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    let mut rows = 0..;
    let mut write = async || {
        let row = format!("{:0>2000}", rows.next().unwrap());
        fresh.store.write(move |tx| insert(tx, &row)).await.unwrap();
        fresh.store.stats()
    };
    while write().await.wal_pages < 1_000 {}
    // Nobody writes any more, so this one is from beside.
    let mut patience = 400;
    while fresh.store.stats().checkpoints == 0 {
        patience -= 1;
        assert!(patience > 0, "no checkpoint: {:?}", fresh.store.stats());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What came since is little: the writer copies it itself, after it has answered, and what is copied is written over.
    let mut writes = 20;
    while write().await.wal_pages >= 100 {
        writes -= 1;
        assert!(writes > 0, "the log never began anew: {:?}", fresh.store.stats());
    }
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_stays_bounded_under_constant_load_and_behind_a_long_reader() {
    // No background checkpoint: the first mark, which is below the second whatever is asked, alone has to hold.
    let settings =
        StoreSettings { checkpoint_pages: 1_000_000, wal_max_pages: 150, ..StoreSettings::default() };
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

#[tokio::test(flavor = "multi_thread")]
async fn writes_in_the_background_and_others_take_turns_on_threads_of_their_own() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let background = fresh.store.in_background();
    let (go_on, holding) = hold_the_writer(&fresh.store).await;
    let before = fresh.store.stats();
    let queue = [("a", &fresh.store), ("b", &background), ("c", &background), ("d", &fresh.store)];
    let writes = join_all(queue.map(|(name, store)| {
        store.write(move |tx| {
            insert(tx, name)?;
            Ok::<_, StoreError>(std::thread::current().name() == Some("background"))
        })
    }));
    let (apart, _) = tokio::join!(writes, async { go_on.send(()).unwrap() });
    holding.await.unwrap().unwrap();

    let apart: Vec<bool> = apart.into_iter().map(Result::unwrap).collect();
    assert_eq!(apart, [false, true, true, false]);
    assert_eq!(names(&fresh.store).await, ["a", "b", "c", "d"]);
    // One for the job that held the writer, one for each change of threads.
    assert_eq!(fresh.store.stats().commits - before.commits, 4);
    fresh.remove().await;
}
