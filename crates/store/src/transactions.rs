//! What a closure holds while it runs: one consistent view ([`ReadTx`]) or all-or-nothing ([`WriteTx`]).
//! When a transaction begins and commits is decided by the two kinds of store, not here.

use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};

use crate::connection::depth;
use crate::{StoreConnection, StoreError, clock};

/// A read transaction: every query in it sees the store at the same moment.
pub struct ReadTx<'a> {
    connection: &'a mut StoreConnection,
}

impl<'a> ReadTx<'a> {
    pub(crate) fn new(connection: &'a mut StoreConnection) -> Self {
        Self { connection }
    }

    /// The connection, inside the transaction. Nested `transaction` calls are savepoints.
    pub fn connection(&mut self) -> &mut StoreConnection {
        self.connection
    }
}

/// A write transaction: everything in it is stored, or nothing is.
pub struct WriteTx<'a> {
    read: ReadTx<'a>,
    now_ms: i64,
}

impl<'a> WriteTx<'a> {
    pub(crate) fn new(connection: &'a mut StoreConnection) -> Self {
        Self { read: ReadTx::new(connection), now_ms: clock::now_ms() }
    }

    /// When this transaction began: milliseconds since 1970 in UTC. The same for all its rows, and never less
    /// than that of an earlier transaction of this process.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Whether others may write this store while this transaction runs, so that what it will change must be locked
    /// before it is read: on PostgreSQL. SQLite has one writer at a time.
    pub fn has_rivals(&mut self) -> bool {
        matches!(self.connection(), StoreConnection::Postgres(_))
    }

    /// A new UUIDv7 as text, greater than every earlier one of this process.
    pub fn new_id(&mut self) -> String {
        clock::new_id()
    }

    /// Runs a part that may fail alone: an error or a panic undoes the part, and the transaction goes on.
    ///
    /// # Errors
    /// The part's own error, or the database's when the savepoint itself fails.
    pub fn savepoint<T, E, F>(&mut self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, E>,
        E: From<StoreError>,
    {
        let outer = depth(self.connection()).map_err(StoreError::from)?;
        StoreConnection::begin_transaction(self.connection()).map_err(StoreError::from)?;
        let now_ms = self.now_ms;
        let mut inner = WriteTx { read: ReadTx::new(self.read.connection), now_ms };
        match run_caught(|| work(&mut inner)) {
            Ok(value) => {
                StoreConnection::commit_transaction(self.connection()).map_err(StoreError::from)?;
                Ok(value)
            }
            Err(error) => {
                roll_back_to(self.connection(), outer)?;
                Err(error)
            }
        }
    }
}

impl<'a> Deref for WriteTx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &ReadTx<'a> {
        &self.read
    }
}

impl<'a> DerefMut for WriteTx<'a> {
    fn deref_mut(&mut self) -> &mut ReadTx<'a> {
        &mut self.read
    }
}

/// Begins a transaction with `sql` (one batch, so one round trip) and tells Diesel about it.
pub(crate) fn begin(connection: &mut StoreConnection, sql: &str) -> Result<(), StoreError> {
    match connection {
        StoreConnection::Sqlite(inner) => AnsiTransactionManager::begin_transaction_sql(inner, sql),
        StoreConnection::Postgres(inner) => AnsiTransactionManager::begin_transaction_sql(inner, sql),
    }
    .map_err(StoreError::from)
}

/// Commits the open transaction.
///
/// # Errors
/// Nothing was stored, or nobody can know (a connection lost while it committed). Close the connection.
pub(crate) fn commit(connection: &mut StoreConnection) -> Result<(), StoreError> {
    // A closure that began a transaction and did not end it would have its commit taken for ours.
    if depth(connection)? != 1 {
        return Err(StoreError::unbalanced());
    }
    match connection {
        // After a failed query whose error the work swallowed, PostgreSQL answers COMMIT with a polite ROLLBACK
        // and no error. The empty SELECT is refused then, and the COMMIT behind it is not reached. Diesel reads
        // the session's state after the batch, so its depth is right either way.
        StoreConnection::Postgres(inner) => inner.batch_execute("SELECT; COMMIT"),
        StoreConnection::Sqlite(inner) => AnsiTransactionManager::commit_transaction(inner),
    }
    .map_err(StoreError::from)
}

/// Rolls back until `target` transactions are open: a panic may leave nested ones behind.
///
/// # Errors
/// The connection is in an unknown state. Close it.
pub(crate) fn roll_back_to(connection: &mut StoreConnection, target: u32) -> Result<(), StoreError> {
    while depth(connection)? > target {
        StoreConnection::rollback_transaction(connection)?;
    }
    if depth(connection)? == target {
        Ok(())
    } else {
        Err(StoreError::Unavailable("the database ended the transaction".to_owned()))
    }
}

/// Runs a closure so that its panic is an error like any other.
///
/// What a closure can reach is its transaction, which is rolled back, so nothing half-done is seen later.
pub(crate) fn run_caught<T, E: From<StoreError>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StoreError::Panicked.into()))
}
