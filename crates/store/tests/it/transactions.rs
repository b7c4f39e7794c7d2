//! All or nothing, however a closure ends; one view for a reader; nothing lost between writers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::{Connection, RunQueryDsl, sql_query};
use store::{Store, StoreError};
use testkit::stores::on_each_store;

use crate::support::{MIGRATIONS, add_one, counter, insert, insert_orphan, names, number};

#[derive(Debug)]
enum Refused {
    Store(StoreError),
    ByTheWork,
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_returns_ok_is_stored() {
    on_each_store(MIGRATIONS, |store| async move {
        let id = store.write(|tx| insert(tx, "kept").map(|()| tx.new_id())).await.unwrap();
        assert_eq!(id.len(), 36);
        assert_eq!(names(&store).await, ["kept"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_or_a_panic_undoes_everything_and_the_store_goes_on() {
    on_each_store(MIGRATIONS, |store| async move {
        let refused: Result<(), Refused> = store
            .write(|tx| {
                insert(tx, "a")?;
                Err(Refused::ByTheWork)
            })
            .await;
        assert!(matches!(refused, Err(Refused::ByTheWork)));

        let panicked: Result<(), Refused> = store
            .write(|tx| {
                insert(tx, "b")?;
                panic!("on purpose")
            })
            .await;
        assert!(matches!(panicked, Err(Refused::Store(StoreError::Panicked))));

        let panicked: Result<(), StoreError> = store.read(|_| panic!("on purpose")).await;
        assert!(matches!(panicked, Err(StoreError::Panicked)));

        store.write(|tx| insert(tx, "c")).await.unwrap();
        assert_eq!(names(&store).await, ["c"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_inside_nested_transactions_is_undone_to_the_bottom() {
    on_each_store(MIGRATIONS, |store| async move {
        let panicked: Result<(), StoreError> = store
            .write(|tx| {
                insert(tx, "a")?;
                tx.connection().transaction(|connection| {
                    connection.transaction(|connection| {
                        sql_query("INSERT INTO things (name, amount) VALUES ('b', 1)").execute(connection)?;
                        panic!("on purpose")
                    })
                })
            })
            .await;
        assert!(matches!(panicked, Err(StoreError::Panicked)));
        store.write(|tx| insert(tx, "c")).await.unwrap();
        assert_eq!(names(&store).await, ["c"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_savepoint_fails_alone() {
    on_each_store(MIGRATIONS, |store| async move {
        store
            .write(|tx| {
                insert(tx, "a")?;
                let inner = tx.savepoint(|tx| {
                    insert(tx, "b")?;
                    insert(tx, "a")
                });
                assert_eq!(inner.unwrap_err().unique_violation(), Some("things.name"));
                let panicked: Result<(), StoreError> = tx.savepoint(|tx| {
                    insert(tx, "d")?;
                    tx.savepoint(|tx| insert(tx, "e").map(|()| panic!("in a savepoint of a savepoint")))
                });
                assert!(matches!(panicked, Err(StoreError::Panicked)), "{panicked:?}");
                tx.savepoint(|tx| insert(tx, "c"))
            })
            .await
            .unwrap();
        assert_eq!(names(&store).await, ["a", "c"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_the_work_swallows_is_not_acknowledged_as_stored() {
    on_each_store(MIGRATIONS, |store| async move {
        let swallowed: Result<(), StoreError> = store
            .write(|tx| {
                insert(tx, "a")?;
                let _ignored = insert(tx, "a");
                Ok(())
            })
            .await;
        // SQLite undoes the failed statement only, PostgreSQL the transaction. Never may Ok mean lost.
        let stored = names(&store).await;
        assert_eq!(swallowed.is_ok(), stored == ["a"], "{swallowed:?} but {stored:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unique_keys_have_one_name_on_both_databases() {
    on_each_store(MIGRATIONS, |store| async move {
        let twice = "INSERT INTO pairs (a, b) VALUES ('x', ')=('), ('x', ')=(')";
        let error: Result<usize, StoreError> =
            store.write(move |tx| Ok(sql_query(twice).execute(tx.connection())?)).await;
        assert_eq!(error.unwrap_err().unique_violation(), Some("pairs.a, pairs.b"));

        let negative = "UPDATE things SET amount = -1";
        let error: Result<usize, StoreError> =
            store.write(move |tx| Ok(sql_query(negative).execute(tx.connection())?)).await;
        let error = error.unwrap_err();
        assert_eq!(error.unique_violation(), None);
        assert!(matches!(error, StoreError::Query(_)), "{error:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_writers_at_once_lose_nothing() {
    on_each_store(MIGRATIONS, |store| async move {
        let writers: Vec<_> = (0..200)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.write(add_one).await.unwrap() })
            })
            .collect();
        let mut seen = Vec::new();
        for writer in writers {
            seen.push(writer.await.unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, (1..=200).collect::<Vec<i64>>());
        assert_eq!(store.read(counter).await.unwrap(), 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_cannot_write() {
    on_each_store(MIGRATIONS, |store| async move {
        let refused: Result<usize, StoreError> =
            store.read(|tx| Ok(sql_query("UPDATE things SET amount = 7").execute(tx.connection())?)).await;
        assert!(refused.is_err());
        assert_eq!(store.read(counter).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_sees_one_moment_while_others_write() {
    on_each_store(MIGRATIONS, |store| async move {
        let stop = Arc::new(AtomicBool::new(false));
        let writing = tokio::spawn(keep_writing(store.clone(), Arc::clone(&stop)));
        for _ in 0..50 {
            let (before, after) = store
                .read(|tx| {
                    let query = "SELECT count(*) AS number FROM things";
                    let before = number(tx.connection(), query)?;
                    std::thread::sleep(Duration::from_millis(1));
                    Ok::<_, StoreError>((before, number(tx.connection(), query)?))
                })
                .await
                .unwrap();
            assert_eq!(before, after);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(writing.await.unwrap() > 0);
    })
    .await;
}

async fn keep_writing(store: Store, stop: Arc<AtomicBool>) -> u32 {
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        store.write(move |tx| insert(tx, &format!("row {written}"))).await.unwrap();
        written += 1;
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_has_begun_commits_although_its_caller_left() {
    on_each_store(MIGRATIONS, |store| async move {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let writer = store.clone();
        let caller = tokio::spawn(async move {
            writer
                .write(move |tx| {
                    begun.send(()).unwrap();
                    std::thread::sleep(Duration::from_millis(30));
                    insert(tx, "kept")
                })
                .await
        });
        has_begun.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        // On SQLite this waits behind the job; on PostgreSQL the job is merely soon done.
        for _ in 0..200 {
            store.write(add_one).await.unwrap();
            if names(&store).await == ["kept"] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the job was lost with its caller");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_is_told() {
    on_each_store(MIGRATIONS, |store| async move {
        let failed = store
            .write(|tx| {
                insert(tx, "a")?;
                insert_orphan(tx)
            })
            .await;
        assert!(matches!(failed, Err(StoreError::Query(_))), "{failed:?}");
        store.write(|tx| insert(tx, "b")).await.unwrap();
        assert_eq!(names(&store).await, ["b"]);
    })
    .await;
}
