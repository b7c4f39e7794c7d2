//! Transactions as closures hold them: one consistent view ([`ReadTx`]) or all-or-nothing ([`WriteTx`]). When a transaction
//! begins and commits is decided by the two kinds of store, not here.

use std::convert::Infallible;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::{
    AnsiTransactionManager, SimpleConnection, TransactionDepthChange, TransactionManager,
    TransactionManagerStatus,
};
use diesel::result::Error as QueryError;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};

use crate::clock::StoreClock;
use crate::connection::depth;
use crate::gate::Gate;
use crate::sqlite::{LogRoom, Prepared, refuse_changes};
use crate::{StoreConnection, StoreError, room};

/// A read transaction: every query in it sees the store at the same moment.
pub struct ReadTx<'a> {
    connection: &'a mut StoreConnection,
    /// Whether it belongs to a write. A read stores nothing, however its transaction ends.
    writes: bool,
    /// A statement has failed, or may have, since the transaction was last known to be open.
    in_doubt: bool,
    /// A statement has changed something, or may have.
    changed: bool,
    haste: Haste<'a>,
    /// The bound on the log, and the number of statements that have run.
    room: Option<&'a LogRoom>,
    statements: u32,
    has_no_room: bool,
    /// Whether it must not cost more than a few rows.
    is_small: bool,
}

/// Statements between two looks at the room that is left: few transactions run so many.
const STATEMENTS_A_LOOK: u32 = 64;

/// Whether a read stands in the way of the store's writer.
#[derive(Clone, Copy)]
pub struct Haste<'a>(Option<&'a Gate>);

impl Haste<'_> {
    /// Asked now and then by a read that may last long.
    ///
    /// # Errors
    /// `Busy` when the read must end: the writer has waited for it for long enough.
    pub fn may_go_on(&self) -> Result<(), StoreError> {
        if self.0.is_some_and(Gate::must_stop) { Err(StoreError::Busy) } else { Ok(()) }
    }
}

impl<'a> ReadTx<'a> {
    pub(crate) fn new(connection: &'a mut StoreConnection) -> Self {
        Self {
            connection,
            writes: false,
            in_doubt: false,
            changed: false,
            haste: Haste(None),
            room: None,
            statements: 0,
            has_no_room: false,
            is_small: false,
        }
    }

    /// A read that the writer can ask to end.
    pub(crate) fn behind(gate: &'a Gate, connection: &'a mut StoreConnection) -> Self {
        Self { haste: Haste(Some(gate)), ..Self::new(connection) }
    }

    /// Does work that costs no more than a few rows: where it would, it ends with `LargeRead`.
    pub fn small<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.is_small = true;
        let done = work(self);
        self.is_small = false;
        done
    }

    /// Whether this read must stay small.
    pub fn is_small(&self) -> bool {
        self.is_small
    }

    /// Asked before what may cost more than a few rows.
    ///
    /// # Errors
    /// `LargeRead` when this read must stay small.
    pub fn allow_large(&self) -> Result<(), StoreError> {
        if self.is_small { Err(StoreError::LargeRead) } else { Ok(()) }
    }

    /// Tells whether this read must end, also while the transaction is lent out.
    pub fn haste(&self) -> Haste<'a> {
        self.haste
    }

    /// The connection, inside the transaction. Nested `transaction` calls are savepoints.
    pub fn connection(&mut self) -> &mut StoreConnection {
        self.settle_doubt();
        self.count_statement();
        // The caller may run any statement on it, and its errors do not pass through here.
        self.in_doubt = self.writes;
        self.changed = self.writes;
        self.connection
    }

    /// Runs one statement, inside the transaction.
    pub(crate) fn run<T>(
        &mut self,
        statement: impl FnOnce(&mut StoreConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        self.settle_doubt();
        self.count_statement();
        let done = statement(self.connection);
        self.in_doubt = self.writes && !matches!(done, Ok(_) | Err(QueryError::NotFound));
        done
    }

    /// Now and then looks whether there is room for what this transaction writes; if not, it writes no more.
    fn count_statement(&mut self) {
        let Some(room) = self.room else { return };
        self.statements = self.statements.wrapping_add(1);
        if !self.has_no_room && self.statements.is_multiple_of(STATEMENTS_A_LOOK) && room.is_exceeded() {
            self.has_no_room = true;
            refuse_changes(self.connection);
        }
    }

    /// After an error, work continues in the same transaction, or in one that is never committed.
    pub(crate) fn settle_doubt(&mut self) {
        if mem::take(&mut self.in_doubt) && has_ended(self.connection) {
            give_up(self.connection);
        }
    }
}

/// A write transaction: everything in it is stored, or nothing is.
pub struct WriteTx<'a> {
    read: ReadTx<'a>,
    clock: &'a StoreClock,
    now_ms: i64,
    /// Bytes that the store may hold.
    limit: Option<u64>,
    /// This transaction may exceed the store's limit.
    beyond_limit: bool,
    /// One of its savepoints did, so the whole may exceed the limit although its other parts do not.
    part_beyond_limit: bool,
    /// When the first thing that it leaves to be done later falls due.
    due_ms: Option<i64>,
    /// It keeps every other writer out.
    has_turn: bool,
}

impl<'a> WriteTx<'a> {
    pub(crate) fn new(connection: &'a mut StoreConnection, clock: &'a StoreClock) -> Self {
        let read = ReadTx { writes: true, ..ReadTx::new(connection) };
        let now_ms = clock.now_ms();
        Self {
            read,
            clock,
            now_ms,
            limit: None,
            beyond_limit: false,
            part_beyond_limit: false,
            due_ms: None,
            has_turn: false,
        }
    }

    /// With a limit on what the store may hold.
    pub(crate) fn within(self, limit: Option<u64>) -> Self {
        Self { limit, ..self }
    }

    /// Lets this transaction exceed the store's limit: for acts that free room or a seat, and for acts of staff. In a savepoint
    /// it holds for that part alone.
    pub fn go_beyond_limit(&mut self) {
        self.beyond_limit = true;
    }

    /// # Errors
    /// `OverLimit` when the store would hold more than it may.
    pub(crate) fn keep_within_limit(&mut self) -> Result<(), StoreError> {
        let excused = self.beyond_limit || self.part_beyond_limit;
        let Some(limit) = self.limit.filter(|_| self.has_changed() && !excused) else {
            return Ok(());
        };
        self.read.settle_doubt();
        match room::bytes_in_use(self.read.connection)? {
            in_use if in_use > limit => Err(StoreError::OverLimit { limit }),
            _ => Ok(()),
        }
    }

    /// Whether less than a tenth of what the store may hold is left. A store without a limit never is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_nearly_full(&mut self) -> Result<bool, StoreError> {
        match self.limit {
            Some(limit) => Ok(room::bytes_in_use(self.read.connection)? > limit - limit / 10),
            None => Ok(false),
        }
    }

    /// Ends early when the log has no room for it.
    pub(crate) fn with_room(mut self, room: Option<&'a LogRoom>) -> Self {
        self.read.room = room;
        self
    }

    /// Whether it ended early.
    pub(crate) fn has_no_room(&self) -> bool {
        self.read.has_no_room
    }

    /// When this transaction began: milliseconds since 1970 in UTC. The same for all its rows. It is for people to read; it
    /// never decides an order, because clocks go wrong and two processes have two clocks.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// This transaction leaves something that is to be done at this moment. It is only remembered here; who runs the transaction
    /// sees to it that somebody comes ([`WriteTx::due_ms`]).
    pub fn falls_due(&mut self, at_ms: i64) {
        self.due_ms = Some(self.due_ms.map_or(at_ms, |before| before.min(at_ms)));
    }

    /// When the first thing that this transaction leaves to be done later falls due.
    pub fn due_ms(&self) -> Option<i64> {
        self.due_ms
    }

    /// Notes how many rows a statement has changed.
    pub(crate) fn note_changes(&mut self, rows: &QueryResult<usize>) {
        self.read.changed |= matches!(rows, Ok(1..));
    }

    /// Whether there may be something to undo.
    pub(crate) fn has_changed(&self) -> bool {
        self.read.changed
    }

    /// Whether other transactions may write this store meanwhile, so that rows must be locked before they are read and changed:
    /// on PostgreSQL. SQLite has one writer at a time.
    pub fn has_rivals(&mut self) -> bool {
        matches!(self.read.connection, StoreConnection::Postgres(_))
    }

    /// Notes that this transaction has taken a lock that every writer takes, so that it need not be taken again. What a savepoint
    /// has noted ends with the savepoint.
    pub fn note_turn(&mut self) {
        self.has_turn = true;
    }

    /// Whether that was noted.
    pub fn has_turn(&self) -> bool {
        self.has_turn
    }

    /// A new UUIDv7 as text. It names a row; as with [`WriteTx::now_ms`], it does not decide an order.
    pub fn new_id(&mut self) -> String {
        self.clock.new_id()
    }

    /// Runs a part that may fail alone: an error or a panic undoes the part, and the transaction goes on. Where it cannot,
    /// because the database has ended it (a full disk), nothing that is done in it from then on is stored, and its commit
    /// fails.
    ///
    /// # Errors
    /// The part's own error, or the database's when the savepoint itself fails.
    pub fn savepoint<T, E, F>(&mut self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, E>,
        E: From<StoreError>,
    {
        self.read.settle_doubt();
        let outer = depth(self.read.connection).map_err(StoreError::from)?;
        StoreConnection::begin_transaction(self.read.connection).map_err(StoreError::from)?;
        let read = ReadTx { writes: true, ..ReadTx::new(self.read.connection) };
        let mut inner = WriteTx { read, part_beyond_limit: false, due_ms: None, ..*self };
        let done = run_caught(|| {
            let value = work(&mut inner)?;
            inner.keep_within_limit()?;
            Ok(value)
        });
        self.read.changed |= inner.has_changed();
        self.part_beyond_limit |= inner.beyond_limit || inner.part_beyond_limit;
        let due_ms = inner.due_ms;
        let done = done.and_then(|value| {
            StoreConnection::commit_transaction(self.read.connection).map_err(StoreError::from)?;
            Ok(value)
        });
        if let (Ok(_), Some(at_ms)) = (&done, due_ms) {
            self.falls_due(at_ms);
        }
        if done.is_err() && roll_back_to(self.read.connection, outer).is_err() {
            // The part's own error says why; that there is no savepoint any more only follows from it.
            give_up(self.read.connection);
        }
        done
    }

    /// Runs work and undoes it, whatever comes of it: nothing of it is stored, and nothing that it leaves to be done falls due.
    pub(crate) fn undo<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E>,
    ) -> Undone<T, E> {
        let (changed, part_beyond_limit) = (self.read.changed, self.part_beyond_limit);
        let ended = self.savepoint(|tx| {
            let value = work(tx).map_err(Undone::Failed)?;
            tx.keep_within_limit()?;
            Err::<Infallible, _>(Undone::Done(value))
        });
        (self.read.changed, self.part_beyond_limit) = (changed, part_beyond_limit);
        match ended {
            Ok(never) => match never {},
            Err(undone) => undone,
        }
    }
}

/// What came of work that was undone. It is an error to the transaction, which therefore stores nothing.
pub(crate) enum Undone<T, E> {
    /// The work succeeded.
    Done(T),
    /// The work failed.
    Failed(E),
}

impl<T, E: From<StoreError>> From<StoreError> for Undone<T, E> {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
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
        // Of several statements none can be prepared with the others.
        StoreConnection::Sqlite(inner) if sql.contains(';') => {
            AnsiTransactionManager::begin_transaction_sql(inner, sql)
        }
        // Inside of a transaction SQLite refuses BEGIN.
        StoreConnection::Sqlite(inner) => {
            Prepared(sql).execute(inner).and_then(|_| tell(inner, TransactionDepthChange::IncreaseDepth))
        }
        StoreConnection::Postgres(inner) => AnsiTransactionManager::begin_transaction_sql(inner, sql),
    }
    .map_err(StoreError::from)
}

/// Tells Diesel that a transaction has begun or ended.
fn tell(connection: &mut SqliteConnection, change: TransactionDepthChange) -> QueryResult<()> {
    match AnsiTransactionManager::transaction_manager_status_mut(connection) {
        TransactionManagerStatus::Valid(status) => status.change_transaction_depth(change),
        TransactionManagerStatus::InError => Err(QueryError::BrokenTransactionManager),
    }
}

/// Commits the open transaction.
///
/// # Errors
/// Nothing was stored; or, when the connection was lost during the commit, this is unknown. Close the connection.
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
        StoreConnection::Sqlite(inner) => match Prepared("COMMIT").execute(inner) {
            Ok(_) => tell(inner, TransactionDepthChange::DecreaseDepth),
            Err(error) => {
                // Nothing of it is to be stored later. SQLite may have undone it by itself.
                if AnsiTransactionManager::rollback_transaction(inner).is_err() {
                    AnsiTransactionManager::transaction_manager_status_mut(inner).set_in_error();
                }
                Err(error)
            }
        },
    }
    .map_err(StoreError::from)
}

/// Ends a transaction of PostgreSQL that stored nothing. Whether one of its queries failed makes no difference to the database, so
/// it is not asked, which is a tenth of a look-up.
///
/// # Errors
/// The work has left a transaction of its own open, or the connection is lost. Close the connection.
pub(crate) fn end_read(connection: &mut StoreConnection) -> Result<(), StoreError> {
    if depth(connection)? != 1 {
        return Err(StoreError::unbalanced());
    }
    connection.batch_execute("COMMIT").map_err(StoreError::from)
}

/// Rolls back until `target` transactions are open: a panic may leave nested ones behind.
///
/// # Errors
/// `Unavailable` for every error of the database: the connection is in an unknown state. Close it.
pub(crate) fn roll_back_to(connection: &mut StoreConnection, target: u32) -> Result<(), StoreError> {
    let unavailable = |error: QueryError| StoreError::Unavailable(format!("while rolling back: {error}"));
    while depth(connection)? > target {
        StoreConnection::rollback_transaction(connection).map_err(unavailable)?;
    }
    if depth(connection)? == target {
        Ok(())
    } else {
        Err(StoreError::Unavailable("the database ended the transaction".to_owned()))
    }
}

/// Whether SQLite has ended the transaction that Diesel takes for open, as it does by itself when the disk is full or fails.
/// From then on each statement would be stored at once, although its caller gets an error. PostgreSQL refuses everything after
/// an error.
///
/// Found out by a BEGIN, because Diesel does not know: inside a transaction SQLite refuses it; outside it opens a new one,
/// which holds all later statements of the work.
fn has_ended(connection: &mut StoreConnection) -> bool {
    match connection {
        StoreConnection::Sqlite(inner) => inner.batch_execute("BEGIN").is_ok(),
        StoreConnection::Postgres(_) => false,
    }
}

/// Makes sure that nothing done on this connection is ever stored: it is in a transaction that cannot be committed.
fn give_up(connection: &mut StoreConnection) {
    has_ended(connection);
    StoreConnection::transaction_manager_status_mut(connection).set_in_error();
}

/// Runs a closure so that its panic is an error like any other.
///
/// A closure reaches only its transaction, which is rolled back, so nothing half-done remains.
pub(crate) fn run_caught<T, E: From<StoreError>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StoreError::Panicked.into()))
}
