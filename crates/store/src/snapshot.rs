//! Copies of SQLite stores as plain files: taken beside a process that serves the store, and read later. For backups.
//!
//! A file is copied as it is, which takes a fifth of the time of `VACUUM INTO`: while a transaction reads, the log does not start
//! again, and the file takes no page that is newer than the log's. docs/decisions/0052 has the whole reasoning.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, RunQueryDsl, SqliteConnection};

use crate::transactions::{begin, commit};
use crate::{ReadTx, StoreConnection, StoreError};

/// How long a lock of the serving process is waited for. It holds one for moments only.
const PATIENCE_MS: u32 = 10_000;

/// Bytes of a log's header. Two of its numbers change each time the log starts again.
const LOG_HEADER: usize = 32;

/// A SQLite store as one file that no process serves or changes.
pub struct Snapshot {
    path: PathBuf,
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(diesel::QueryableByName)]
struct Mode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

impl Snapshot {
    /// Copies the store at `source` as it is at one moment into a new file, which is flushed to disk. The process that serves the
    /// store goes on meanwhile. Not to be called by that process: closing a file of an open store ends the locks of SQLite on it.
    ///
    /// # Errors
    /// `Missing` when there is no such file; `Corrupt` for one that is no store; `Full`; or what the file system says.
    pub fn take(source: &Path, target: &Path) -> Result<Self, StoreError> {
        // After the connection, because closing one of these files ends its locks.
        let mut opened = Vec::new();
        let mut reading = open(source, "rw")?;
        // The first query makes this a transaction that reads.
        begin(&mut reading, "BEGIN")?;
        require_tables(&mut reading)?;
        let copied = copy(source, target, &mut opened);
        drop(reading);
        drop(opened);
        copied.map_err(|error| StoreError::of_file(target.display(), &error))?;

        let mut writing = open(target, "rw")?;
        // It is flushed as a whole below.
        writing.batch_execute("PRAGMA synchronous=OFF")?;
        // Takes what is in the copied log into the file, and removes the log.
        let mode: Mode = diesel::sql_query("PRAGMA journal_mode=DELETE").get_result(&mut writing)?;
        require_tables(&mut writing)?;
        drop(writing);
        if mode.journal_mode != "delete" {
            return Err(StoreError::Unavailable(format!("the copy is in mode {}", mode.journal_mode)));
        }
        File::open(target)
            .and_then(|file| file.sync_all())
            .map_err(|error| StoreError::of_file(target.display(), &error))?;
        Ok(Self { path: target.to_owned() })
    }

    /// A file that [`Snapshot::take`] made, wherever it was moved.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Reads it; the file stays as it is.
    ///
    /// # Errors
    /// The work's own, or the database's.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = open(&self.path, "ro&immutable=1")?;
        begin(&mut connection, "BEGIN")?;
        work(&mut ReadTx::new(&mut connection))
    }

    /// Changes it in one transaction: what a copy shows of others may be out of date by the time that it was taken.
    ///
    /// # Errors
    /// The work's own, or the database's.
    pub fn change<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut StoreConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = open(&self.path, "rw")?;
        begin(&mut connection, "BEGIN IMMEDIATE")?;
        let done = work(&mut connection)?;
        commit(&mut connection)?;
        Ok(done)
    }
}

pub(crate) fn open(path: &Path, mode: &str) -> Result<StoreConnection, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(StoreError::Missing),
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(StoreError::Missing),
        Err(error) => return Err(StoreError::Unavailable(error.to_string())),
    }
    let path = path.to_str().ok_or_else(|| StoreError::Unavailable("a path is not UTF-8".to_owned()))?;
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let mut connection = SqliteConnection::establish(&format!("file:{escaped}?mode={mode}"))?;
    connection.batch_execute(&format!("PRAGMA busy_timeout={PATIENCE_MS}; PRAGMA wal_autocheckpoint=0"))?;
    Ok(StoreConnection::Sqlite(connection))
}

/// An empty file is a database without tables to SQLite.
pub(crate) fn require_tables(connection: &mut StoreConnection) -> Result<(), StoreError> {
    let query = diesel::sql_query("SELECT count(*) AS number FROM sqlite_schema");
    let found: Number = query.get_result(connection)?;
    if found.number > 0 { Ok(()) } else { Err(StoreError::Corrupt("it has no tables".to_owned())) }
}

/// Copies the file, then its log, while a transaction reads from them. The log's copy has all that the file's may lack, because
/// pages move from the log into the file only up to the oldest transaction that reads.
///
/// The log may start again all the same when this transaction reads from the file alone; then the file is complete, does not change
/// meanwhile, and the log holds later commits only. The copy of the log, half old and half new, is left out then.
fn copy(source: &Path, target: &Path, opened: &mut Vec<File>) -> io::Result<()> {
    let log = beside(source, "-wal");
    let before = File::open(&log).map(Some).or_else(absent)?.map(|file| (header(&file), file));
    opened.push(copy_file(source, target)?);
    let Some((before, file)) = before else { return Ok(()) };
    let target = beside(target, "-wal");
    opened.push(copy_file(&log, &target)?);
    let is_same = header(&file) == before;
    opened.push(file);
    if is_same { Ok(()) } else { fs::remove_file(target) }
}

/// Returns the source, to be closed later.
fn copy_file(source: &Path, target: &Path) -> io::Result<File> {
    let mut from = File::open(source)?;
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
    // On Linux the kernel copies, and some file systems share the blocks.
    io::copy(&mut from, &mut to)?;
    Ok(from)
}

fn header(mut log: &File) -> Option<[u8; LOG_HEADER]> {
    let mut bytes = [0; LOG_HEADER];
    log.seek(SeekFrom::Start(0)).and_then(|_| log.read_exact(&mut bytes)).ok()?;
    Some(bytes)
}

fn absent<T>(error: io::Error) -> io::Result<Option<T>> {
    if error.kind() == ErrorKind::NotFound { Ok(None) } else { Err(error) }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
