//! A copy of a store to try something out on: a SQLite file without a name, whatever the store is, which nobody else knows and which
//! ends with its handle. Nothing in it outlives a crash, so nothing is ever synced.

use std::env;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use uuid::Uuid;

use crate::clock::StoreClock;
use crate::migrate::{self, Migration};
use crate::transactions::{begin, commit, roll_back_to, run_caught};
use crate::{Clock, StoreConnection, StoreError, WriteTx};

/// The memory that it takes for pages. What is more stays in its file.
const CACHE_KIB: u32 = 32 * 1024;

/// What its file is called for the moment in which it has a name.
const NAME: &str = "scratch-";

/// A store for one piece of work.
pub struct Scratch {
    connection: StoreConnection,
    clock: StoreClock,
}

impl Scratch {
    /// An empty one with the tables of these migrations. Its file is in this directory, or in that of temporary files; its times go
    /// on after `newest_ms`. Blocks, as everything here.
    ///
    /// # Errors
    /// `Full` when there is no room; or the database's.
    pub fn make(
        directory: Option<&Path>,
        migrations: &'static [Migration],
        clock: &Clock,
        newest_ms: i64,
    ) -> Result<Self, StoreError> {
        let temporary = env::temp_dir();
        let path = directory.unwrap_or(&temporary).join(format!("{NAME}{}.db", Uuid::now_v7()));
        let mut connection = open(&path)?;
        let clock = StoreClock::new(clock.clone());
        clock.start_after(newest_ms);
        migrate::bring_up(&mut connection, "BEGIN IMMEDIATE", migrations, clock.wall_ms())?;
        Ok(Self { connection, clock })
    }

    /// Runs `work` in a transaction.
    ///
    /// # Errors
    /// The work's own, `Panicked`, or the database's; nothing of the work is in it then.
    pub fn write<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let Self { connection, clock } = self;
        begin(connection, "BEGIN IMMEDIATE")?;
        match run_caught(|| work(&mut WriteTx::new(connection, clock))) {
            Ok(value) => {
                commit(connection)?;
                Ok(value)
            }
            Err(error) => {
                roll_back_to(connection, 0)?;
                Err(error)
            }
        }
    }

    /// Runs `work` in a transaction that reads another file, of a store of this process that is open meanwhile, as the schema
    /// `source`.
    ///
    /// # Errors
    /// As [`Scratch::write`].
    // BEGIN is prepared by then: prepared with the other file attached, it would name that file also when it is gone.
    pub fn write_from<T, E: From<StoreError>>(
        &mut self,
        file: &str,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let uri = uri(file, "ro").replace('\'', "''");
        let attach = format!("ATTACH '{uri}' AS source");
        self.connection.batch_execute(&attach).map_err(StoreError::from)?;
        let done = self.write(work);
        self.connection.batch_execute("DETACH source").map_err(StoreError::from)?;
        done
    }
}

fn open(path: &Path) -> Result<StoreConnection, StoreError> {
    let lost = |error| StoreError::of_file(path.display(), &error);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(lost)?;
    let opened = connect(path);
    // SQLite has the file open, and nobody else is to find it.
    fs::remove_file(path).map_err(lost)?;
    opened
}

fn connect(path: &Path) -> Result<StoreConnection, StoreError> {
    let name = path.to_str().ok_or_else(|| StoreError::Unavailable("a path is not UTF-8".to_owned()))?;
    let mut connection = SqliteConnection::establish(&uri(name, "rw"))?;
    // Exclusive is the file itself alone: the one that is read from is others' too.
    connection.batch_execute(&format!(
        "PRAGMA main.locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON; \
         PRAGMA temp_store=MEMORY; PRAGMA cache_size=-{CACHE_KIB}; BEGIN IMMEDIATE; COMMIT"
    ))?;
    Ok(StoreConnection::Sqlite(connection))
}

fn uri(path: &str, mode: &str) -> String {
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?mode={mode}")
}
