//! Copies a store into one that is thrown away, to try something out on it: all rows but those of logs, which only grow and which no
//! write reads.

use std::path::PathBuf;

use diesel::RunQueryDsl;
use diesel::sql_types::Text;
use store::{Clock, Migration, ReadTx, Scratch, Store, StoreConnection, StoreError, WriteTx};

use crate::catalogue::{Table, drop_index, tables};
use crate::dump::{read_long_tables, versions};
use crate::error::TransferError;
use crate::texts::copy_rows;

#[derive(diesel::QueryableByName)]
struct File {
    #[diesel(sql_type = Text)]
    file: String,
}

#[derive(diesel::QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
}

/// A copy of `source` as it is at one moment, without the rows of these tables. Its file is in this directory, or in that of temporary
/// files. Writers of the source go on meanwhile.
///
/// # Errors
/// Those of either store.
pub async fn scratch(
    source: &Store,
    directory: Option<PathBuf>,
    known: &'static [Migration],
    without: &'static [&'static str],
    clock: &Clock,
) -> Result<Scratch, TransferError> {
    let (clock, newest_ms) = (clock.clone(), source.now_ms());
    let copy = move |tx: &mut ReadTx<'_>| {
        if !versions(tx)?.iter().eq(known.iter().map(|step| step.version)) {
            return Err(TransferError::refused("its store has the migrations of another version".to_owned()));
        }
        let mut scratch = Scratch::make(directory.as_deref(), known, &clock, newest_ms)?;
        fill(tx, &mut scratch, without)?;
        Ok(scratch)
    };
    source.in_background().read(copy).await
}

fn fill(tx: &mut ReadTx<'_>, scratch: &mut Scratch, without: &[&str]) -> Result<(), TransferError> {
    let mut copied = tables(tx.connection())?;
    copied.retain(|table| !without.contains(&table.name.as_str()));
    scratch.write(|scratch| {
        empty(scratch, &copied)?;
        without.iter().try_for_each(|log| drop_indexes(scratch, log))
    })?;
    match tx.connection() {
        StoreConnection::Sqlite(connection) => {
            let query = diesel::sql_query("SELECT file FROM pragma_database_list WHERE name = 'main'");
            let File { file } = query.get_result(connection)?;
            scratch.write_from(&file, |scratch| {
                copied.iter().try_for_each(|table| {
                    diesel::sql_query(table.copy_from("source")).execute(scratch.connection())?;
                    Ok(())
                })
            })
        }
        StoreConnection::Postgres(source) => {
            read_long_tables(source)?;
            let copy = |scratch: &mut WriteTx<'_>| {
                copied.iter().try_for_each(|table| copy_rows(source, scratch, table))
            };
            Ok(scratch.write(copy)?)
        }
    }
}

/// What is appended to a log in the copy is never looked up.
fn drop_indexes(scratch: &mut WriteTx<'_>, table: &str) -> Result<(), StoreError> {
    let query = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = $1";
    let indexes: Vec<Index> = diesel::sql_query(query).bind::<Text, _>(table).load(scratch.connection())?;
    for Index { name } in indexes {
        diesel::sql_query(drop_index(&name)).execute(scratch.connection())?;
    }
    Ok(())
}

/// Some migrations write first rows, which the source has too.
fn empty(scratch: &mut WriteTx<'_>, tables: &[Table]) -> Result<(), StoreError> {
    for table in tables.iter().rev() {
        diesel::sql_query(table.delete()).execute(scratch.connection())?;
    }
    Ok(())
}
