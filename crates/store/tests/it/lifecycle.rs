//! Opening, closing and removing stores: one store a location, a bound on the open ones, nothing left behind.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use store::{StoreError, StoreFile, StoreLocation, StoreSettings, Stores};
use testkit::stores::{FreshStore, postgres_location, sqlite_location};

use crate::support::{MIGRATIONS, add_one, counter, insert, names};

fn location(directory: &Path, number: usize) -> StoreLocation {
    StoreLocation::Sqlite(StoreFile::new(directory, &format!("tenant-{number}")).unwrap())
}

fn entries(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_missing_and_is_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let stores = Stores::new(StoreSettings::default()).unwrap();
    for location in [sqlite_location(directory.path()), postgres_location()] {
        for _ in 0..2 {
            assert!(matches!(stores.open(&location, MIGRATIONS).await, Err(StoreError::Missing)));
        }
        stores.destroy(&location).await.unwrap();
    }
    assert_eq!(entries(directory.path()), 0);
    assert_eq!(stores.open_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbolic_link_is_not_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let stores = Stores::new(StoreSettings::default()).unwrap();
    stores.create(&location(directory.path(), 1), MIGRATIONS).await.unwrap();
    std::os::unix::fs::symlink(directory.path().join("tenant-1.db"), directory.path().join("tenant-2.db"))
        .unwrap();
    for result in [
        stores.open(&location(directory.path(), 2), MIGRATIONS).await,
        stores.create(&location(directory.path(), 2), MIGRATIONS).await,
    ] {
        assert!(matches!(result, Err(StoreError::Missing)));
    }
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_for_their_owner_only_and_destroy_leaves_none() {
    let directory = tempfile::tempdir().unwrap();
    let tenants = directory.path().join("ire/tenants");
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let location = location(&tenants, 1);
    let store = stores.create(&location, MIGRATIONS).await.unwrap();
    store.write(add_one).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&tenants), 0o700);
    assert_eq!(entries(&tenants), 3);
    for entry in std::fs::read_dir(&tenants).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    stores.destroy(&location).await.unwrap();
    assert_eq!(entries(&tenants), 0);
    assert!(matches!(store.read(counter).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.write(add_one).await, Err(StoreError::Unavailable(_))));
    // The same place again is a new store that knows nothing of the old one.
    let again = stores.create(&location, MIGRATIONS).await.unwrap();
    assert_eq!(again.read(counter).await.unwrap(), 0);
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_opens_again_with_its_rows() {
    for fresh in [FreshStore::sqlite(MIGRATIONS).await, FreshStore::postgres(MIGRATIONS).await] {
        fresh.store.write(|tx| insert(tx, "kept")).await.unwrap();
        fresh.stores.close(&fresh.location).await;
        assert!(matches!(fresh.store.write(add_one).await, Err(StoreError::Unavailable(_))));
        let again = fresh.stores.open(&fresh.location, MIGRATIONS).await.unwrap();
        assert_eq!(names(&again).await, ["kept"]);
        drop(again);
        fresh.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn opening_at_once_gives_one_store() {
    for fresh in [FreshStore::sqlite(MIGRATIONS).await, FreshStore::postgres(MIGRATIONS).await] {
        fresh.stores.close(&fresh.location).await;
        let openers = (0..32).map(|_| {
            let (stores, location) = (fresh.stores.clone(), fresh.location.clone());
            tokio::spawn(async move {
                let store = stores.open(&location, MIGRATIONS).await.unwrap();
                store.write(add_one).await.unwrap();
                store
            })
        });
        let opened: Vec<_> = futures_util::future::join_all(openers).await;
        assert_eq!(fresh.stores.open_count(), 1);
        for store in opened {
            assert_eq!(store.unwrap().stats().jobs, 32, "all of them wrote through one store");
        }
        fresh.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn open_stores_are_bounded_and_nothing_is_lost_while_they_come_and_go() {
    let directory = tempfile::tempdir().unwrap();
    let settings = StoreSettings { max_open: 4, ..StoreSettings::default() };
    let stores = Stores::new(settings).unwrap();
    for number in 0..12 {
        stores.create(&location(directory.path(), number), MIGRATIONS).await.unwrap();
        assert!(stores.open_count() <= 4);
    }
    let clients = (0..8).map(|client| {
        let (stores, directory) = (stores.clone(), directory.path().to_owned());
        tokio::spawn(async move {
            for round in 0..24 {
                let location = location(&directory, (client + round) % 12);
                let store = stores.open(&location, MIGRATIONS).await.unwrap();
                store.write(add_one).await.unwrap();
                assert!(stores.open_count() <= 4);
            }
        })
    });
    for client in futures_util::future::join_all(clients).await {
        client.unwrap();
    }
    let mut total = 0;
    for number in 0..12 {
        let store = stores.open(&location(directory.path(), number), MIGRATIONS).await.unwrap();
        total += store.read(counter).await.unwrap();
    }
    assert_eq!(total, 8 * 24);
    stores.shutdown().await;
    assert_eq!(entries(directory.path()), 12, "shutdown writes every log back and removes it");
    let after = stores.open(&location(directory.path(), 0), MIGRATIONS).await;
    assert!(matches!(after, Err(StoreError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_unused_for_longest_makes_room_and_held_ones_stay() {
    let directory = tempfile::tempdir().unwrap();
    let settings = StoreSettings {
        max_open: 2,
        admission_deadline: std::time::Duration::from_millis(30),
        ..StoreSettings::default()
    };
    let stores = Stores::new(settings).unwrap();
    let held = stores.create(&location(directory.path(), 0), MIGRATIONS).await.unwrap();
    stores.create(&location(directory.path(), 1), MIGRATIONS).await.unwrap();
    let also_held = stores.create(&location(directory.path(), 2), MIGRATIONS).await.unwrap();
    held.write(add_one).await.unwrap();
    // It may be known and read at rest, but not written to.
    let third = async || stores.open(&location(directory.path(), 1), MIGRATIONS).await?.write(add_one).await;
    let refused = third().await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    drop(also_held);
    third().await.unwrap();
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_replaced_after_their_uses_and_nobody_notices() {
    let settings = StoreSettings { max_uses: 2, ..StoreSettings::default() };
    for fresh in [
        FreshStore::sqlite_with(MIGRATIONS, settings.clone()).await,
        FreshStore::postgres_with(MIGRATIONS, settings).await,
    ] {
        for round in 1..=7 {
            fresh.store.write(add_one).await.unwrap();
            assert_eq!(fresh.store.read(counter).await.unwrap(), round);
        }
        fresh.remove().await;
    }
}
