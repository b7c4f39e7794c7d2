//! Stores at rest: read by connections that all of them share, woken by the first write. Nothing of one is ever seen in another.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use store::{Migration, StoreError, StoreFile, StoreLocation, StoreSettings, Stores};

use crate::support::{MIGRATIONS, add_one, counter, insert, names};

/// The same tables made in another order, with one more, so that their roots are elsewhere.
const OTHER_SCHEMA: &[Migration] = &[Migration {
    version: "0001_other",
    sql: "CREATE TABLE pairs (a TEXT NOT NULL, b TEXT NOT NULL, UNIQUE (a, b));\n\
          CREATE TABLE children (parent TEXT NOT NULL);\n\
          CREATE TABLE things (amount BIGINT NOT NULL, name TEXT NOT NULL PRIMARY KEY);\n\
          INSERT INTO things (name, amount) VALUES ('counter', 1000);\n",
    newest: None,
}];

const FIRST: Migration = match MIGRATIONS {
    [first] => *first,
    _ => unreachable!(),
};

const MORE_MIGRATIONS: &[Migration] = &[
    FIRST,
    Migration {
        version: "0002_more",
        sql: "UPDATE things SET amount = amount + 100 WHERE name = 'counter';\n",
        newest: None,
    },
];

fn file(directory: &Path, stem: &str) -> StoreFile {
    StoreFile::new(directory, stem).unwrap()
}

fn location(directory: &Path, stem: &str) -> StoreLocation {
    StoreLocation::Sqlite(file(directory, stem))
}

/// Makes the file look as if it had not been written to for an hour.
fn settle(path: &Path) {
    let past = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
}

/// Makes a store whose counter has this value, and lays it to rest.
async fn make(stores: &Stores, directory: &Path, stem: &str, count: i64, migrations: &'static [Migration]) {
    let location = location(directory, stem);
    let store = stores.create(&location, migrations).await.unwrap();
    for _ in 0..count {
        store.write(add_one).await.unwrap();
    }
    drop(store);
    stores.close(&location).await;
    settle(file(directory, stem).path());
}

fn log(directory: &Path, stem: &str) -> std::path::PathBuf {
    format!("{}-wal", file(directory, stem).path().display()).into()
}

fn outside(directory: &Path, stem: &str) -> SqliteConnection {
    SqliteConnection::establish(file(directory, stem).path().to_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_at_rest_is_read_without_a_log_and_wakes_when_it_is_written_to() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    let directory = directory.path();
    make(&stores, directory, "a", 3, MIGRATIONS).await;
    let store = stores.open(&location(directory, "a"), MIGRATIONS).await.unwrap();
    assert_eq!(store.read(counter).await.unwrap(), 3);
    assert_eq!(store.look_up(counter).await.unwrap(), 3);
    let refused =
        store.read(|tx| Ok::<_, StoreError>(tx.connection().batch_execute("DELETE FROM things")?)).await;
    assert!(refused.is_err());
    assert!(!log(directory, "a").exists());
    assert_eq!(stores.open_count(), 0);
    assert_eq!(store.write(add_one).await.unwrap(), 4);
    assert_eq!(stores.open_count(), 1);
    assert_eq!((store.read(counter).await.unwrap(), store.look_up(counter).await.unwrap()), (4, 4));
    drop(store);
    stores.close(&location(directory, "a")).await;
    settle(file(directory, "a").path());
    let again = stores.open(&location(directory, "a"), MIGRATIONS).await.unwrap();
    assert_eq!(again.look_up(counter).await.unwrap(), 4);
    assert_eq!(stores.open_count(), 0);
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_woken_rests_again_when_nobody_else_uses_it() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    let directory = directory.path();
    make(&stores, directory, "a", 3, MIGRATIONS).await;
    let open = || async { stores.open(&location(directory, "a"), MIGRATIONS).await.unwrap() };
    let at = location(directory, "a");
    let (one, other) = (open().await, open().await);
    assert!(one.is_at_rest());
    assert_eq!(one.write(add_one).await.unwrap(), 4);
    drop(one);
    stores.let_rest(&at).await;
    assert_eq!((stores.open_count(), other.write(add_one).await.unwrap()), (1, 5));
    drop(other);
    stores.let_rest(&at).await;
    assert_eq!((stores.open_count(), log(directory, "a").exists()), (0, false));
    settle(file(directory, "a").path());
    let again = open().await;
    assert!(again.is_at_rest());
    assert_eq!((again.look_up(counter).await.unwrap(), stores.open_count()), (5, 0));
    stores.let_rest(&at).await;
    assert_eq!(again.look_up(counter).await.unwrap(), 5, "what rests is left alone");
    drop(again);
    stores.close(&at).await;
    stores.let_rest(&at).await;
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_of_one_store_is_seen_in_another_whatever_their_schemas() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    for number in 0..12 {
        let migrations = if number % 3 == 0 { OTHER_SCHEMA } else { MIGRATIONS };
        make(&stores, directory.path(), &format!("s{number}"), number, migrations).await;
    }
    let clients = (0..4_i64).map(|client| {
        let (stores, directory) = (stores.clone(), directory.path().to_owned());
        tokio::spawn(async move {
            for round in 0..200 {
                // Stores of its own: it closes them.
                let number = client + 4 * (round % 3);
                let stem = format!("s{number}");
                let (migrations, expected) =
                    if number % 3 == 0 { (OTHER_SCHEMA, 1000 + number) } else { (MIGRATIONS, number) };
                let store = stores.open(&location(&directory, &stem), migrations).await.unwrap();
                let found = match round % 2 {
                    0 => store.look_up(counter).await,
                    _ => store.read(counter).await,
                };
                assert_eq!(found.unwrap(), expected, "{stem}");
                // Known anew each time, so that it stays at rest.
                drop(store);
                stores.close(&location(&directory, &stem)).await;
            }
        })
    });
    for client in futures_util::future::join_all(clients).await {
        client.unwrap();
    }
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_read_often_gets_connections_of_its_own() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    make(&stores, directory.path(), "a", 1, MIGRATIONS).await;
    let store = stores.open(&location(directory.path(), "a"), MIGRATIONS).await.unwrap();
    for _ in 0..40 {
        assert_eq!(store.look_up(counter).await.unwrap(), 1);
    }
    assert_eq!(stores.open_count(), 1);
    stores.shutdown().await;
}

/// Thousands of tenants that are asked in turn would take all the memory of the stores, and none be faster for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_read_seldom_beside_others_stays_at_rest() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    for name in ["a", "b"] {
        make(&stores, directory.path(), name, 1, MIGRATIONS).await;
    }
    let [seldom, other] = ["a", "b"].map(|name| location(directory.path(), name));
    for _ in 0..40 {
        let store = stores.open(&seldom, MIGRATIONS).await.unwrap();
        assert_eq!(store.look_up(counter).await.unwrap(), 1);
        for _ in 0..1_000 {
            let _used = stores.open(&other, MIGRATIONS).await.unwrap();
        }
    }
    assert_eq!(stores.open_count(), 0);
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_writes_meanwhile_is_noticed() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    let directory = directory.path().to_owned();
    make(&stores, &directory, "a", 1, MIGRATIONS).await;
    let store = stores.open(&location(&directory, "a"), MIGRATIONS).await.unwrap();
    let path = directory.clone();
    let torn = store.read(move |tx| {
        let before = counter(tx)?;
        outside(&path, "a").batch_execute("UPDATE things SET amount = 70; PRAGMA wal_checkpoint").unwrap();
        Ok::<_, StoreError>((before, counter(tx)?))
    });
    let torn = torn.await;
    assert!(matches!(torn, Err(StoreError::Busy)), "{torn:?}");
    // Its log is gone with the last connection, and the file is not settled yet.
    assert_eq!(store.read(counter).await.unwrap(), 70);
    stores.close(&location(&directory, "a")).await;
    settle(file(&directory, "a").path());
    // A log means that a process has it open: what is committed there is read.
    let mut writer = outside(&directory, "a");
    writer.batch_execute("UPDATE things SET amount = 71").unwrap();
    settle(file(&directory, "a").path());
    assert!(log(&directory, "a").exists());
    let store = stores.open(&location(&directory, "a"), MIGRATIONS).await.unwrap();
    assert_eq!(store.look_up(counter).await.unwrap(), 71);
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_or_removed_while_at_rest_is_noticed_at_once() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    let directory = directory.path();
    make(&stores, directory, "a", 1, MIGRATIONS).await;
    let path = file(directory, "a").path().to_owned();
    let copy = path.with_extension("copy");
    fs::copy(&path, &copy).unwrap();
    settle(&copy);
    let store = stores.open(&location(directory, "a"), MIGRATIONS).await.unwrap();
    fs::rename(&copy, &path).unwrap();
    for _ in 0..2 {
        let read = store.look_up(counter).await;
        assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
        let written = store.write(add_one).await;
        assert!(matches!(written, Err(StoreError::Unavailable(_))), "{written:?}");
    }
    let again = stores.open(&location(directory, "a"), MIGRATIONS).await.unwrap();
    assert_eq!(again.look_up(counter).await.unwrap(), 1);
    fs::remove_file(&path).unwrap();
    let written = again.write(add_one).await;
    assert!(matches!(written, Err(StoreError::Unavailable(_))), "{written:?}");
    let opened = stores.open(&location(directory, "a"), MIGRATIONS).await;
    assert!(matches!(opened, Err(StoreError::Missing)), "{:?}", opened.err());
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_of_another_store_is_not_read_at_rest_either() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    let directory = directory.path();
    make(&stores, directory, "a", 1, MIGRATIONS).await;
    for (stem, content) in [("b", fs::read(file(directory, "a").path()).unwrap()), ("c", vec![0; 8192])] {
        fs::write(file(directory, stem).path(), content).unwrap();
        settle(file(directory, stem).path());
        let opened = stores.open(&location(directory, stem), MIGRATIONS).await;
        assert!(matches!(opened, Err(StoreError::Corrupt(_))), "{stem}: {:?}", opened.err());
    }
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_behind_is_migrated_and_not_read_as_it_is() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    make(&stores, directory.path(), "a", 1, MIGRATIONS).await;
    let store = stores.open(&location(directory.path(), "a"), MORE_MIGRATIONS).await.unwrap();
    assert_eq!(store.look_up(counter).await.unwrap(), 101);
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_write_waits_for_reads_at_rest_and_is_seen_by_the_next() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    make(&stores, directory.path(), "a", 1, MIGRATIONS).await;
    let store = stores.open(&location(directory.path(), "a"), MIGRATIONS).await.unwrap();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let reading = store.clone();
    let read = tokio::spawn(async move {
        let work = move |tx: &mut store::ReadTx<'_>| {
            let before = counter(tx)?;
            begun.send(()).unwrap();
            may_go_on.recv().unwrap();
            Ok::<_, StoreError>((before, counter(tx)?))
        };
        reading.read(work).await
    });
    has_begun.await.unwrap();
    let writing = store.clone();
    let write = tokio::spawn(async move { writing.write(add_one).await });
    let looking_up = store.clone();
    let also_read = tokio::spawn(async move { looking_up.look_up(counter).await });
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(!write.is_finished() && !log(directory.path(), "a").exists());
    go_on.send(()).unwrap();
    assert_eq!(read.await.unwrap().unwrap(), (1, 1));
    assert_eq!(write.await.unwrap().unwrap(), 2);
    assert!((1..=2).contains(&also_read.await.unwrap().unwrap()));
    assert_eq!(store.look_up(counter).await.unwrap(), 2);
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn open_stores_stay_within_their_memory_and_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let settings = StoreSettings { memory_mib: 1, ..StoreSettings::default() };
    let stores = Stores::new(settings).unwrap();
    for number in 0..16 {
        make(&stores, directory.path(), &format!("s{number}"), 0, MIGRATIONS).await;
    }
    let clients = (0..4).map(|client| {
        let (stores, directory) = (stores.clone(), directory.path().to_owned());
        tokio::spawn(async move {
            for round in 0..16 {
                let location = location(&directory, &format!("s{}", (client + round) % 16));
                let store = stores.open(&location, MIGRATIONS).await.unwrap();
                store.write(add_one).await.unwrap();
                // Two connections of some 100 KiB and the file's pages each.
                assert!(stores.open_count() <= 5, "{}", stores.open_count());
            }
        })
    });
    for client in futures_util::future::join_all(clients).await {
        client.unwrap();
    }
    for number in 0..16 {
        let location = location(directory.path(), &format!("s{number}"));
        let store = stores.open(&location, MIGRATIONS).await.unwrap();
        assert_eq!(store.read(counter).await.unwrap(), 4);
    }
    stores.shutdown().await;
}

/// A schema whose text does not fit into one page of its table is read by connections of the store's own.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_not_looked_into_is_read_in_the_ordinary_way() {
    let (directory, stores) = (tempfile::tempdir().unwrap(), Stores::new(StoreSettings::default()).unwrap());
    make(&stores, directory.path(), "a", 1, MIGRATIONS).await;
    let columns: Vec<String> = (0..600).map(|number| format!("column_{number} TEXT")).collect();
    outside(directory.path(), "a")
        .batch_execute(&format!("CREATE TABLE wide ({})", columns.join(", ")))
        .unwrap();
    settle(file(directory.path(), "a").path());
    let store = stores.open(&location(directory.path(), "a"), MIGRATIONS).await.unwrap();
    assert_eq!(store.look_up(counter).await.unwrap(), 1);
    assert_eq!(stores.open_count(), 1);
    store.write(|tx| insert(tx, "b")).await.unwrap();
    assert_eq!(names(&store).await, ["b"]);
    stores.shutdown().await;
}
