//! A store is brought to the newest version when it is opened; a store from the future is left alone.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use store::{Migration, StoreError, StoreLocation, StoreSettings, Stores};
use testkit::stores::{postgres_location, sqlite_location};

use crate::support::number;

const FIRST: Migration = Migration {
    version: "0001_a",
    sql: "CREATE TABLE a (n BIGINT NOT NULL);\nINSERT INTO a (n) VALUES (1);\n",
    newest: None,
};
const SECOND: Migration = Migration {
    version: "0002_b",
    sql: "CREATE TABLE b (n BIGINT NOT NULL);\nINSERT INTO b (n) SELECT n FROM a;\n",
    newest: None,
};
const HALF_BROKEN: Migration = Migration {
    version: "0002_bad",
    sql: "CREATE TABLE half (n BIGINT NOT NULL);\nINSERT INTO nowhere VALUES (1);\n",
    newest: None,
};

const OLD: &[Migration] = &[FIRST];
const NEW: &[Migration] = &[FIRST, SECOND];
const BAD: &[Migration] = &[FIRST, HALF_BROKEN];

async fn on_each_location<Fut: Future<Output = ()>>(body: impl Fn(StoreLocation) -> Fut) {
    let directory = tempfile::tempdir().unwrap();
    body(sqlite_location(directory.path())).await;
    body(postgres_location()).await;
}

async fn migrate(location: &StoreLocation, migrations: &'static [Migration]) -> Result<i64, StoreError> {
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let result = match stores.create(location, migrations).await {
        Ok(store) => {
            store.read(|tx| number(tx.connection(), "SELECT count(*) AS number FROM schema_migrations")).await
        }
        Err(error) => Err(error),
    };
    stores.shutdown().await;
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_brought_up_step_by_step_and_only_once() {
    on_each_location(|location| async move {
        assert_eq!(migrate(&location, OLD).await.unwrap(), 1);
        assert_eq!(migrate(&location, NEW).await.unwrap(), 2);
        assert_eq!(migrate(&location, NEW).await.unwrap(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_store_is_refused() {
    on_each_location(|location| async move {
        migrate(&location, NEW).await.unwrap();
        let refused = migrate(&location, OLD).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Migration(text) if text.contains("0002_b")), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_leaves_nothing_of_itself() {
    on_each_location(|location| async move {
        let failed = migrate(&location, BAD).await.unwrap_err();
        assert!(matches!(&failed, StoreError::Migration(text) if text.starts_with("0002_bad")), "{failed}");
        let stores = Stores::new(StoreSettings::default()).unwrap();
        let store = stores.open(&location, OLD).await.unwrap();
        let half: Result<usize, StoreError> =
            store.read(|tx| Ok(sql_query("SELECT n FROM half").execute(tx.connection())?)).await;
        assert!(half.is_err());
        stores.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_may_migrate_at_once() {
    on_each_location(|location| async move {
        let together = (0..6).map(|_| {
            let location = location.clone();
            // Each has its own cache and connections, as another process would.
            tokio::spawn(async move { migrate(&location, NEW).await })
        });
        for result in futures_util::future::join_all(together).await {
            assert_eq!(result.unwrap().unwrap(), 2);
        }
    })
    .await;
}

/// SQLite does not wait for another connection where it gives a file its log.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_that_another_process_writes_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let location = sqlite_location(directory.path());
    let StoreLocation::Sqlite(file) = &location else { unreachable!() };
    let mut other = SqliteConnection::establish(file.path().to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    // However slow this machine is.
    let patient = StoreSettings { busy_timeout: Duration::from_secs(60), ..StoreSettings::default() };
    let stores = Stores::new(patient).unwrap();
    let making = stores.clone();
    let made = tokio::spawn(async move { making.create(&location, NEW).await.map(drop) });
    // Long enough for it to come to the log; it succeeds later as well.
    tokio::time::sleep(Duration::from_millis(200)).await;
    other.batch_execute("ROLLBACK").unwrap();
    made.await.unwrap().unwrap();
    stores.shutdown().await;
}
