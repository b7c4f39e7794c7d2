//! A copy holds the rows of its source, each of them equal.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use provisioning::{Product, TENANT_MIGRATIONS, audit};
use store::StoreError;
use transfer::{Loading, Progress, TransferError, copy};

use crate::support::{ODD, Place, everything, insert_group, insert_user};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_odd_data_is_the_same_after_the_way_to_postgresql_and_back() {
    let mut place = Place::new();
    let source = place.fresh().await;
    let numbers = [0, -1, 9_007_199_254_740_993, i64::MAX, i64::MIN];
    let write = move |tx: &mut store::WriteTx<'_>| {
        for (n, text) in ODD.iter().enumerate() {
            insert_user(tx, &format!("u{n:03}"), text, numbers[n % numbers.len()]);
        }
        insert_group(tx, "g", (0..ODD.len()).map(|n| format!("u{n:03}")));
        Ok::<_, StoreError>(())
    };
    source.write(write).await.unwrap();
    let before = everything(&source).await;

    let there = place.postgres();
    let there = place.copy(&source, &there).await;
    assert_eq!(before, everything(&there).await);
    let back = place.sqlite();
    let back = place.copy(&there, &back).await;
    assert_eq!(before, everything(&back).await);
    // The rows of the catalogue's tables are all that there is.
    for table in ["users", "memberships", "seat_pools", "directory_totals", "schema_migrations"] {
        assert!(before.iter().any(|row| row.starts_with(&format!("{table} "))), "{table}");
    }
    let report = |store: store::Store| async move {
        let product = Product::built_in("default").unwrap();
        store.read(move |tx| audit::run(tx, product.licenses())).await.unwrap()
    };
    assert_eq!(report(source.clone()).await.licenses, report(back.clone()).await.licenses);
    place.remove().await;
}

#[test]
fn any_text_and_any_number_arrive_as_they_left() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // The stores exclude NUL before a row is written.
    let row = (any::<String>().prop_map(|text| text.replace('\0', "")), any::<i64>());
    let mut runner = TestRunner::new(Config { cases: 8, ..Config::default() });
    let run = runner.run(&proptest::collection::vec(row, 0..40), |rows| {
        runtime.block_on(async {
            let mut place = Place::new();
            let source = place.fresh().await;
            let write = move |tx: &mut store::WriteTx<'_>| {
                rows.iter().enumerate().for_each(|(n, (text, number))| {
                    insert_user(tx, &n.to_string(), text, *number);
                });
                Ok::<_, StoreError>(())
            };
            source.write(write).await.unwrap();
            let (there, back) = (place.postgres(), place.sqlite());
            let there = place.copy(&source, &there).await;
            let back = place.copy(&there, &back).await;
            let (before, after) = (everything(&source).await, everything(&back).await);
            place.remove().await;
            prop_assert_eq!(before, after);
            Ok(())
        })
    });
    run.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_an_older_version_is_migrated() {
    let mut place = Place::new();
    let older = TENANT_MIGRATIONS.get(..5).unwrap();
    let source = place.sqlite();
    let source = place.stores.create(&source, older).await.unwrap();
    let write = |tx: &mut store::WriteTx<'_>| {
        diesel::RunQueryDsl::execute(
            diesel::sql_query(
                "INSERT INTO seat_ledger (id, at_ms, user_id, license, movement, cause) VALUES ('a', 1, 'u', 'member', 1, 'x')",
            ),
            tx.connection(),
        )?;
        Ok::<_, StoreError>(())
    };
    source.write(write).await.unwrap();
    for target in [place.sqlite(), place.postgres()] {
        let target = place.copy(&source, &target).await;
        let rows = everything(&target).await;
        assert!(rows.iter().any(|row| row.starts_with("seat_ledger {\"number\":1,")), "{rows:?}");
        assert!(rows.iter().any(|row| row.starts_with("schema_migrations {\"version\":\"0006_order\"")));
    }
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_newer_version_is_refused_before_anything_is_made() {
    let mut place = Place::new();
    let location = place.sqlite();
    let versions = ["0001_directory".to_owned(), "9999_newer".to_owned()];
    let begun = Loading::begin(&place.stores, &location, TENANT_MIGRATIONS, &versions).await;
    let Err(TransferError::Refused(sentence)) = begun.map(drop) else { panic!("it was taken") };
    assert!(sentence.contains("newer version"), "{sentence}");
    assert!(matches!(place.stores.open(&location, TENANT_MIGRATIONS).await, Err(StoreError::Missing)));
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_50_000_is_copied_in_bounded_batches_and_its_progress_is_seen() {
    let mut place = Place::new();
    let source = place.fresh().await;
    let write = |tx: &mut store::WriteTx<'_>| {
        diesel::RunQueryDsl::execute(
            diesel::sql_query(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50000) \
                 INSERT INTO users (id, user_name_key, user_name_folded, document, version, created_ms, modified_ms, \
                                    regrouped_version) \
                 SELECT 'u' || n, 'u' || n, 'u' || n, '{}', 1, 1, 1, 0 FROM n",
            ),
            tx.connection(),
        )?;
        insert_group(tx, "g", (1..=50_000).map(|n| format!("u{n}")));
        Ok::<_, StoreError>(())
    };
    source.write(write).await.unwrap();
    let batches = crate::support::batches(&source).await;
    assert!(batches.iter().all(|batch| batch.rows.len() <= 1_000 && batch.bytes() < 1 << 20));
    let progress = Arc::new(Progress::default());
    let target = place.postgres();
    let target = copy(&source, &place.stores, &target, TENANT_MIGRATIONS, &progress).await.unwrap();
    assert!(progress.rows() > 100_000 && progress.bytes() > 100_000, "{progress:?}");
    assert_eq!(everything(&source).await, everything(&target).await);
    place.remove().await;
}
