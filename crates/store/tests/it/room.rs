//! How much a store may hold, and what is kept for when the disk holds no more.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU32, Ordering};

use store::{Need, Store, StoreError, StoreSettings, Stores};
use testkit::small_disk::SmallDisk;
use testkit::stores::FreshStore;

use crate::support::{MIGRATIONS, insert, names};

async fn insert_big(store: &Store, number: usize) -> Result<(), StoreError> {
    store.write_repeatable(move |tx| insert(tx, &format!("{number}{}", "x".repeat(100_000)))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_grows_up_to_its_limit_and_what_may_goes_beyond_it() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let limit = fresh.store.bytes_in_use().await.unwrap() + 500_000;
    fresh.store.limit_to(Some(limit));
    let mut held = 0;
    let over = loop {
        match insert_big(&fresh.store, held).await {
            Ok(()) => held += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(over, StoreError::OverLimit { limit: told } if told == limit), "{over:?}");
    assert!(fresh.store.bytes_in_use().await.unwrap() <= limit);
    assert!(held > 0 && names(&fresh.store).await.len() == held);
    let beyond = fresh.store.write(|tx| {
        tx.go_beyond_limit();
        insert(tx, &"y".repeat(300_000))
    });
    beyond.await.unwrap();
    // A part that may does not excuse its neighbours.
    let parts = fresh.store.write(|tx| {
        let refused = tx.savepoint(|tx| insert(tx, "refused"));
        assert!(matches!(refused, Err(StoreError::OverLimit { .. })), "{refused:?}");
        tx.savepoint(|tx| {
            tx.go_beyond_limit();
            insert(tx, "excused")
        })?;
        let refused = tx.savepoint(|tx| insert(tx, "refused as well"));
        assert!(matches!(refused, Err(StoreError::OverLimit { .. })), "{refused:?}");
        Ok::<_, StoreError>(())
    });
    parts.await.unwrap();
    assert_eq!(names(&fresh.store).await.len(), held + 2);
    fresh.store.limit_to(None);
    insert_big(&fresh.store, held).await.unwrap();
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_in_use_are_told_on_both_databases() {
    for fresh in [FreshStore::sqlite(MIGRATIONS).await, FreshStore::postgres(MIGRATIONS).await] {
        let before = fresh.store.bytes_in_use().await.unwrap();
        let added = fresh.store.write(|tx| {
            (0..200).try_for_each(|n| insert(tx, &format!("{n:0>1000}")))?;
            Ok::<_, StoreError>(())
        });
        added.await.unwrap();
        assert!(fresh.store.bytes_in_use().await.unwrap() > before, "{}", fresh.database);
        fresh.remove().await;
    }
}

/// Takes so many bytes of a disk; what a full disk refuses is an error.
fn take(at: &std::path::Path, bytes: usize) -> Result<(), std::io::Error> {
    fs::write(at, vec![1; bytes])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reserve_is_given_up_piece_by_piece_and_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(&directory.path().join("disk"), 32);
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let reserve = stores.reserve(&directory.path().join("disk"));
    let file = directory.path().join("disk").join("reserve");
    reserve.fill_up().await;
    let whole = fs::metadata(&file).unwrap().len();
    assert_eq!(whole, 1 << 20, "a 32nd of the disk");
    assert!(fs::metadata(&file).unwrap().blocks() * 512 >= whole, "its blocks are its own");
    disk.fill();
    let is_full = |error: &std::io::Error| error.kind() == std::io::ErrorKind::StorageFull;
    let tries = AtomicU32::new(0);
    let target = directory.path().join("disk").join("act");
    let act = async || {
        tries.fetch_add(1, Ordering::Relaxed);
        take(&target, 300 << 10)
    };
    reserve.spend(Need::Act, is_full, act).await.unwrap();
    assert_eq!(tries.load(Ordering::Relaxed), 3, "the first piece was too small");
    let left = fs::metadata(&file).unwrap().len();
    assert!(left >= whole - (304 << 10) && left < whole, "what was not needed is taken back: {left}");
    let other = directory.path().join("disk").join("other");
    let too_much = reserve.spend(Need::Opening, is_full, async || take(&other, 300 << 10)).await;
    assert!(too_much.is_err(), "half of it is for staff");
    reserve.spend(Need::Act, is_full, async || take(&other, 300 << 10)).await.unwrap();
    fs::remove_file(&other).unwrap();
    disk.make_room();
    reserve.fill_up().await;
    assert_eq!(fs::metadata(&file).unwrap().len(), whole);
    // A copy of nothing but its length is none.
    fs::File::options().write(true).open(&file).unwrap().set_len(0).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_len(whole).unwrap();
    reserve.fill_up().await;
    assert!(fs::metadata(&file).unwrap().blocks() * 512 >= whole);
}
