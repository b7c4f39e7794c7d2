//! What a database must be like to be a cell, and what its connections are said to do.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use store::{PostgresUrl, SchemaName, StoreError, StoreLocation, StoreSettings, Stores};
use testkit::stores::PostgresServer;

use crate::support::{MIGRATIONS, add_one, counter};

/// A database and a role of this test's own, named alike. The role owns nothing but what it makes.
struct Cell {
    name: String,
    url: PostgresUrl,
    outside: PgConnection,
}

impl Cell {
    fn make(name: &str, database: &str) -> Self {
        let name = format!("{name}_{}", std::process::id());
        let mut outside = PgConnection::establish(PostgresServer::get().url()).unwrap();
        outside.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 {database}")).unwrap();
        outside.batch_execute(&format!("CREATE ROLE {name} LOGIN PASSWORD 'hunter2'")).unwrap();
        let url = PostgresServer::get().url().replace("postgres@", &format!("{name}:hunter2@"));
        let url = PostgresUrl::new(&url.replace("/postgres", &format!("/{name}"))).unwrap();
        Self { name, url, outside }
    }

    fn run(&mut self, sql: &str) {
        self.outside.batch_execute(&sql.replace("{name}", &self.name)).unwrap();
    }

    async fn check(&self) -> Result<(), StoreError> {
        let stores = Stores::new(StoreSettings::default()).unwrap();
        let checked = stores.check_cell(&self.url).await;
        stores.shutdown().await;
        checked
    }

    async fn unfit(&self) -> String {
        match self.check().await {
            Err(StoreError::Unfit(sentence)) => {
                assert!(!sentence.contains("hunter2") && !sentence.contains('\n'), "{sentence}");
                sentence
            }
            other => panic!("{other:?}"),
        }
    }

    fn remove(mut self) {
        self.run("DROP DATABASE {name} WITH (FORCE)");
        self.run("DROP ROLE {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_owns_only_its_own_schemas_is_enough() {
    let mut cell = Cell::make("cell_own", "");
    let sentence = cell.unfit().await;
    assert!(sentence.contains("GRANT CREATE ON DATABASE"), "{sentence}");
    cell.run("GRANT CREATE ON DATABASE {name} TO {name}");
    cell.check().await.unwrap();

    let stores = Stores::new(StoreSettings::default()).unwrap();
    let schema = SchemaName::new("t_own").unwrap();
    let location = StoreLocation::Postgres { cell: cell.url.clone(), schema };
    let store = stores.create(&location, MIGRATIONS).await.unwrap();
    store.write(add_one).await.unwrap();
    assert!(store.bytes_in_use().await.unwrap() > 0);
    drop(store);
    // What is there needs no right to make it.
    cell.run("REVOKE CREATE ON DATABASE {name} FROM {name}");
    stores.close(&location).await;
    let store = stores.create(&location, MIGRATIONS).await.unwrap();
    assert_eq!(store.read(counter).await.unwrap(), 1);
    drop(store);
    stores.destroy(&location).await.unwrap();
    assert!(matches!(stores.open(&location, MIGRATIONS).await, Err(StoreError::Missing)));
    stores.shutdown().await;
    cell.remove();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_fit_is_told_in_one_sentence() {
    let faults = [
        ("cell_icu", "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'", "", "LC_COLLATE C"),
        ("cell_code", "ENCODING 'LATIN1' LOCALE 'C'", "", "encoded in LATIN1"),
        ("cell_read", "", "ALTER ROLE {name} SET default_transaction_read_only TO on", "read-only"),
        ("cell_lang", "", "ALTER ROLE {name} SET lc_messages TO 'de_DE.UTF-8'", "not in English"),
    ];
    for (name, database, after, said) in faults {
        let mut cell = Cell::make(name, database);
        cell.run("GRANT CREATE ON DATABASE {name} TO {name}");
        // A language must be known to the system to be set.
        if !after.is_empty() && cell.outside.batch_execute(&after.replace("{name}", &cell.name)).is_err() {
            cell.remove();
            continue;
        }
        let sentence = cell.unfit().await;
        assert!(sentence.contains(said), "{sentence}");
        cell.remove();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_secrets_and_absent_databases_are_unavailable_and_tell_no_secret() {
    let url = PostgresServer::get().url().replace("postgres@", "nobody:hunter2@");
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let refused = stores.check_cell(&PostgresUrl::new(&url).unwrap()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    let sentence = refused.to_string();
    assert!(sentence.contains("nobody") && !sentence.contains("hunter2"), "{sentence}");
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pool_tells_how_many_connections_are_open_and_idle() {
    let mut cell = Cell::make("cell_stats", "");
    cell.run("GRANT CREATE ON DATABASE {name} TO {name}");
    let settings = StoreSettings { postgres_pool_size: 4, postgres_lanes: 2, ..StoreSettings::default() };
    let stores = Stores::new(settings).unwrap();
    let before = stores.cell_stats(&cell.url);
    assert_eq!((before.size, before.connections, before.idle), (4, 0, 0));
    for number in 0..8 {
        let schema = SchemaName::new(&format!("t_{number}")).unwrap();
        let location = StoreLocation::Postgres { cell: cell.url.clone(), schema };
        stores.create(&location, MIGRATIONS).await.unwrap();
    }
    let schema = SchemaName::new("t_0").unwrap();
    let location = StoreLocation::Postgres { cell: cell.url.clone(), schema };
    let store = stores.open(&location, MIGRATIONS).await.unwrap();
    let (seen, url) = (stores.clone(), cell.url.clone());
    let at_work = store.read(move |_| Ok::<_, StoreError>(seen.cell_stats(&url))).await.unwrap();
    assert_eq!(at_work.connections, at_work.idle + 1, "{at_work:?}");
    let at_rest = stores.cell_stats(&cell.url);
    assert!((1..=4).contains(&at_rest.connections), "{at_rest:?}");
    assert_eq!(at_rest.connections, at_rest.idle, "{at_rest:?}");
    assert!(!at_rest.is_away && !at_rest.is_behind_pooler, "{at_rest:?}");
    drop(store);
    stores.shutdown().await;
    cell.remove();
}
