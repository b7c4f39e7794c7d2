//! pgbouncer in transaction mode between a store and its PostgreSQL: each transaction may run in another session.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use diesel::{Connection, ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl, sql_query};
use store::{PostgresUrl, StoreError, StoreLocation, StoreSettings, Stores, WriteTx};
use testkit::proxy::Proxy;
use testkit::stores::{PostgresServer, postgres_location};

use crate::support::{MIGRATIONS, Word, counter, insert, names};

/// A pgbouncer with two sessions for everyone.
struct Pgbouncer {
    process: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Pgbouncer {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // It gives up root's rights, and must still read its settings.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let settings = directory.path().join("pgbouncer.ini");
        let server = address_of(PostgresServer::get().url());
        // Asking for a free port and then using it is a race, so a taken one is simply tried again elsewhere.
        for _ in 0..5 {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let text = format!(
                "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr=127.0.0.1\n\
                 listen_port={}\nunix_socket_dir=\nauth_type=any\npool_mode=transaction\ndefault_pool_size=2\n",
                server.port(),
                address.port(),
            );
            std::fs::write(&settings, text).unwrap();
            let mut command = Command::new("pgbouncer");
            if rustix::process::geteuid().is_root() {
                command.args(["-u", "postgres"]);
            }
            let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
            command.arg(&settings).env("PATH", path).stdout(Stdio::null()).stderr(Stdio::null());
            let mut process =
                command.spawn().unwrap_or_else(|error| panic!("pgbouncer: {error}; make tools"));
            let began = Instant::now();
            while process.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(20) {
                if TcpStream::connect(address).is_ok() {
                    return Self { process, address, _directory: directory };
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ended = process.kill();
            process.wait().unwrap();
        }
        panic!("pgbouncer does not start");
    }

    fn url(&self) -> PostgresUrl {
        PostgresUrl::new(&format!("postgres://postgres@{}/postgres", self.address)).unwrap()
    }
}

impl Drop for Pgbouncer {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

diesel::table! {
    things (name) {
        name -> Text,
        amount -> BigInt,
    }
}

/// As the program's own statements, this one is prepared by name wherever names are kept.
fn add_by_name(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    let of_counter = things::table.filter(things::name.eq("counter"));
    let before: Vec<i64> = of_counter.select(things::amount).load(tx.connection())?;
    let changed =
        diesel::update(of_counter).set(things::amount.eq(things::amount + 1)).execute(tx.connection())?;
    assert_eq!((before.len(), changed), (1, 1));
    Ok(())
}

fn address_of(url: &str) -> SocketAddr {
    let (_, rest) = url.split_once('@').unwrap();
    let (address, _) = rest.split_once('/').unwrap();
    address.parse().unwrap()
}

fn schema_of(cell: PostgresUrl) -> StoreLocation {
    let StoreLocation::Postgres { schema, .. } = postgres_location() else { unreachable!() };
    StoreLocation::Postgres { cell, schema }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn through_a_pooler_of_transactions_schemas_never_meet_and_nothing_stays_in_a_session() {
    let pgbouncer = Pgbouncer::start();
    let settings =
        StoreSettings { statement_timeout: Duration::from_millis(700), ..StoreSettings::default() };
    let stores = Stores::new(settings).unwrap();
    stores.check_cell(&pgbouncer.url()).await.unwrap();
    assert!(stores.cell_stats(&pgbouncer.url()).is_behind_pooler);
    let places = [0, 1, 2, 3].map(|_| schema_of(pgbouncer.url()));
    let mut tasks = Vec::new();
    for (index, location) in places.iter().enumerate() {
        let store = stores.create(location, MIGRATIONS).await.unwrap();
        for client in 0..4 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                for round in 0..20 {
                    let name = format!("of {index}, {client} {round}");
                    store.write(move |tx| insert(tx, &name)).await.unwrap();
                    store.write(add_by_name).await.unwrap();
                    assert!(store.read(counter).await.unwrap() > 0);
                }
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    for (index, location) in places.iter().enumerate() {
        let store = stores.open(location, MIGRATIONS).await.unwrap();
        assert_eq!(store.read(counter).await.unwrap(), 80);
        let found = names(&store).await;
        assert_eq!(found.len(), 80);
        assert!(found.iter().all(|name| name.starts_with(&format!("of {index}, "))));
        // A limit on time goes with the transaction.
        let slow: Result<usize, StoreError> =
            store.read(|tx| Ok(sql_query("SELECT pg_sleep(5)").execute(tx.connection())?)).await;
        assert!(matches!(slow, Err(StoreError::Busy)), "{slow:?}");
    }
    // Another client of the pooler gets the sessions as the server made them.
    let mut other =
        PgConnection::establish(&format!("postgres://postgres@{}/postgres", pgbouncer.address)).unwrap();
    other.set_prepared_statement_cache_size(diesel::connection::CacheSize::Disabled);
    for _ in 0..4 {
        let left: Word = sql_query(
            "SELECT current_setting('search_path') || current_setting('statement_timeout') || \
             (SELECT count(*) FROM pg_prepared_statements) AS word",
        )
        .get_result(&mut other)
        .unwrap();
        assert_eq!(left.word, "\"$user\", public00");
    }
    for location in &places {
        stores.destroy(location).await.unwrap();
    }
    stores.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pooler_that_comes_later_is_noticed_by_its_first_error() {
    let pgbouncer = Pgbouncer::start();
    let direct = address_of(PostgresServer::get().url());
    let proxy = Proxy::start(direct);
    let cell = PostgresUrl::new(&proxy.url(PostgresServer::get().url())).unwrap();
    let location = schema_of(cell.clone());
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let store = stores.create(&location, MIGRATIONS).await.unwrap();
    store.write(add_by_name).await.unwrap();
    assert!(!stores.cell_stats(&cell).is_behind_pooler);
    let query = "SELECT count(*)::text AS word FROM pg_prepared_statements WHERE name <> ''";
    let prepared =
        store.read(move |tx| Ok::<_, StoreError>(sql_query(query).get_result::<Word>(tx.connection())?.word));
    assert_ne!(prepared.await.unwrap(), "0", "a server itself keeps statements");

    proxy.lead_to(pgbouncer.address);
    let began = Instant::now();
    let mut acknowledged = 1;
    while !stores.cell_stats(&cell).is_behind_pooler {
        assert!(began.elapsed() < Duration::from_secs(30), "the pooler was not noticed");
        // At once, so that sessions are shared.
        for told in futures_util::future::join_all((0..6).map(|_| store.write(add_by_name))).await {
            match told {
                Ok(_) => acknowledged += 1,
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
            }
        }
    }
    // Sessions with statements in them are given up one after the other.
    while store.write(add_by_name).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(30), "no write succeeds any more");
    }
    acknowledged += 1;
    for told in futures_util::future::join_all((0..30).map(|_| store.write(add_by_name))).await {
        acknowledged += i64::from(told.is_ok());
    }
    assert_eq!(store.read(counter).await.unwrap(), acknowledged);
    stores.destroy(&location).await.unwrap();
    stores.shutdown().await;
}
