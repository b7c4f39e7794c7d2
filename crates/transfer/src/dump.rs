//! Reads a whole store, row by row, within one transaction: what it returns is the store at one moment.

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::pg::PgRowByRowLoadingMode;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryResult, RunQueryDsl};
use store::{ReadTx, StoreConnection, StoreError};

use crate::catalogue::tables;
use crate::rows::{Batch, Filling};

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

#[derive(diesel::QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The migrations that the store has, in order.
///
/// # Errors
/// What the database says.
pub fn versions(tx: &mut ReadTx<'_>) -> Result<Vec<String>, StoreError> {
    let query = diesel::sql_query("SELECT version FROM schema_migrations ORDER BY version");
    let rows: Vec<Version> = query.load(tx.connection())?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// How many rows the store has.
///
/// # Errors
/// What the database says.
pub(crate) fn count(tx: &mut ReadTx<'_>) -> Result<u64, StoreError> {
    let mut rows = 0;
    for table in tables(tx.connection())? {
        let number: Number = diesel::sql_query(table.count()).get_result(tx.connection())?;
        rows += u64::try_from(number.number).unwrap_or_default();
    }
    Ok(rows)
}

/// Hands on all rows of the store in batches, a table after those that it refers to. Holds one batch at a time.
///
/// # Errors
/// What the database says, or what `take` returns.
pub fn dump<E: From<StoreError>>(
    tx: &mut ReadTx<'_>,
    mut take: impl FnMut(Batch) -> Result<(), E>,
) -> Result<(), E> {
    let tables = tables(tx.connection())?;
    if let StoreConnection::Postgres(connection) = tx.connection() {
        read_long_tables(connection)?;
    }
    let mut filling = Filling::default();
    for table in &tables {
        let mut add = |row: QueryResult<Row>| {
            let Row { row } = row.map_err(StoreError::from)?;
            filling.add(&table.name, row).map_or(Ok(()), &mut take)
        };
        let query = diesel::sql_query(table.select(tx.connection()));
        match tx.connection() {
            StoreConnection::Sqlite(connection) => query
                .load_iter::<Row, DefaultLoadingMode>(connection)
                .map_err(StoreError::from)?
                .try_for_each(&mut add)?,
            StoreConnection::Postgres(connection) => query
                .load_iter::<Row, PgRowByRowLoadingMode>(connection)
                .map_err(StoreError::from)?
                .try_for_each(&mut add)?,
        }
    }
    filling.rest().map_or(Ok(()), take)
}

/// Lets one statement of this transaction read a table of any length.
pub(crate) fn read_long_tables(connection: &mut PgConnection) -> Result<(), StoreError> {
    Ok(connection.batch_execute("SET LOCAL statement_timeout = 0")?)
}
