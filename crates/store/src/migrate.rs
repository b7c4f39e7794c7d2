//! Brings one store to the newest version: one SQL source for both databases, each step one transaction.
//! Why not `diesel_migrations`: docs/decisions/0003-migrations.md.

use std::borrow::Cow;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Nullable};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};

use crate::transactions::{begin, commit, roll_back_to};
use crate::{StoreConnection, StoreError};

diesel::table! {
    schema_migrations (version) {
        version -> Text,
        applied_ms -> BigInt,
    }
}

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (\
     version TEXT NOT NULL PRIMARY KEY, applied_ms BIGINT NOT NULL)";

/// One step, in SQL that both databases understand, but for a part at its end for one of them, and for one clause:
/// `WITHOUT ROWID` at the end of a table keeps SQLite's rows in the tree of their key, so that a row is written once; PostgreSQL
/// is given the step without it.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The step's name, `0001_directory`. Steps are applied in the order of the list; a name is never
    /// changed once a store has it.
    pub version: &'static str,
    /// Statements, each ended by `;` at the end of a line. What follows the line `-- SQLite only:` or `-- PostgreSQL only:`, each
    /// once at most and in this order, is for what portable SQL cannot say, such as a collation.
    pub sql: &'static str,
    /// From this step on: a query for `ms`, the newest time that the store holds, where its clock goes on. The last step that
    /// has one counts.
    pub newest: Option<&'static str>,
}

#[derive(diesel::QueryableByName)]
struct Newest {
    #[diesel(sql_type = Nullable<BigInt>)]
    ms: Option<i64>,
}

/// Words of SQLite alone.
const SQLITE_CLAUSE: &str = " WITHOUT ROWID";

/// The rest of a step, from this line on, is for one database.
const SQLITE_PART: &str = "\n-- SQLite only:\n";
const POSTGRES_PART: &str = "\n-- PostgreSQL only:\n";

impl Migration {
    fn for_sqlite(&self) -> &'static str {
        self.sql.split_once(POSTGRES_PART).map_or(self.sql, |(told, _)| told)
    }

    fn for_postgres(&self) -> String {
        let (shared, own) = match self.sql.split_once(SQLITE_PART) {
            Some((shared, rest)) => (shared, rest.split_once(POSTGRES_PART).map_or("", |(_, own)| own)),
            None => (self.sql, ""),
        };
        [shared, own].join("\n").replace(SQLITE_CLAUSE, "")
    }
}

/// How far a store has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// No step has ever been applied: it is not a store yet.
    None,
    /// Steps are missing.
    Behind,
    /// Every step has been applied.
    Current,
}

/// How a store that does not exist is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// Nothing is made: neither a file, nor tables in one that is empty.
    IsAnError,
    /// It is made; an unfinished earlier attempt is completed.
    IsMade,
}

/// How far the store has come. One query; the connection must see the store's tables.
///
/// # Errors
/// `Migration` when the store is newer than this list.
pub(crate) fn progress(
    connection: &mut StoreConnection,
    known: &[Migration],
) -> Result<Progress, StoreError> {
    let applied = match applied(connection) {
        Ok(applied) => applied,
        Err(error) if is_missing_table(&error) => return Ok(Progress::None),
        Err(error) => return Err(error.into()),
    };
    Ok(match next(&applied, known)? {
        Some(_) if applied.is_empty() => Progress::None,
        Some(_) => Progress::Behind,
        None => Progress::Current,
    })
}

/// The error for a store in which no step was ever applied. Only creating a store makes tables: an empty file in its place
/// would otherwise be read as a tenant without users.
pub(crate) fn not_a_store(name: &str) -> StoreError {
    StoreError::Corrupt(format!("{name} holds no tables of this program"))
}

/// Applies the missing steps, each in a transaction begun with `begin_sql`, which must keep other processes out
/// while it runs. Safe to repeat and to run in several processes at once.
///
/// # Errors
/// `Migration` with the step's name; the steps before it stay applied.
pub(crate) fn bring_up(
    connection: &mut StoreConnection,
    begin_sql: &str,
    known: &'static [Migration],
    now_ms: i64,
) -> Result<(), StoreError> {
    loop {
        begin(connection, begin_sql)?;
        match apply_next(connection, known, now_ms) {
            Ok(Some(version)) => {
                commit(connection)?;
                tracing::info!(version, "a store was migrated");
            }
            Ok(None) => return commit(connection),
            Err(error) => {
                // The first error is returned, not one that follows from it: SQLite may have ended the transaction by itself.
                let _closed_anyway = roll_back_to(connection, 0);
                return Err(error);
            }
        }
    }
}

/// Inside a transaction: asks anew what is missing, because another process may just have done it.
fn apply_next(
    connection: &mut StoreConnection,
    known: &'static [Migration],
    now_ms: i64,
) -> Result<Option<&'static str>, StoreError> {
    connection.batch_execute(CREATE_TABLE)?;
    let Some(step) = next(&applied(connection)?, known)? else {
        return Ok(None);
    };
    let sql: Cow<'_, str> = match connection {
        StoreConnection::Sqlite(_) => step.for_sqlite().into(),
        StoreConnection::Postgres(_) => step.for_postgres().into(),
    };
    // PostgreSQL takes a text without a statement for an error.
    if has_statements(&sql) {
        connection.batch_execute(&sql).map_err(|error| match StoreError::from(error) {
            passing @ (StoreError::Busy | StoreError::Full | StoreError::Unavailable(_)) => passing,
            error => StoreError::Migration(format!("{}: {error}", step.version)),
        })?;
    }
    diesel::insert_into(schema_migrations::table)
        .values((schema_migrations::version.eq(step.version), schema_migrations::applied_ms.eq(now_ms)))
        .execute(connection)?;
    Ok(Some(step.version))
}

fn has_statements(sql: &str) -> bool {
    sql.lines().any(|line| !line.trim().is_empty() && !line.starts_with("--"))
}

/// The newest time that a migrated store holds; `None` when it holds none, or no step has a query for it.
///
/// # Errors
/// What the database says.
pub(crate) fn newest_ms(
    connection: &mut StoreConnection,
    known: &[Migration],
) -> Result<Option<i64>, StoreError> {
    let Some(query) = known.iter().rev().find_map(|step| step.newest) else { return Ok(None) };
    let newest: Option<Newest> = diesel::sql_query(query).get_result(connection).optional()?;
    Ok(newest.and_then(|newest| newest.ms))
}

fn applied(connection: &mut StoreConnection) -> diesel::QueryResult<Vec<String>> {
    schema_migrations::table.select(schema_migrations::version).load(connection)
}

/// The first step that the store lacks.
fn next<'a>(applied: &[String], known: &'a [Migration]) -> Result<Option<&'a Migration>, StoreError> {
    if let Some(newer) = applied.iter().find(|version| !known.iter().any(|step| step.version == *version)) {
        return Err(StoreError::Migration(format!(
            "this program does not know {newer}, which the store has"
        )));
    }
    Ok(known.iter().find(|step| !applied.iter().any(|version| version == step.version)))
}

fn is_missing_table(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, information)
        if information.message() == "no such table: schema_migrations")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_gets_the_shared_text_and_its_own_part() {
        let texts = |sql| {
            let step = Migration { version: "0001", sql, newest: None };
            [step.for_sqlite().to_owned(), step.for_postgres()]
        };
        let both = "A (a) WITHOUT ROWID;\n-- SQLite only:\nB;\n-- PostgreSQL only:\nC;\n";
        let [sqlite, postgres] = texts(both);
        assert!(sqlite.contains("A (a) WITHOUT ROWID;") && sqlite.contains("B;") && !sqlite.contains("C;"));
        assert_eq!(postgres, "A (a);\nC;\n");
        let [sqlite, postgres] = texts("-- Why.\n-- SQLite only:\nB;\n");
        assert!(has_statements(&sqlite) && sqlite.contains("B;"));
        assert!(!has_statements(&postgres), "{postgres}");
        let [sqlite, postgres] = texts("A;\n-- PostgreSQL only:\nC;\n");
        assert!(sqlite.contains("A;") && !sqlite.contains("C;"));
        assert!(postgres.contains("A;") && postgres.contains("C;"));
    }
}
