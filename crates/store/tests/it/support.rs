//! A small schema for the tests, and the few queries they share.

use std::path::PathBuf;

use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use store::{Migration, ReadTx, Store, StoreConnection, StoreError, StoreLocation, WriteTx};
use testkit::stores::FreshStore;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    version: "0001_things",
    sql: "CREATE TABLE things (name TEXT NOT NULL PRIMARY KEY, amount BIGINT NOT NULL CHECK (amount >= 0));\n\
          CREATE TABLE pairs (a TEXT NOT NULL, b TEXT NOT NULL, UNIQUE (a, b));\n\
          CREATE TABLE children (parent TEXT NOT NULL REFERENCES things (name) DEFERRABLE INITIALLY DEFERRED);\n\
          INSERT INTO things (name, amount) VALUES ('counter', 0);\n",
    newest: None,
}];

#[derive(diesel::QueryableByName)]
pub(crate) struct Number {
    #[diesel(sql_type = BigInt)]
    pub(crate) number: i64,
}

#[derive(diesel::QueryableByName)]
pub(crate) struct Word {
    #[diesel(sql_type = Text)]
    pub(crate) word: String,
}

pub(crate) fn number(connection: &mut StoreConnection, query: &str) -> Result<i64, StoreError> {
    Ok(sql_query(query).get_result::<Number>(connection)?.number)
}

pub(crate) fn insert(tx: &mut WriteTx<'_>, name: &str) -> Result<(), StoreError> {
    sql_query("INSERT INTO things (name, amount) VALUES ($1, 1)")
        .bind::<Text, _>(name)
        .execute(tx.connection())?;
    Ok(())
}

pub(crate) fn add_one(tx: &mut WriteTx<'_>) -> Result<i64, StoreError> {
    // Read and write apart, so that a lost update would show.
    let query = match tx.connection() {
        StoreConnection::Sqlite(_) => "SELECT amount AS number FROM things WHERE name = 'counter'",
        StoreConnection::Postgres(_) => {
            "SELECT amount AS number FROM things WHERE name = 'counter' FOR UPDATE"
        }
    };
    let next = number(tx.connection(), query)? + 1;
    sql_query("UPDATE things SET amount = $1 WHERE name = 'counter'")
        .bind::<BigInt, _>(next)
        .execute(tx.connection())?;
    Ok(next)
}

/// An insert that is fine until the commit.
pub(crate) fn insert_orphan(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    sql_query("INSERT INTO children (parent) VALUES ('nobody')").execute(tx.connection())?;
    Ok(())
}

pub(crate) fn counter(tx: &mut ReadTx<'_>) -> Result<i64, StoreError> {
    number(tx.connection(), "SELECT amount AS number FROM things WHERE name = 'counter'")
}

/// Names in the order of the alphabet, without the counter's.
pub(crate) async fn names(store: &Store) -> Vec<String> {
    let query = "SELECT name AS word FROM things WHERE name <> 'counter' ORDER BY name";
    let words =
        store.read(move |tx| Ok::<_, StoreError>(sql_query(query).load::<Word>(tx.connection())?)).await;
    words.unwrap().into_iter().map(|word| word.word).collect()
}

/// The main file of a SQLite store.
pub(crate) fn path_of(fresh: &FreshStore) -> PathBuf {
    let StoreLocation::Sqlite(file) = &fresh.location else { unreachable!() };
    file.path().to_owned()
}

/// Its write-ahead log.
pub(crate) fn log_of(fresh: &FreshStore) -> PathBuf {
    PathBuf::from(format!("{}-wal", path_of(fresh).display()))
}

/// Copies the store's rows as they are now into a file beside it, as a backup does.
pub(crate) fn back_up(fresh: &FreshStore) -> PathBuf {
    let copy = path_of(fresh).with_extension("backup");
    let mut outside = SqliteConnection::establish(path_of(fresh).to_str().unwrap()).unwrap();
    sql_query("VACUUM INTO $1").bind::<Text, _>(copy.to_str().unwrap()).execute(&mut outside).unwrap();
    copy
}
