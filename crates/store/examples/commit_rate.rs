//! How many commits and reads a second: raw SQLite through Diesel on one thread, against `Store` with 1, 8 and 64
//! clients. `cargo run --release -p store --example commit_rate [directory]`; with USHER_TEST_POSTGRES set, that
//! PostgreSQL too.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::as_conversions)]

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, ExpressionMethods, QueryDsl, RunQueryDsl, SqliteConnection};
use store::{
    Migration, PostgresUrl, SchemaName, Store, StoreError, StoreFile, StoreLocation, StoreSettings, Stores,
};

const RUN: Duration = Duration::from_secs(2);
const TABLE: &str = "CREATE TABLE rows (id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL);\n";
const MIGRATIONS: &[Migration] = &[Migration { version: "1", sql: TABLE, newest: None }];
const BODY: &str = "about a hundred bytes, as a resource would be kept beside the columns that are searched";

diesel::table! {
    rows (id) {
        id -> Text,
        body -> Text,
    }
}

#[tokio::main]
async fn main() {
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let directory = directory.join(format!("commit-rate-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    raw_commits(&directory);
    raw_reads(&directory);
    let sqlite = StoreLocation::Sqlite(StoreFile::new(&directory, "bench").unwrap());
    through_store("SQLite", &sqlite).await;
    std::fs::remove_dir_all(&directory).unwrap();
    if let Ok(url) = std::env::var("USHER_TEST_POSTGRES") {
        let schema = SchemaName::new(&format!("bench_{}", std::process::id())).unwrap();
        through_store(
            "PostgreSQL",
            &StoreLocation::Postgres { cell: PostgresUrl::new(&url).unwrap(), schema },
        )
        .await;
    }
}

fn raw_connection(directory: &Path) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(directory.join("raw.db").to_str().unwrap()).unwrap();
    connection.batch_execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL").unwrap();
    connection
}

fn raw_commits(directory: &Path) {
    let mut connection = raw_connection(directory);
    connection.batch_execute(TABLE).unwrap();
    let (began, cpu) = (Instant::now(), cpu_time());
    let mut done = 0;
    while began.elapsed() < RUN {
        let id = uuid::Uuid::now_v7().to_string();
        connection
            .immediate_transaction(|connection| {
                diesel::insert_into(rows::table)
                    .values((rows::id.eq(id), rows::body.eq(BODY)))
                    .execute(connection)
            })
            .unwrap();
        done += 1;
    }
    report("raw SQLite, one row a commit", done, began, cpu);
}

fn raw_reads(directory: &Path) {
    let mut connection = raw_connection(directory);
    let id: String = rows::table.select(rows::id).first(&mut connection).unwrap();
    let (began, cpu) = (Instant::now(), cpu_time());
    let mut done = 0;
    while began.elapsed() < RUN {
        let body: String = rows::table.find(&id).select(rows::body).first(&mut connection).unwrap();
        assert_eq!(body, BODY);
        done += 1;
    }
    report("raw SQLite, point select", done, began, cpu);
}

async fn through_store(database: &str, location: &StoreLocation) {
    let stores = Stores::new(StoreSettings::default()).unwrap();
    let store = stores.create(location, MIGRATIONS).await.unwrap();
    let first = store.write(insert).await.unwrap();
    for clients in [1, 8, 64] {
        let before = store.stats();
        run(&format!("{database}, Store::write, {clients} clients"), clients, || write(store.clone())).await;
        let after = store.stats();
        let jobs_a_commit = (after.jobs - before.jobs) as f64 / (after.commits - before.commits) as f64;
        println!(
            "    {jobs_a_commit:.1} jobs a commit, {} checkpoints, {} pages in the log",
            after.checkpoints - before.checkpoints,
            after.wal_pages
        );
    }
    for clients in [1, 8, 64] {
        let name = format!("{database}, Store::read, {clients} clients");
        run(&name, clients, || read(store.clone(), first.clone())).await;
    }
    run(&format!("{database}, Stores::open of an open store"), 1, || async {
        stores.open(location, MIGRATIONS).await.unwrap();
    })
    .await;
    drop(store);
    stores.destroy(location).await.unwrap();
    stores.shutdown().await;
}

fn insert(tx: &mut store::WriteTx<'_>) -> Result<String, StoreError> {
    let id = tx.new_id();
    diesel::insert_into(rows::table)
        .values((rows::id.eq(&id), rows::body.eq(BODY)))
        .execute(tx.connection())?;
    Ok(id)
}

async fn write(store: Store) {
    store.write(insert).await.unwrap();
}

async fn read(store: Store, id: String) {
    let body = store.read(move |tx| {
        Ok::<String, StoreError>(rows::table.find(id).select(rows::body).first(tx.connection())?)
    });
    assert_eq!(body.await.unwrap(), BODY);
}

/// Runs `clients` loops at once on this task's thread until the time is over.
async fn run<F, Fut>(name: &str, clients: usize, one: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = ()>,
{
    let (began, cpu) = (Instant::now(), cpu_time());
    let looped = |_| async {
        let mut done = 0_u64;
        while began.elapsed() < RUN {
            one().await;
            done += 1;
        }
        done
    };
    let done: u64 = futures_util::future::join_all((0..clients).map(looped)).await.into_iter().sum();
    report(name, done, began, cpu);
}

fn report(name: &str, done: u64, began: Instant, cpu_before: Duration) {
    let rate = done as f64 / began.elapsed().as_secs_f64();
    let cpu = (cpu_time() - cpu_before).as_secs_f64() * 1e6 / done as f64;
    println!("{name:<50} {rate:>9.0}/s {cpu:>8.1} µs of CPU each");
}

/// CPU time of this process so far, from /proc (in hundredths of a second).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks: u64 = after_name.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
