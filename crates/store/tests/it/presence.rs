//! A store whose file is moved, replaced or removed while it is open: nothing more is acknowledged, and the store is there
//! again when its file is.

use std::fs;
use std::path::{Path, PathBuf};

use store::{Store, StoreError};
use testkit::stores::FreshStore;

use crate::support::{MIGRATIONS, add_one, back_up, counter, insert, log_of, names, path_of};

async fn assert_gone(store: &Store) {
    for _ in 0..3 {
        let written = store.write(add_one).await;
        assert!(matches!(written, Err(StoreError::Unavailable(_))), "{written:?}");
    }
    // Known from the write; without one a second might pass.
    let read = store.read(counter).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let looked_up = store.look_up(counter).await;
    assert!(matches!(looked_up, Err(StoreError::Unavailable(_))), "{looked_up:?}");
    assert!(store.is_lost());
}

async fn assert_heals(fresh: &FreshStore, expected: i64) {
    let again = fresh.stores.open(&fresh.location, MIGRATIONS).await.unwrap();
    assert_eq!(again.read(counter).await.unwrap(), expected);
    assert_eq!(again.write(add_one).await.unwrap(), expected + 1);
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("aside")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_renamed_takes_no_write_and_comes_back_with_all_that_was_acknowledged() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let file = path_of(&fresh);
    fresh.store.write(add_one).await.unwrap();
    fs::rename(&file, aside(&file)).unwrap();
    assert_gone(&fresh.store).await;
    for _ in 0..2 {
        let opened = fresh.stores.open(&fresh.location, MIGRATIONS).await;
        assert!(matches!(opened, Err(StoreError::Missing)), "{:?}", opened.err());
    }
    assert!(!file.exists(), "it is not made anew");
    fs::rename(aside(&file), &file).unwrap();
    assert_heals(&fresh, 1).await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_removed_takes_no_write_and_its_copy_serves_in_its_place() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let file = path_of(&fresh);
    fresh.store.write(add_one).await.unwrap();
    let copy = back_up(&fresh);
    fs::remove_file(&file).unwrap();
    assert_gone(&fresh.store).await;
    fs::remove_file(log_of(&fresh)).unwrap();
    fs::copy(&copy, &file).unwrap();
    assert_heals(&fresh, 1).await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_one_replaces_takes_no_write_and_the_other_is_left_alone() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let file = path_of(&fresh);
    fresh.store.write(add_one).await.unwrap();
    let copy = back_up(&fresh);
    let before = fs::read(&copy).unwrap();
    fresh.store.write(|tx| insert(tx, "later")).await.unwrap();
    fs::rename(&copy, &file).unwrap();
    fs::remove_file(log_of(&fresh)).unwrap();
    assert_gone(&fresh.store).await;
    assert_eq!(fs::read(&file).unwrap(), before);
    // The one that stands there is the store now.
    assert_heals(&fresh, 1).await;
    assert!(names(&fresh.stores.open(&fresh.location, MIGRATIONS).await.unwrap()).await.is_empty());
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_removed_takes_no_write_and_nothing_acknowledged_is_lost() {
    for put_another in [false, true] {
        let fresh = FreshStore::sqlite(MIGRATIONS).await;
        fresh.store.write(add_one).await.unwrap();
        fresh.store.write(|tx| insert(tx, "acknowledged")).await.unwrap();
        fs::remove_file(log_of(&fresh)).unwrap();
        if put_another {
            fs::write(log_of(&fresh), "").unwrap();
        }
        assert_gone(&fresh.store).await;
        assert_heals(&fresh, 1).await;
        let again = fresh.stores.open(&fresh.location, MIGRATIONS).await.unwrap();
        assert_eq!(names(&again).await, ["acknowledged"]);
        drop(again);
        fresh.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_notice_by_themselves_that_the_file_is_gone() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let file = path_of(&fresh);
    fs::rename(&file, aside(&file)).unwrap();
    let began = std::time::Instant::now();
    while fresh.store.look_up(counter).await.is_ok() {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "nobody notices");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    fs::rename(aside(&file), &file).unwrap();
    assert_heals(&fresh, 0).await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_place_of_the_file_is_not_the_file() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let file = path_of(&fresh);
    fresh.store.write(add_one).await.unwrap();
    fs::rename(&file, aside(&file)).unwrap();
    std::os::unix::fs::symlink(aside(&file), &file).unwrap();
    assert_gone(&fresh.store).await;
    assert!(fresh.stores.open(&fresh.location, MIGRATIONS).await.is_err());
    fs::rename(aside(&file), &file).unwrap();
    assert_heals(&fresh, 1).await;
    fresh.remove().await;
}
