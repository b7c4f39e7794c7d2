//! What is a store and what is none: only a creation makes tables, and a file says whose it is.

use std::fs;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use store::{StoreError, StoreFile, StoreLocation, StoreSettings, Stores};
use testkit::stores::{FreshStore, PostgresServer, postgres_location, sqlite_location};

use crate::support::{MIGRATIONS, counter, insert, names};

fn path(location: &StoreLocation) -> &Path {
    let StoreLocation::Sqlite(file) = location else { unreachable!() };
    file.path()
}

async fn assert_is_none(location: &StoreLocation, cause: &str) {
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let opened = stores.open(location, MIGRATIONS).await;
    assert!(matches!(&opened, Err(StoreError::Corrupt(text)) if text.contains(cause)), "{:?}", opened.err());
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_makes_no_tables_in_what_has_none_and_creating_does() {
    let directory = tempfile::tempdir().unwrap();
    let empty = sqlite_location(directory.path());
    fs::write(path(&empty), "").unwrap();
    let schema = postgres_location();
    let StoreLocation::Postgres { schema: name, .. } = &schema else { unreachable!() };
    let mut server = PgConnection::establish(PostgresServer::get().url()).unwrap();
    server.batch_execute(&format!("CREATE SCHEMA \"{}\"", name.as_str())).unwrap();
    for location in [empty, schema] {
        assert_is_none(&location, "holds no tables of this program").await;
        let stores = Stores::new(StoreSettings::default()).unwrap();
        let made = stores.create(&location, MIGRATIONS).await.unwrap();
        assert_eq!(made.read(counter).await.unwrap(), 0);
        drop(made);
        stores.close(&location).await;
        stores.open(&location, MIGRATIONS).await.unwrap();
        stores.destroy(&location).await.unwrap();
        stores.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_programs_file_is_neither_opened_nor_made_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let location = sqlite_location(directory.path());
    let mut other = SqliteConnection::establish(path(&location).to_str().unwrap()).unwrap();
    other.batch_execute("CREATE TABLE things (name TEXT)").unwrap();
    assert_is_none(&location, "holds no tables of this program").await;
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let made = stores.create(&location, MIGRATIONS).await;
    assert!(matches!(made, Err(StoreError::Corrupt(_))), "{:?}", made.err());
    other.batch_execute("PRAGMA application_id=7").unwrap();
    assert_is_none(&location, "is another program's file").await;
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_its_file_is_not_made_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let location = sqlite_location(directory.path());
    let log = format!("{}-wal", path(&location).display());
    fs::write(&log, "what is left").unwrap();
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let made = stores.create(&location, MIGRATIONS).await;
    assert!(matches!(made, Err(StoreError::Corrupt(_))), "{:?}", made.err());
    assert!(!path(&location).exists() && fs::read(&log).unwrap() == b"what is left");
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_another_ones_place_is_not_taken_for_it_and_an_old_one_is_marked() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    fresh.store.write(|tx| insert(tx, "kept")).await.unwrap();
    fresh.stores.close(&fresh.location).await;
    let directory = path(&fresh.location).parent().unwrap();
    let elsewhere = StoreLocation::Sqlite(StoreFile::new(directory, "elsewhere").unwrap());
    fs::copy(path(&fresh.location), path(&elsewhere)).unwrap();
    assert_is_none(&elsewhere, "is the file of another store").await;
    // As an earlier version has left it.
    let mut by_hand = SqliteConnection::establish(path(&elsewhere).to_str().unwrap()).unwrap();
    by_hand.batch_execute("PRAGMA application_id=0; PRAGMA user_version=0").unwrap();
    drop(by_hand);
    let old = fresh.stores.open(&elsewhere, MIGRATIONS).await.unwrap();
    assert_eq!(names(&old).await, ["kept"]);
    drop(old);
    fresh.stores.close(&elsewhere).await;
    fs::copy(path(&elsewhere), path(&fresh.location)).unwrap();
    assert_is_none(&fresh.location, "is the file of another store").await;
    fresh.remove().await;
}
