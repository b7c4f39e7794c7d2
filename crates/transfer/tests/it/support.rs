//! Stores full of odd data, and what they hold as text.

use std::sync::Arc;

use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{RunQueryDsl, sql_query};
use provisioning::TENANT_MIGRATIONS;
use store::{Store, StoreError, StoreLocation, StoreSettings, Stores, WriteTx};
use testkit::stores::{postgres_location, sqlite_location};
use transfer::{Batch, Progress, copy, dump};

/// Texts that a careless copy changes.
pub(crate) const ODD: &[&str] = &[
    "",
    " ",
    "null",
    "0",
    "1e5",
    "007",
    "9223372036854775808",
    "true",
    "{\"a\":[1,2]}",
    "[\"x\"]",
    "it's; DROP TABLE users; --",
    "\"quoted\" \\ back \\u0041 \\n",
    "tab\tnewline\ncarriage\rbell\u{7}escape\u{1b}delete\u{7f}",
    "\u{1}\u{1f}\u{80}\u{9f}\u{ad}\u{200b}\u{2028}\u{2029}\u{feff}",
    "ÀÉÎÕÜ ß ﬀ İ ı ǅ",
    "\u{65}\u{301} is \u{e9}",
    "😀👩‍👩‍👧‍👦 \u{10ffff} \u{e000} \u{fffd}",
    "日本語 العربية עברית ไทย",
];

/// One row of `users`, with odd texts and numbers that a double cannot hold.
pub(crate) fn insert_user(tx: &mut WriteTx<'_>, id: &str, text: &str, number: i64) {
    sql_query(
        "INSERT INTO users (id, user_name_key, user_name_folded, external_id_key, document, version, created_ms, modified_ms, \
         regrouped_version, changed_number) VALUES ($1, $1, $2, $3, $4, $5, $5, $5, 0, $5)",
    )
    .bind::<Text, _>(id)
    .bind::<Text, _>(text)
    .bind::<Nullable<Text>, _>(Some(text).filter(|text| !text.is_empty()))
    // SQLite numbers parameters in the order in which they first appear.
    .bind::<Text, _>(serde_json::json!({ "nickName": text }).to_string())
    .bind::<BigInt, _>(number)
    .execute(tx.connection())
    .unwrap();
}

pub(crate) fn insert_group(tx: &mut WriteTx<'_>, id: &str, members: impl Iterator<Item = String>) {
    sql_query(
        "INSERT INTO groups (id, display_name_key, display_name_folded, document, version, created_ms, modified_ms, \
         renamed_number, moved_number) VALUES ($1, $1, $1, '{}', 1, 1, 1, 1, 0)",
    )
    .bind::<Text, _>(id)
    .execute(tx.connection())
    .unwrap();
    for member in members {
        sql_query("INSERT INTO memberships (group_id, user_id, display) VALUES ($1, $2, NULL)")
            .bind::<Text, _>(id)
            .bind::<Text, _>(member)
            .execute(tx.connection())
            .unwrap();
    }
}

/// The stores of one test: SQLite files in a directory of its own, PostgreSQL schemas that are removed at its end.
pub(crate) struct Place {
    pub(crate) stores: Stores,
    directory: tempfile::TempDir,
    made: Vec<StoreLocation>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let stores = Stores::new(StoreSettings::default()).unwrap();
        Self { stores, directory: tempfile::tempdir().unwrap(), made: Vec::new() }
    }

    pub(crate) fn sqlite(&mut self) -> StoreLocation {
        let location = sqlite_location(&self.directory.path().join(self.made.len().to_string()));
        self.made.push(location.clone());
        location
    }

    pub(crate) fn postgres(&mut self) -> StoreLocation {
        let location = postgres_location();
        self.made.push(location.clone());
        location
    }

    pub(crate) async fn fresh(&mut self) -> Store {
        let location = self.sqlite();
        self.stores.create(&location, TENANT_MIGRATIONS).await.unwrap()
    }

    pub(crate) async fn copy(&self, source: &Store, to: &StoreLocation) -> Store {
        let progress = Arc::new(Progress::default());
        let copied = copy(source, &self.stores, to, TENANT_MIGRATIONS, &progress).await.unwrap();
        assert_eq!(progress.rows(), u64::try_from(everything(source).await.len()).unwrap());
        copied
    }

    pub(crate) async fn remove(self) {
        for location in &self.made {
            self.stores.destroy(location).await.unwrap();
        }
        self.stores.shutdown().await;
    }
}

/// All batches of a store.
pub(crate) async fn batches(store: &Store) -> Vec<Batch> {
    let read = store.read(|tx| {
        let mut all = Vec::new();
        dump(tx, |batch| {
            all.push(batch);
            Ok::<_, StoreError>(())
        })?;
        Ok::<_, StoreError>(all)
    });
    read.await.unwrap()
}

/// Each row with its table. Both databases write one row as one text.
pub(crate) async fn everything(store: &Store) -> Vec<String> {
    let batches = batches(store).await;
    batches.iter().flat_map(|batch| batch.rows.iter().map(|row| format!("{} {row}", batch.table))).collect()
}
