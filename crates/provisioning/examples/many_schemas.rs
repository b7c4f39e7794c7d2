//! What thousands of tenants in one PostgreSQL cell cost: how long it takes to add one more, what a transaction costs when each goes
//! to another schema than the last, and the memory of the server's backends and of this process. Makes a database of its own.
//!
//! `USHER_TEST_POSTGRES=… cargo run --release -p provisioning --example many_schemas [schemas]`; the server must be on this machine.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::as_conversions)]

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl, sql_query, sql_types};
use provisioning::TENANT_MIGRATIONS;
use store::{PostgresUrl, SchemaName, Store, StoreError, StoreLocation, StoreSettings, Stores};

diesel::table! {
    directory_totals (resource_type) {
        resource_type -> Text,
        total -> BigInt,
    }
}

const RUN: Duration = Duration::from_secs(3);

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let schemas: usize = std::env::args().nth(1).map_or(2_000, |word| word.parse().unwrap());
    let server = std::env::var("USHER_TEST_POSTGRES").unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let name = format!("many_{}", std::process::id());
    let mut outside = PgConnection::establish(&server).unwrap();
    outside.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C'")).unwrap();
    let cell = PostgresUrl::new(&format!("{base}/{name}")).unwrap();
    run(&cell, schemas, &mut outside, &name).await;
    outside.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
}

async fn run(cell: &PostgresUrl, schemas: usize, outside: &mut PgConnection, database: &str) {
    let at = |number: usize| StoreLocation::Postgres {
        cell: cell.clone(),
        schema: SchemaName::new(&format!("t_{number:032}")).unwrap(),
    };
    let making = Stores::new(StoreSettings::default()).unwrap();
    let began = Instant::now();
    for number in 0..schemas {
        making.create(&at(number), TENANT_MIGRATIONS).await.unwrap();
    }
    println!("{schemas} schemas made in {:.1} s", began.elapsed().as_secs_f64());
    let mut slowest = Duration::ZERO;
    for number in schemas..schemas + 10 {
        let began = Instant::now();
        making.create(&at(number), TENANT_MIGRATIONS).await.unwrap();
        slowest = slowest.max(began.elapsed());
    }
    println!("one more with them present: slowest of ten {} ms", slowest.as_millis());
    making.shutdown().await;

    for (lanes, size) in [(1, 1), (4, 16)] {
        println!("a pool of {size} in {lanes} lanes");
        let settings =
            StoreSettings { postgres_pool_size: size, postgres_lanes: lanes, ..StoreSettings::default() };
        let stores = Stores::new(settings).unwrap();
        let before = resident_kib("self");
        let mut opened = Vec::new();
        let began = Instant::now();
        for number in 0..schemas {
            opened.push(stores.open(&at(number), TENANT_MIGRATIONS).await.unwrap());
        }
        let each = (resident_kib("self").saturating_sub(before)) as f64 / schemas as f64;
        println!("  opened in {:.1} s, {each:.2} KiB each in this process", began.elapsed().as_secs_f64());
        for used in [1, 2, 100, schemas] {
            let (rate, micros) = read_in_turn(opened.iter().take(used), size as usize * 2).await;
            println!("  reads in turn over {used:>5} schemas: {rate:.0}/s, {micros:.0} µs each");
        }
        let backends = backends(outside, database);
        let mib: Vec<_> = backends.iter().map(|pid| resident_kib(&pid.to_string()) / 1024).collect();
        println!("  {} backends, private memory of each in MiB: {mib:?}", mib.len());
        println!("  {:?}", stores.cell_stats(cell));
        drop(opened);
        stores.shutdown().await;
    }
}

/// Reads a row of one schema after the other, with so many clients; how many a second, and how long each took.
async fn read_in_turn(stores: impl Iterator<Item = &Store>, clients: usize) -> (f64, f64) {
    let stores: Vec<_> = stores.cloned().collect();
    // Each connection has met each schema, as after a while of service.
    for _ in 0..2 {
        let warm = stores.iter().map(read);
        for one in warm {
            one.await;
        }
    }
    let began = Instant::now();
    let mut tasks = Vec::new();
    for client in 0..clients {
        let stores = stores.clone();
        tasks.push(tokio::spawn(async move {
            let mut done = 0_u64;
            for store in stores.iter().cycle().skip(client * stores.len() / clients) {
                read(store).await;
                done += 1;
                if began.elapsed() > RUN {
                    return done;
                }
            }
            done
        }));
    }
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    let seconds = began.elapsed().as_secs_f64();
    (done as f64 / seconds, seconds * 1e6 * clients as f64 / done as f64)
}

async fn read(store: &Store) -> i64 {
    let total = store.read(|tx| {
        let of_users = directory_totals::table.filter(directory_totals::resource_type.eq("User"));
        Ok::<i64, StoreError>(of_users.select(directory_totals::total).first(tx.connection())?)
    });
    total.await.unwrap()
}

fn backends(outside: &mut PgConnection, database: &str) -> Vec<i64> {
    let query = format!("SELECT pid::bigint AS number FROM pg_stat_activity WHERE datname = '{database}'");
    let found: Vec<Number> = sql_query(query).load(outside).unwrap();
    found.into_iter().map(|found| found.number).collect()
}

/// Memory that a process of this machine shares with no other.
fn resident_kib(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
