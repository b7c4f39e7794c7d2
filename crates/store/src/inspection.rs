//! A SQLite store looked at where it lies, beside a process that may serve it. Nothing of it is changed, and nothing is left beside it that
//! was not there. For `usher doctor`.

use diesel::RunQueryDsl;
use diesel::sql_types::Text;

use crate::location::StoreFile;
use crate::migrate::{self, Migration, Progress};
use crate::snapshot::{open, require_tables};
use crate::sqlite::check_mark;
use crate::transactions::begin;
use crate::{ReadTx, StoreError};

/// A store that can be read.
#[derive(Clone, Debug)]
pub struct Inspected<T> {
    /// The newest time that it holds, in milliseconds since 1970 UTC; `None` when it holds none, or lacks a migration.
    pub newest_ms: Option<i64>,
    /// Whether it lacks a migration.
    pub is_behind: bool,
    /// What the work read.
    pub found: T,
}

#[derive(diesel::QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    quick_check: String,
}

/// Checks the structure of a store (`PRAGMA quick_check`), whose it is and how far it was migrated, and reads from it. Blocks. Not to be
/// called by the process that serves it: closing a file of an open store ends the locks of SQLite on it.
///
/// # Errors
/// `Missing`; `Corrupt` for a damaged file, or that of another store; `Migration` for one of a newer version; the work's own.
pub fn inspect<T, E: From<StoreError>>(
    file: &StoreFile,
    migrations: &[Migration],
    work: impl Fn(&mut ReadTx<'_>) -> Result<T, E>,
) -> Result<Inspected<T>, E> {
    let has_log = || file.companion("-wal").exists();
    if !has_log() {
        // All of it is in the one file, and SQLite makes none beside it.
        let looked = look(file, "ro&immutable=1", migrations, &work);
        // Else it has been written to meanwhile.
        if looked.is_ok() || !has_log() {
            return looked;
        }
    }
    look(file, "ro", migrations, &work)
}

fn look<T, E: From<StoreError>>(
    file: &StoreFile,
    mode: &str,
    migrations: &[Migration],
    work: &impl Fn(&mut ReadTx<'_>) -> Result<T, E>,
) -> Result<Inspected<T>, E> {
    let mut connection = open(file.path(), mode)?;
    begin(&mut connection, "BEGIN")?;
    require_tables(&mut connection)?;
    let told: Told =
        diesel::sql_query("PRAGMA quick_check(1)").get_result(&mut connection).map_err(StoreError::from)?;
    if told.quick_check != "ok" {
        let on_one_line = told.quick_check.lines().map(str::trim).collect::<Vec<_>>().join(", ");
        return Err(StoreError::Corrupt(on_one_line).into());
    }
    check_mark(&mut connection, file)?;
    let is_behind = match migrate::progress(&mut connection, migrations)? {
        Progress::Current => false,
        Progress::Behind => true,
        Progress::None => return Err(migrate::not_a_store(file.name()).into()),
    };
    let newest_ms = if is_behind { None } else { migrate::newest_ms(&mut connection, migrations)? };
    Ok(Inspected { newest_ms, is_behind, found: work(&mut ReadTx::new(&mut connection))? })
}
