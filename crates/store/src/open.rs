//! Opens one connection to a SQLite file, by hand and from a typed location, with the settings it keeps for life.

use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

use crate::descriptors::Descriptors;
use crate::location::StoreFile;
use crate::memory::Memory;
use crate::sqlite::{Marks, RestReaders};
use crate::{StoreConnection, StoreError, StoreSettings};

/// Between two tries to give a new file its log.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// What a SQLite connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// May write; there is one at a time.
    Writer,
    /// Refused by SQLite itself when it tries to write.
    Reader,
}

/// Opens connections to one existing SQLite store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Opener {
    pub(crate) file: StoreFile,
    pub(crate) settings: Arc<StoreSettings>,
    pub(crate) descriptors: Descriptors,
    pub(crate) memory: Memory,
    /// Reads the store while it is at rest.
    pub(crate) resting: Arc<RestReaders>,
}

impl Opener {
    /// Opens one more connection. Blocks, for as long as there is no file descriptor for it.
    ///
    /// # Errors
    /// `Missing` when there is no such regular file; it is never made here.
    pub(crate) fn open(&self, role: Role) -> Result<StoreConnection, StoreError> {
        self.descriptors.retrying(|| sqlite(&self.file, role, &self.settings))
    }

    /// Opens one that writes next. SQLite opens a file for reading alone where it cannot open it for writing, as when the last
    /// file descriptor became free between two tries; so whether it can write is tried.
    ///
    /// # Errors
    /// As [`Opener::open`]; `Busy` when another process writes.
    pub(crate) fn open_to_write(&self) -> Result<StoreConnection, StoreError> {
        self.descriptors.retrying(|| {
            let mut connection = sqlite(&self.file, Role::Writer, &self.settings)?;
            connection.batch_execute("BEGIN IMMEDIATE; ROLLBACK")?;
            Ok(connection)
        })
    }
}

fn sqlite(file: &StoreFile, role: Role, settings: &StoreSettings) -> Result<StoreConnection, StoreError> {
    require_regular_file(file)?;
    let mut connection = SqliteConnection::establish(&file.uri())?;
    connection.batch_execute(&common_pragmas(settings))?;
    match role {
        Role::Reader => connection.batch_execute(READER_PRAGMAS)?,
        Role::Writer => {
            give_it_a_log(&mut connection, settings.busy_timeout)?;
            connection.batch_execute(&writer_pragmas(settings))?;
        }
    }
    Ok(StoreConnection::Sqlite(connection))
}

/// A new file gets its log. Where two processes do so at once, SQLite refuses one of them without waiting for `busy_timeout`: it
/// has read the file by then and cannot be let in after the other. So it tries again. Takes at most twice as long as a try may.
fn give_it_a_log(connection: &mut SqliteConnection, patience: Duration) -> Result<(), StoreError> {
    let deadline = Instant::now() + patience;
    loop {
        match connection.batch_execute("PRAGMA journal_mode=WAL").map_err(StoreError::from) {
            Err(StoreError::Busy) if Instant::now() < deadline => thread::sleep(BETWEEN_TRIES),
            done => return done,
        }
    }
}

/// A symbolic link could point into another tenant's store, so it counts as no store.
fn require_regular_file(file: &StoreFile) -> Result<(), StoreError> {
    match fs::symlink_metadata(file.path()) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(StoreError::Missing),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::Missing),
        Err(error) => Err(StoreError::Unavailable(error.to_string())),
    }
}

/// `busy_timeout` first, because the others may already meet a lock. No `mmap_size`: with it, a file that is truncated by
/// another process would end this process by a signal; a read gives an error for one tenant.
fn common_pragmas(settings: &StoreSettings) -> String {
    format!(
        "PRAGMA busy_timeout={}; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-{}; \
         PRAGMA wal_autocheckpoint=0;",
        settings.busy_timeout.as_millis(),
        settings.sqlite_cache_kib,
    )
}

/// The last one reads the schema, so that the log and its index are open as well: they would fail in the middle of a query else,
/// and a schema that cannot be read is taken for an empty one. From then on SQLite knows that the log is in use, and keeps it.
const READER_PRAGMAS: &str = "PRAGMA query_only=ON; PRAGMA schema_version;";

/// A log that starts again writes over blocks that the file has, which a commit waits for half as long as for new ones. Only the
/// part by which a long read made it exceed its cap is cut off.
fn writer_pragmas(settings: &StoreSettings) -> String {
    format!(
        "PRAGMA synchronous=FULL; PRAGMA journal_size_limit={}; PRAGMA secure_delete=ON; PRAGMA schema_version;",
        Marks::of(settings).kept_bytes(),
    )
}
