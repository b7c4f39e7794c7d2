//! The errors of a store, and the one table that reads them from the messages of the two databases. Diesel hands on no error
//! code of either database, so most rows go by the message (see the tests for where each message comes from). What HTTP answers
//! to which is decided in the gateway.

use std::fmt::Display;
use std::io::{self, ErrorKind};

use diesel::result::{ConnectionError, DatabaseErrorKind, Error as QueryError};

use crate::unique::unique_violation;

/// Why a call on a store did not succeed. The texts are private: they may name files, tables and hosts.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such file or schema.
    #[error("the store does not exist")]
    Missing,
    /// Waited too long for a turn or for a lock. Nothing was changed; trying again later is right.
    #[error("the store is busy")]
    Busy,
    /// A read that was to stay small ([`ReadTx::small`](crate::ReadTx::small)) would have become large: do it again where
    /// that is allowed.
    #[error("the read is not small")]
    LargeRead,
    /// The disk is full. Nothing was changed; reads go on.
    #[error("the store's disk is full")]
    Full,
    /// The store would hold more than it may. Nothing was changed; what frees room goes on.
    #[error("the store may hold {limit} bytes and would hold more")]
    OverLimit {
        /// In bytes.
        limit: u64,
    },
    /// The database cannot be reached, or it failed in a way that may pass.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The file's content is damaged. An operator has to look.
    #[error("the store is corrupt: {0}")]
    Corrupt(String),
    /// The database cannot hold stores as it is. The sentence says what to do.
    #[error("{0}")]
    Unfit(String),
    /// The closure panicked. It was rolled back; the store is as before.
    #[error("the work on the store panicked")]
    Panicked,
    /// The store is newer than this program, or a migration failed.
    #[error("migration: {0}")]
    Migration(String),
    /// A row with this unique key exists already. See [`StoreError::unique_violation`].
    #[error("unique key taken: {0}")]
    Unique(String),
    /// Any other refusal of a query: a constraint, a row not found, a mistake in the SQL.
    #[error("query: {0}")]
    Query(diesel::result::Error),
}

/// What work on a store fails with: an error of the caller's own, into which that of the store goes.
pub trait Failure: From<StoreError> + Send + 'static {}

impl<E: From<StoreError> + Send + 'static> Failure for E {}

impl StoreError {
    /// The columns whose uniqueness was violated, named alike for both databases: `users.user_name_key`, or
    /// `values.user_id, values.kind` for a key of two.
    pub fn unique_violation(&self) -> Option<&str> {
        match self {
            Self::Unique(columns) => Some(columns),
            _ => None,
        }
    }

    /// The failure of a file: `Full` when its disk is, and otherwise `Unavailable`, which says `what` failed.
    pub fn of_file(what: impl Display, error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Unavailable(format!("{what}: {error}")),
        }
    }

    /// The work ended a transaction that it did not begin, or began one that it did not end.
    pub(crate) fn unbalanced() -> Self {
        Self::Unavailable("the work left the transaction in another state".to_owned())
    }

    /// The same failure for another job of the batch that it took down.
    pub(crate) fn for_companion(&self) -> Self {
        match self {
            Self::Busy => Self::Busy,
            Self::Full => Self::Full,
            Self::Missing => Self::Missing,
            Self::Corrupt(cause) => Self::Corrupt(cause.clone()),
            other => Self::Unavailable(format!("the common commit failed: {other}")),
        }
    }
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        if let Some(columns) = unique_violation(&error) {
            return Self::Unique(columns);
        }
        match &error {
            QueryError::DatabaseError(kind, information) => {
                from_database(kind, information.message()).unwrap_or(Self::Query(error))
            }
            QueryError::RollbackErrorOnCommit { commit_error, .. } => {
                Self::Unavailable(commit_error.to_string())
            }
            QueryError::BrokenTransactionManager => Self::Unavailable(error.to_string()),
            _ => Self::Query(error),
        }
    }
}

impl From<ConnectionError> for StoreError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::CouldntSetupConfiguration(query) => query.into(),
            ConnectionError::BadConnection(message) => {
                from_message(&message).unwrap_or(Self::Unavailable(message))
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}

fn from_database(kind: &DatabaseErrorKind, message: &str) -> Option<StoreError> {
    match kind {
        DatabaseErrorKind::SerializationFailure => Some(StoreError::Busy),
        DatabaseErrorKind::ClosedConnection => Some(StoreError::Unavailable(message.to_owned())),
        DatabaseErrorKind::Unknown => from_message(message),
        DatabaseErrorKind::UnableToSendCommand => {
            Some(from_message(message).unwrap_or_else(|| StoreError::Unavailable(message.to_owned())))
        }
        _ => None,
    }
}

/// The error of the database as a whole; `None` when the message is about the query.
fn from_message(message: &str) -> Option<StoreError> {
    let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    if says(BUSY) {
        Some(StoreError::Busy)
    } else if says(FULL) {
        Some(StoreError::Full)
    } else if says(CORRUPT) || names_no_relation(message) {
        Some(StoreError::Corrupt(message.to_owned()))
    } else if says(UNAVAILABLE) || is_misplaced_statement(message) {
        Some(StoreError::Unavailable(message.to_owned()))
    } else {
        None
    }
}

/// Whether PostgreSQL says that a statement is not there, or there already.
pub(crate) fn is_misplaced_statement(message: &str) -> bool {
    message.starts_with("prepared statement \"")
        && (message.ends_with("\" does not exist") || message.ends_with("\" already exists"))
}

/// PostgreSQL 42P01: a store is used with its migrations only, so its schema has another name now, or is gone.
fn names_no_relation(message: &str) -> bool {
    message.starts_with("relation \"") && message.ends_with("\" does not exist")
}

// SQLite's texts are `sqlite3ErrStr`; PostgreSQL's are those of an English server (`lc_messages`).
const BUSY: &[&str] = &[
    "database is locked",                           // SQLITE_BUSY
    "database table is locked",                     // SQLITE_LOCKED
    "deadlock detected",                            // 40P01
    "canceling statement due to lock timeout",      // 55P03
    "canceling statement due to statement timeout", // 57014
    "too many clients already",                     // 53300
    "too many connections for",                     // 53300: of a database or a role
    "remaining connection slots are reserved",      // 53300
    "no more connections allowed",                  // pgbouncer: max_client_conn
    "query_wait_timeout",                           // pgbouncer: no session became free
];
const FULL: &[&str] = &[
    "database or disk is full", // SQLITE_FULL
    "No space left on device",  // PostgreSQL 53100
];
const CORRUPT: &[&str] = &[
    "database disk image is malformed", // SQLITE_CORRUPT
    "file is not a database",           // SQLITE_NOTADB
    "no such table", // SQLite: a store is used with its migrations only, so its schema was not read
    "invalid page in block", // PostgreSQL XX001
    "could not open relation with OID", // PostgreSQL XX000: its schema was dropped meanwhile
];
const UNAVAILABLE: &[&str] = &[
    "disk I/O error",                            // SQLITE_IOERR
    "unable to open database file",              // SQLITE_CANTOPEN: no file descriptor left, no right
    "attempt to write a readonly database",      // SQLITE_READONLY: the disk was mounted read-only
    "out of memory",                             // both
    "terminating connection",                    // 57P01
    "server closed the connection unexpectedly", // libpq
    "no connection to the server",               // libpq
    "could not receive data from server",        // libpq
    "could not send data to server",             // libpq
    "the database system is",                    // 57P03: starting up, shutting down, in recovery
    "could not connect to server",               // libpq
    "pgbouncer",                                 // of its own: it cannot reach the server, or is stopping
    "server conn crashed?",                      // pgbouncer
    "server login has been failing",             // pgbouncer
    "client_login_timeout",                      // pgbouncer
];
