//! What holds for schemas that share a pool: nothing of one reaches the next (attacks, row 9), and a restart of
//! the server is noticed by no caller.

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use store::{Store, StoreError, StoreLocation, StoreSettings, Stores};
use testkit::stores::{PostgresServer, postgres_location};

use crate::support::{MIGRATIONS, Word, add_one, counter, insert, names, number};

fn one_connection() -> StoreSettings {
    StoreSettings { postgres_pool_size: 1, ..StoreSettings::default() }
}

async fn word(store: &Store, query: &'static str) -> Result<String, StoreError> {
    store.read(move |tx| Ok(sql_query(query).get_result::<Word>(tx.connection())?.word)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schemas_on_one_connection_never_meet() {
    let stores = Stores::new(one_connection()).unwrap();
    let (at_a, at_b) = (postgres_location(), postgres_location());
    let a = stores.create(&at_a, MIGRATIONS).await.unwrap();
    let b = stores.create(&at_b, MIGRATIONS).await.unwrap();
    let backend = "SELECT pg_backend_pid()::text AS word";
    assert_eq!(
        word(&a, backend).await.unwrap(),
        word(&b, backend).await.unwrap(),
        "they share the connection"
    );
    for round in 0..3 {
        a.write(move |tx| insert(tx, &format!("of a {round}"))).await.unwrap();
        b.write(move |tx| insert(tx, &format!("of b {round}"))).await.unwrap();

        let failed: Result<(), StoreError> = a.write(move |tx| insert(tx, &format!("of a {round}"))).await;
        assert_eq!(failed.unwrap_err().unique_violation(), Some("things.name"));
        assert!(names(&b).await.iter().all(|name| name.starts_with("of b")));

        let panicked: Result<(), StoreError> = b.write(|_| panic!("on purpose")).await;
        assert!(matches!(panicked, Err(StoreError::Panicked)));
        assert!(names(&a).await.iter().all(|name| name.starts_with("of a")));

        let aborted: Result<String, StoreError> = word(&a, "SELECT nothing AS word").await;
        assert!(matches!(aborted, Err(StoreError::Query(_))));
        assert_eq!(names(&b).await.len(), round + 1);
    }
    // After a transaction its connection is nobody's: only a transaction that says so sees a schema.
    let outside = stores.open(&at_a, MIGRATIONS).await.unwrap();
    let path = outside
        .write(|tx| {
            sql_query("RESET search_path").execute(tx.connection())?;
            Ok::<_, StoreError>(
                sql_query("SELECT current_setting('search_path') AS word")
                    .get_result::<Word>(tx.connection())?
                    .word,
            )
        })
        .await
        .unwrap();
    assert_eq!(path, "\"$user\", public");
    drop((a, b, outside));
    stores.destroy(&at_a).await.unwrap();
    stores.destroy(&at_b).await.unwrap();
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_dropped_behind_our_back_shows_no_other_rows() {
    let stores = Stores::new(one_connection()).unwrap();
    let (gone, other) = (postgres_location(), postgres_location());
    let store = stores.create(&gone, MIGRATIONS).await.unwrap();
    stores.create(&other, MIGRATIONS).await.unwrap();
    let StoreLocation::Postgres { schema, .. } = &gone else { unreachable!() };
    let mut outside = PgConnection::establish(PostgresServer::get().url()).unwrap();
    outside.batch_execute(&format!("DROP SCHEMA {} CASCADE", schema.as_str())).unwrap();
    assert!(matches!(store.read(counter).await, Err(StoreError::Corrupt(_))));
    stores.close(&gone).await;
    assert!(matches!(stores.open(&gone, MIGRATIONS).await, Err(StoreError::Missing)));
    stores.destroy(&other).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_while_idle_is_replaced_unseen_and_one_lost_at_work_is_unavailable() {
    let stores = Stores::new(one_connection()).unwrap();
    let location = postgres_location();
    let store = stores.create(&location, MIGRATIONS).await.unwrap();
    let backend = || word(&store, "SELECT pg_backend_pid()::text AS word");
    let first = backend().await.unwrap();
    terminate(&first);
    store.write(add_one).await.unwrap();
    assert_ne!(backend().await.unwrap(), first);

    let lost: Result<(), StoreError> = store
        .write(|tx| {
            let own =
                sql_query("SELECT pg_backend_pid()::text AS word").get_result::<Word>(tx.connection())?;
            add_one(tx)?;
            terminate(&own.word);
            add_one(tx).map(|_| ())
        })
        .await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert_eq!(store.read(counter).await.unwrap(), 1);
    stores.destroy(&location).await.unwrap();
}

fn terminate(backend: &str) {
    let mut outside = PgConnection::establish(PostgresServer::get().url()).unwrap();
    sql_query("SELECT pg_terminate_backend($1::int, 5000)::text AS word")
        .bind::<Text, _>(backend)
        .get_result::<Word>(&mut outside)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_busy_schema_leaves_connections_for_the_others() {
    let settings = StoreSettings {
        postgres_pool_size: 3,
        postgres_lanes: 1,
        postgres_per_store: 2,
        ..StoreSettings::default()
    };
    let stores = Stores::new(settings).unwrap();
    let (noisy_at, quiet_at) = (postgres_location(), postgres_location());
    let noisy = stores.create(&noisy_at, MIGRATIONS).await.unwrap();
    let quiet = stores.create(&quiet_at, MIGRATIONS).await.unwrap();
    let slow = (0..6)
        .map(|_| noisy.read(|tx| number(tx.connection(), "SELECT 1::bigint AS number FROM pg_sleep(0.2)")));
    let (results, took) = tokio::join!(futures_util::future::join_all(slow), async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let began = std::time::Instant::now();
        quiet.read(counter).await.unwrap();
        began.elapsed()
    });
    assert!(results.iter().all(Result::is_ok));
    assert!(took.as_millis() < 150, "the quiet one waited {took:?}");
    drop((noisy, quiet));
    stores.destroy(&noisy_at).await.unwrap();
    stores.destroy(&quiet_at).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlocks_and_locks_held_too_long_are_busy() {
    let settings =
        StoreSettings { lock_timeout: std::time::Duration::from_millis(50), ..StoreSettings::default() };
    let stores = Stores::new(settings).unwrap();
    let location = postgres_location();
    let store = stores.create(&location, MIGRATIONS).await.unwrap();
    let (go_on, wait) = std::sync::mpsc::channel();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let holder = store.clone();
    let holding = tokio::spawn(async move {
        holder
            .write(move |tx| {
                add_one(tx)?;
                begun.send(()).unwrap();
                wait.recv().unwrap();
                Ok::<_, StoreError>(())
            })
            .await
    });
    has_begun.await.unwrap();
    let late = store.write(add_one).await;
    assert!(matches!(late, Err(StoreError::Busy)), "{late:?}");
    go_on.send(()).unwrap();
    holding.await.unwrap().unwrap();
    stores.destroy(&location).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_unavailable() {
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let cell = store::PostgresUrl::new("postgres://nobody:hunter2@127.0.0.1:1/none").unwrap();
    let location = StoreLocation::Postgres { cell, schema: store::SchemaName::new("t_1").unwrap() };
    let error = stores.open(&location, MIGRATIONS).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
