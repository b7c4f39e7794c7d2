//! What SQLite says it will do for a page: walk along an index, from where the page begins. A list of 100,000 then costs as
//! much for each page as one of 100, and a test fails when an index is missing.

use std::sync::{Arc, Mutex};

use diesel::{
    QueryableByName, RunQueryDsl,
    connection::{Connection, InstrumentationEvent},
    sql_query,
    sql_types::Text,
};
use directory::{
    log::{self, About, Wanted},
    search::{Column, Direction, IndexScan, Position, Rows, positions},
};
use scim_core::{ResourceKind, filter::Instant, sort::SortKey};
use store::{ReadTx, StoreConnection};
use testkit::stores::FreshStore;

use crate::support::{MIGRATIONS, read, write};

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The queries that some work runs, as SQLite is given them.
fn statements(tx: &mut ReadTx<'_>, work: impl FnOnce(&mut ReadTx<'_>)) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&seen);
    inner(tx).set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let reads = |text: &String| text.starts_with("SELECT") || text.starts_with("WITH");
            listener.lock().unwrap().extend(Some(text).filter(reads));
        }
    });
    work(tx);
    inner(tx).set_instrumentation(|_: InstrumentationEvent<'_>| {});
    std::mem::take(&mut seen.lock().unwrap())
}

fn inner<'t>(tx: &'t mut ReadTx<'_>) -> &'t mut diesel::SqliteConnection {
    match tx.connection() {
        StoreConnection::Sqlite(inner) => inner,
        StoreConnection::Postgres(_) => panic!("SQLite is asked"),
    }
}

/// How SQLite would go about a statement.
fn plan(tx: &mut ReadTx<'_>, statement: &str) -> Vec<String> {
    // What stands behind `--` is Diesel's note of what is bound.
    let explain = format!("EXPLAIN QUERY PLAN {}", statement.split(" -- binds").next().unwrap());
    let steps: Vec<Step> = sql_query(explain).load(inner(tx)).unwrap();
    steps.into_iter().map(|step| step.detail).collect()
}

/// A place along a column; a plan is the same for each.
fn place(column: Column, valued: bool) -> Position {
    let key = match column {
        _ if !valued => None,
        Column::Id => None,
        Column::Name | Column::ExternalId => Some(SortKey::Text("k".to_owned())),
        Column::Created | Column::Modified => Some(SortKey::Instant(Instant::from_millis(1))),
    };
    Position { key, id: "0190".to_owned() }
}

/// Every query for places that a list in SQL can come to, whole or from a place on; the first that walks along no index.
fn which_run_walks_no_index(tx: &mut ReadTx<'_>, kind: ResourceKind) -> Option<String> {
    use Direction::{Down, Up};
    let columns = [Column::Id, Column::Name, Column::ExternalId, Column::Created, Column::Modified];
    let parts = columns.map(|column| (column, true)).into_iter().chain([(Column::ExternalId, false)]);
    for (column, valued) in parts {
        for (keys, ids) in [(Up, Up), (Up, Down), (Down, Up), (Down, Down)] {
            for (is_whole, ordered) in [(true, true), (false, true), (false, false)] {
                let place = place(column, valued);
                let beyond = (!is_whole).then_some(&place);
                let run = IndexScan { column, valued, keys, ids, ordered, beyond, offset: 0, limit: 5 };
                let asked = statements(tx, |tx| drop(positions(tx, kind, Rows::All, &run).unwrap()));
                assert_eq!(asked.len(), 1, "{asked:?}");
                let steps = plan(tx, &asked[0]);
                let (walk, others) = steps.split_first().unwrap();
                let walks = walk.contains(" INDEX ") && (is_whole || walk.starts_with("SEARCH"));
                // Keys one way and ids the other is no order that an index has: then, and only then, those with one key are put
                // in order among themselves.
                let may_sort = ordered && keys != ids && column != Column::Id;
                if !walks
                    || !others.iter().all(|step| may_sort && step.ends_with("FOR LAST TERM OF ORDER BY"))
                {
                    return Some(format!("{run:?}: {steps:?}"));
                }
            }
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_a_list_in_sql_is_a_walk_along_an_index() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    read(&fresh.store, |tx| {
        assert_eq!(which_run_walks_no_index(tx, ResourceKind::User), None);
        assert_eq!(which_run_walks_no_index(tx, ResourceKind::Group), None);
        Ok(())
    })
    .await;
    fresh.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_drops_an_index_of_a_list_is_told() {
    for loss in [
        "DROP INDEX users_by_external_id",
        "DROP INDEX users_by_created",
        "DROP INDEX users_by_modified",
        "DROP INDEX groups_by_display_name",
        "DROP INDEX groups_by_external_id",
        "DROP INDEX groups_by_created",
        "DROP INDEX groups_by_modified",
    ] {
        let fresh = FreshStore::sqlite(MIGRATIONS).await;
        let told = write(&fresh.store, move |tx| {
            sql_query(loss).execute(tx.connection())?;
            let of_users = which_run_walks_no_index(tx, ResourceKind::User);
            Ok(of_users.or_else(|| which_run_walks_no_index(tx, ResourceKind::Group)))
        });
        assert!(told.await.unwrap().is_some(), "{loss}");
        fresh.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_looked_for_in_an_index_of_the_log() {
    let fresh = FreshStore::sqlite(MIGRATIONS).await;
    let wanted = Wanted {
        about: vec![About::Person("ada".to_owned())],
        results: vec!["applied"],
        idps: vec!["okta"],
        ..Wanted::default()
    };
    write(&fresh.store, move |tx| {
        for row in [
            "INSERT INTO changes (number, at_ms, kind, resource_id, version, request_id, detail, user_key) \
             VALUES (1, 1, '', '', 1, '', '', 'ada')",
            "INSERT INTO attempts (number, at_ms, kind, resource_id, request_id, detail, result, idp, user_key) \
             VALUES (1, 1, '', '', '', '', '', '', 'ada')",
        ] {
            sql_query(row).execute(tx.connection())?;
        }
        let asked = statements(tx, |tx| drop(log::page(tx, &wanted, None, 5).unwrap()));
        let steps: Vec<_> = asked.iter().flat_map(|statement| plan(tx, statement)).collect();
        for table in ["attempts", "changes"] {
            let by = format!("SEARCH {table} USING");
            let searches: Vec<_> = steps.iter().filter(|step| step.starts_with(&by)).collect();
            assert_eq!(searches.len(), 2, "{asked:#?} {steps:#?}");
            for search in searches {
                assert!(search.contains(&format!(" {table}_by_user (<expr>=? AND user_key=? AND at_ms")), "{search}");
            }
        }
        Ok(())
    })
    .await
    .unwrap();
    fresh.remove().await;
}
