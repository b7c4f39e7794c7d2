//! A scratch store holds the rows of its source but for logs, whatever the source is; it leaves nothing, and the source stays.

use std::fs;

use provisioning::{TENANT_LOGS, TENANT_MIGRATIONS};
use store::{Store, StoreError, StoreLocation, WriteTx};
use transfer::{dump, scratch};

use crate::support::{ODD, Place, everything, insert_group, insert_user};

#[tokio::test(flavor = "multi_thread")]
async fn a_scratch_store_has_all_rows_but_those_of_logs_and_leaves_no_file() {
    let mut place = Place::new();
    let (file, schema) = (place.sqlite(), place.postgres());
    for location in [file, schema] {
        let source = place.stores.create(&location, TENANT_MIGRATIONS).await.unwrap();
        try_out(&place, source, &location).await;
    }
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_columns_hold_texts_and_whole_numbers_which_pass_as_texts() {
    let mut place = Place::new();
    let schema = place.postgres();
    let store = place.stores.create(&schema, TENANT_MIGRATIONS).await.unwrap();
    let types = store.read(|tx| {
        let query = "SELECT DISTINCT data_type::text AS name FROM information_schema.columns \
             WHERE table_schema = current_schema() ORDER BY name";
        let types: Vec<TypeName> = diesel::RunQueryDsl::load(diesel::sql_query(query), tx.connection())?;
        Ok::<_, StoreError>(types.into_iter().map(|of| of.name).collect::<Vec<_>>())
    });
    assert_eq!(types.await.unwrap(), ["bigint", "text"]);
    place.remove().await;
}

#[derive(diesel::QueryableByName)]
struct TypeName {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

async fn try_out(place: &Place, source: Store, location: &StoreLocation) {
    let write = |tx: &mut WriteTx<'_>| {
        for (n, text) in ODD.iter().enumerate() {
            insert_user(tx, &format!("u{n:03}"), text, i64::MAX);
        }
        insert_group(tx, "g", (0..ODD.len()).map(|n| format!("u{n:03}")));
        diesel::RunQueryDsl::execute(
            diesel::sql_query(
                "INSERT INTO changes (number, at_ms, kind, resource_id, version, request_id, detail) \
                 VALUES (1, 1, 'user.created', 'u000', 1, 'r', '{}')",
            ),
            tx.connection(),
        )?;
        Ok::<_, StoreError>(())
    };
    source.write(write).await.unwrap();
    let before = everything(&source).await;
    let directory = tempfile::tempdir().unwrap();
    let beside = Some(directory.path().to_owned());
    let mut copy =
        scratch(&source, beside, TENANT_MIGRATIONS, TENANT_LOGS, place.stores.clock()).await.unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{location:?}");

    let is_log = |row: &&String| TENANT_LOGS.iter().any(|log| row.starts_with(&format!("{log} ")));
    let (logs, rest): (Vec<&String>, Vec<&String>) = before.iter().partition(is_log);
    assert!(!logs.is_empty());
    let copied = tokio::task::spawn_blocking(move || {
        let copied = rows(&mut copy);
        // A part that fails is undone, and what follows is done.
        let failed: Result<(), StoreError> = copy.write(|tx| {
            insert_user(tx, "lost", "lost", 1);
            Err(StoreError::Busy)
        });
        failed.unwrap_err();
        copy.write(|tx| {
            insert_user(tx, "new", "new", 1);
            Ok::<_, StoreError>(())
        })
        .unwrap();
        assert_eq!(rows(&mut copy).len(), copied.len() + 1);
        copied
    });
    assert_eq!(copied.await.unwrap().iter().collect::<Vec<_>>(), rest, "{location:?}");
    // The source is as it was, and is written to as before.
    assert_eq!(everything(&source).await, before);
    source
        .write(|tx| {
            insert_user(tx, "later", "later", 1);
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

fn rows(copy: &mut store::Scratch) -> Vec<String> {
    let read = |tx: &mut WriteTx<'_>| {
        let mut rows = Vec::new();
        dump(tx, |batch| {
            rows.extend(batch.rows.iter().map(|row| format!("{} {row}", batch.table)));
            Ok::<_, StoreError>(())
        })?;
        Ok::<_, StoreError>(rows)
    };
    copy.write(read).unwrap()
}
