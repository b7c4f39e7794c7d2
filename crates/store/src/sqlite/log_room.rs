//! The room in the write-ahead log, checked by a transaction while it runs: SQLite writes pages into the log before the commit
//! when the connection's memory is full of them.

use std::fs;
use std::path::PathBuf;

use diesel::connection::SimpleConnection;

use super::marks::Marks;
use crate::location::StoreFile;
use crate::{StoreConnection, StoreError, StoreSettings};

/// Bytes of a log that is emptied soon after the last write.
const LONG: u64 = 4 << 20;

/// The bound on one log, for transactions that can be undone and run again.
pub(crate) struct LogRoom {
    log: PathBuf,
    bytes: u64,
}

impl LogRoom {
    pub(crate) fn of(file: &StoreFile, settings: &StoreSettings) -> Self {
        let [_main, log, _index] = file.all_paths();
        Self { log, bytes: Marks::of(settings).cut_bytes }
    }

    /// Whether there is nothing in the log's file.
    pub(crate) fn is_unused(&self) -> bool {
        self.len() == 0
    }

    /// Whether a burst of writes has left the log's file long.
    pub(crate) fn is_much_used(&self) -> bool {
        self.len() >= LONG
    }

    /// Whether the log's file is too long by now.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.len() > self.bytes
    }

    fn len(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |log| log.len())
    }
}

/// Makes SQLite refuse every further change on this connection, so that work which does not look ends soon all the same.
pub(crate) fn refuse_changes(connection: &mut StoreConnection) {
    // Where even that fails, so does what follows.
    let _refused = connection.batch_execute("PRAGMA query_only=ON");
}

/// Takes that back.
///
/// # Errors
/// The database's; close the connection then.
pub(crate) fn allow_changes(connection: &mut StoreConnection) -> Result<(), StoreError> {
    Ok(connection.batch_execute("PRAGMA query_only=OFF")?)
}
