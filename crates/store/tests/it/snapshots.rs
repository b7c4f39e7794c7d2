//! Copies of a store that is being written: each is the store at one moment, whatever the log does meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use diesel::sql_types::{BigInt, Text};
use diesel::{RunQueryDsl, sql_query};
use store::{Snapshot, StoreError, StoreSettings};
use testkit::stores::FreshStore;

use crate::support::{MIGRATIONS, Word, add_one, number, path_of};

/// Set in the process that `copies_taken_by_another_process_…` starts of this test binary, which takes the copies.
const SOURCE: &str = "USHER_TEST_SNAPSHOT_SOURCE";

/// Copies in one run.
const COPIES: usize = 60;

#[test]
fn takes_copies_for_another_test() {
    let Ok(source) = std::env::var(SOURCE) else { return };
    let source = Path::new(&source);
    for n in 0..COPIES {
        let copy = source.with_extension(format!("copy{n}"));
        let _there_was_none = std::fs::remove_file(&copy);
        Snapshot::take(source, &copy).unwrap();
    }
}

/// As a backup does: another process, so that no lock of this one ends.
fn take_copies(source: &Path) {
    let mut taking = std::process::Command::new(std::env::current_exe().unwrap());
    taking.args(["--exact", "snapshots::takes_copies_for_another_test"]).env(SOURCE, source);
    let done = taking.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_taken_by_another_process_while_the_log_starts_again_and_again_are_each_the_store_at_one_moment()
 {
    // A log that starts again after some 40 commits, and is emptied as soon as the writer rests.
    let settings = StoreSettings {
        checkpoint_pages: 40,
        wal_max_pages: 80,
        log_idle: std::time::Duration::from_millis(1),
        ..StoreSettings::default()
    };
    let fresh = FreshStore::sqlite_with(MIGRATIONS, settings).await;
    let (ended, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
    let writing = {
        let (store, ended, acknowledged) =
            (fresh.store.clone(), Arc::clone(&ended), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            while !ended.load(Ordering::Acquire) {
                // The counter says how many rows there are; each row and the counter are on pages of their own.
                let write = |tx: &mut store::WriteTx<'_>| {
                    let next = add_one(tx)?;
                    sql_query("INSERT INTO things (name, amount) VALUES ($1, $2)")
                        .bind::<Text, _>(
                            format!("{:032x}{next}", next.wrapping_mul(0x5e37_79b9_7f4a_7c15)).repeat(20),
                        )
                        .bind::<BigInt, _>(next)
                        .execute(tx.connection())?;
                    Ok::<_, StoreError>(next)
                };
                acknowledged.store(store.write(write).await.unwrap(), Ordering::Release);
                if acknowledged.load(Ordering::Acquire) % 97 == 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
                }
            }
        })
    };
    let source = path_of(&fresh);
    let taken = source.clone();
    let stats = fresh.store.clone();
    // On a busy machine the copies may be done before the log has started again often enough.
    let taking = move || {
        let mut runs = 0..20;
        while runs.next().is_some() && stats.stats().checkpoints <= 10 {
            take_copies(&taken);
        }
    };
    tokio::task::spawn_blocking(taking).await.unwrap();
    ended.store(true, Ordering::Release);
    writing.await.unwrap();
    assert!(fresh.store.stats().checkpoints > 10, "the log never started again: {:?}", fresh.store.stats());

    let mut before = -1;
    for n in 0..COPIES {
        let copy = source.with_extension(format!("copy{n}"));
        assert!(!copy.with_extension(format!("copy{n}-wal")).exists());
        let read = |tx: &mut store::ReadTx<'_>| {
            let connection = tx.connection();
            let check: Word = sql_query("SELECT integrity_check AS word FROM pragma_integrity_check")
                .get_result(connection)?;
            let rows = number(connection, "SELECT count(*) - 1 AS number FROM things")?;
            let counted = number(connection, "SELECT amount AS number FROM things WHERE name = 'counter'")?;
            Ok::<_, StoreError>((check.word, rows, counted))
        };
        let (check, rows, counted) = Snapshot::at(&copy).read(read).unwrap();
        assert_eq!((check.as_str(), rows), ("ok", counted), "copy {n}");
        assert!(counted >= before, "copy {n} is older than the one before");
        before = counted;
    }
    assert!(before > 0 && before <= acknowledged.load(Ordering::Acquire));
    fresh.remove().await;
}

#[tokio::test]
async fn a_copy_of_a_closed_store_leaves_nothing_beside_it_and_opens_as_the_store() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    fresh.store.write(add_one).await.unwrap();
    fresh.stores.close(&fresh.location).await;
    let (source, copy) = (path_of(&fresh), path_of(&fresh).with_extension("copy"));
    Snapshot::take(&source, &copy).unwrap();
    let in_directory = std::fs::read_dir(source.parent().unwrap()).unwrap().count();
    assert_eq!(in_directory, 2, "the store and its copy");
    // Put in the place of the store it is the store.
    std::fs::rename(&copy, &source).unwrap();
    let store = fresh.stores.open(&fresh.location, MIGRATIONS).await.unwrap();
    assert_eq!(store.read(crate::support::counter).await.unwrap(), 1);
    drop(store);
    fresh.remove().await;
}

#[test]
fn what_is_no_store_is_not_copied() {
    let directory = tempfile::tempdir().unwrap();
    let (source, target) = (directory.path().join("a.db"), directory.path().join("b.db"));
    assert!(matches!(Snapshot::take(&source, &target), Err(StoreError::Missing)));
    std::fs::write(&source, b"").unwrap();
    assert!(matches!(Snapshot::take(&source, &target), Err(StoreError::Corrupt(_))));
    std::fs::write(
        &source,
        b"no database at all, but long enough for a header of one hundred bytes".repeat(9),
    )
    .unwrap();
    assert!(matches!(Snapshot::take(&source, &target), Err(StoreError::Corrupt(_))));
}
