//! How long a page of the provisioning log takes among a million rows: `cargo run --release -p provisioning --example log_pages`, with
//! `postgres` behind it on a PostgreSQL that it starts.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use diesel::RunQueryDsl as _;
use directory::log::{self, Kept, Place, Wanted};
use profiles::choice::People;
use provisioning::{
    ProvisioningError, TENANT_MIGRATIONS,
    log::{about_person, every_row},
};
use store::{ReadTx, Store, StoreError, WriteTx};
use testkit::{stores::FreshStore, table::Table};

/// Rows, the half of them changes, of which one in five is of a busy person; one in a thousand is Google's and one refused. The last change of
/// person 77 is the deletion.
const ROWS: i64 = 1_000_000;

/// Milliseconds between two rows.
const APART: i64 = 100;

const CHANGES: &str = "INSERT INTO changes (number, at_ms, kind, resource_id, version, request_id, detail, result, idp, user_key) \
    SELECT n, n * 200, CASE WHEN n = 490077 THEN 'user.deleted' ELSE 'user.changed' END, \
    '00000000-0000-7000-8000-0000000' || (10000 + n % 10000), n, 'q' || n, \
    '{\"credential\":\"k\",\"operation\":\"patch\",\"result\":\"applied\",\"status\":200,\"changed\":[\"title\"]}', 'applied', \
    CASE WHEN n % 1000 = 0 THEN 'google' ELSE 'okta' END, CASE WHEN n % 5 = 3 THEN 'busy' ELSE 'user' || (n % 10000) || '@example.com' END FROM numbers";

const ATTEMPTS: &str = "INSERT INTO attempts (number, at_ms, kind, resource_id, request_id, detail, result, idp, user_key) \
    SELECT n, n * 200 + 100, 'user.unchanged', '00000000-0000-7000-8000-0000000' || (10000 + n % 10000), 'p' || n, \
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
        for (name, page) in pages() {
            let mut cells = vec![name.to_owned()];
            for most in [50, 1_000] {
                let took = best(&fresh.store, &page, most).await;
                cells.push(format!("{:.1}", took.as_secs_f64() * 1e3));
            }
            table.row(cells);
        }
        print!("{}", table.text());
        fresh.remove().await;
    });
}

/// A page that is asked for.
#[derive(Clone, Default)]
struct Page {
    wanted: Wanted,
    before: Option<Place>,
    /// The person whom it is about, as staff name one.
    user: Option<&'static str>,
}

fn pages() -> Vec<(&'static str, Page)> {
    let all = every_row();
    let middle = ROWS / 2 * APART;
    let of = |wanted| Page { wanted, ..Page::default() };
    let about = |user| Page { wanted: every_row(), user: Some(user), ..Page::default() };
    let hour = (Some(middle), Some(middle + 3_600_000));
    vec![
        ("newest", of(all.clone())),
        (
            "in the middle, by cursor",
            Page {
                before: Some(Place { at_ms: middle, kept: Kept::Change, number: ROWS / 4 }),
                ..of(all.clone())
            },
        ),
        ("refused", of(Wanted { results: vec!["refused"], ..all.clone() })),
        ("held, of which there is none", of(Wanted { results: vec!["held"], ..all.clone() })),
        ("of Google", of(Wanted { idps: vec!["google"], ..all.clone() })),
        (
            "refused in an hour in the middle",
            of(Wanted { results: vec!["refused"], since_ms: hour.0, until_ms: hour.1, ..all }),
        ),
        ("of a person", about("user77@example.com")),
        ("of a person who has 100,000", about("busy")),
        ("of nobody", about("nobody@example.com")),
        ("of the id of a person who was deleted", about("00000000-0000-7000-8000-000000010077")),
        ("of an id that nobody had", about("00000000-0000-7000-8000-000000000000")),
    ]
}

/// The shortest of some readings, which is the one that others on the machine disturbed least.
async fn best(store: &Store, page: &Page, most: usize) -> Duration {
    const READINGS: usize = 5;
    let mut best = Duration::MAX;
    for _ in 0..READINGS {
        let (Page { mut wanted, before, user }, began) = (page.clone(), Instant::now());
        let read = move |tx: &mut ReadTx<'_>| {
            if let Some(user) = user {
                wanted.about = about_person(tx, People::Names, user)?;
            }
            Ok::<_, ProvisioningError>(log::page(tx, &wanted, before, most)?)
        };
        store.read(read).await.unwrap();
        best = best.min(began.elapsed());
    }
    best
}
