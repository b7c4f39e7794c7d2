//! A small schema for the tests, and the few queries they share.

use diesel::sql_types::{BigInt, Text};
use diesel::{RunQueryDsl, sql_query};
use store::{Migration, ReadTx, Store, StoreConnection, StoreError, WriteTx};

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
