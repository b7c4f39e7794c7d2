//! How long a page of the provisioning log takes among a million rows: `cargo run --release -p provisioning --example log_pages`, with
//! `postgres` behind it on a PostgreSQL that it starts.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use diesel::RunQueryDsl as _;
use directory::log::{self, About, Kept, Place, Wanted};
use provisioning::{ProvisioningError, TENANT_MIGRATIONS, log::every_row};
use store::{ReadTx, Store, StoreError, WriteTx};
use testkit::{stores::FreshStore, table::Table};

/// Rows, the half of them changes; one in a thousand is Google's and one refused.
const ROWS: i64 = 1_000_000;

/// Milliseconds between two rows.
const APART: i64 = 100;

const CHANGES: &str = "INSERT INTO changes (number, at_ms, kind, resource_id, version, request_id, detail, result, idp, user_key) \
    SELECT n, n * 200, 'user.changed', 'r' || (n % 10000), n, 'q' || n, \
    '{\"credential\":\"k\",\"operation\":\"patch\",\"result\":\"applied\",\"status\":200,\"changed\":[\"title\"]}', 'applied', \
    CASE WHEN n % 1000 = 0 THEN 'google' ELSE 'okta' END, 'user' || (n % 10000) || '@example.com' FROM numbers";

const ATTEMPTS: &str = "INSERT INTO attempts (number, at_ms, kind, resource_id, request_id, detail, result, idp, user_key) \
    SELECT n, n * 200 + 100, 'user.unchanged', 'r' || (n % 10000), 'p' || n, \
    '{\"credential\":\"k\",\"operation\":\"replace\",\"status\":200}', CASE WHEN n % 1000 = 7 THEN 'refused' ELSE 'no_change' END, \
    'okta', 'user' || (n % 10000) || '@example.com' FROM numbers";

fn main() {
    let on_postgres = std::env::args().nth(1).is_some_and(|word| word == "postgres");
    tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap().block_on(async {
        let fresh = match on_postgres {
            true => FreshStore::postgres(TENANT_MIGRATIONS).await,
            false => FreshStore::sqlite(TENANT_MIGRATIONS).await,
        };
        for insert in [CHANGES, ATTEMPTS] {
            let sql = format!(
                "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {}) ",
                ROWS / 2
            );
            // The numbers are made in front of the SELECT, as both databases take it.
            let sql = insert.replacen("SELECT n,", &format!("{sql}SELECT n,"), 1);
            let fill = move |tx: &mut WriteTx<'_>| {
                diesel::sql_query(sql).execute(tx.connection()).map_err(StoreError::from)?;
                Ok::<_, ProvisioningError>(())
            };
            fresh.store.in_background().write(fill).await.unwrap();
        }
        let mut table = Table::new(
            format!("Pages of 50 and of 1,000 among {ROWS} rows of the log, on {}", fresh.database),
            &["page", "50 rows ms", "1,000 rows ms"],
        );
        for (name, wanted, before) in pages() {
            let mut cells = vec![name.to_owned()];
            for most in [50, 1_000] {
                let took = best(&fresh.store, &wanted, before, most).await;
                cells.push(format!("{:.1}", took.as_secs_f64() * 1e3));
            }
            table.row(cells);
        }
        print!("{}", table.text());
        fresh.remove().await;
    });
}

fn pages() -> Vec<(&'static str, Wanted, Option<Place>)> {
    let all = every_row();
    let middle = ROWS / 2 * APART;
    let of = |about| Wanted { about: Some(about), ..all.clone() };
    vec![
        ("newest", all.clone(), None),
        (
            "in the middle, by cursor",
            all.clone(),
            Some(Place { at_ms: middle, kept: Kept::Change, number: ROWS / 4 }),
        ),
        ("refused", Wanted { results: vec!["refused"], ..all.clone() }, None),
        ("held, of which there is none", Wanted { results: vec!["held"], ..all.clone() }, None),
        ("of Google", Wanted { idps: vec!["google"], ..all.clone() }, None),
        (
            "refused in an hour in the middle",
            Wanted {
                results: vec!["refused"],
                since_ms: Some(middle),
                until_ms: Some(middle + 3_600_000),
                ..all.clone()
            },
            None,
        ),
        ("of a person", of(About::Person("user77@example.com".to_owned())), None),
        ("of nobody", of(About::Person("nobody@example.com".to_owned())), None),
        ("of an id that is not here any more", of(About::Resource("r77".to_owned())), None),
    ]
}

/// The shortest of some readings, which is the one that others on the machine disturbed least.
async fn best(store: &Store, wanted: &Wanted, before: Option<Place>, most: usize) -> Duration {
    const READINGS: usize = 5;
    let mut best = Duration::MAX;
    for _ in 0..READINGS {
        let (wanted, began) = (wanted.clone(), Instant::now());
        let read =
            move |tx: &mut ReadTx<'_>| Ok::<_, ProvisioningError>(log::page(tx, &wanted, before, most)?);
        store.read(read).await.unwrap();
        best = best.min(began.elapsed());
    }
    best
}
