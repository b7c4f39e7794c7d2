//! The handle on one open store: `read` and `write` are the only doors to its rows.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use crate::background::Threads;
use crate::postgres::PostgresStore;
use crate::sqlite::{Manner, Repeat, SqliteStore, Urgency};
use crate::stats::{Instruments, StoreStats};
use crate::transactions::Undone;
use crate::watch::{Ended, Mode, TRACES, Watch};
use crate::{Failure, ReadTx, StoreError, StoreLocation, WriteTx, room};

/// An open store. Cheap to clone; take it from [`Stores::open`](crate::Stores::open) for one request and let it
/// go, because a store that someone holds is not closed to make room for another.
#[derive(Clone)]
pub struct Store {
    opened: Arc<Opened>,
    /// Which threads do its work.
    on: Threads,
}

struct Opened {
    kind: Kind,
    instruments: Instruments,
    watched: Watched,
    /// Its place among the stores that are known, given back when the last handle is gone.
    _room: OwnedSemaphorePermit,
}

/// Who is told of the store's transactions, and where it is.
pub(crate) struct Watched {
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) location: StoreLocation,
}

impl Watched {
    async fn transaction<T, E>(
        &self,
        mode: Mode,
        transaction: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let done = self.traced(mode, transaction).await;
        let (at, took, is_ok) = (&self.location, began.elapsed(), done.is_ok());
        self.watch.transaction(Ended { at, mode, took, is_ok });
        done
    }

    /// Runs a transaction that nobody counts.
    async fn traced<T>(&self, mode: Mode, transaction: impl Future<Output = T>) -> T {
        transaction.instrument(self.span(mode)).await
    }

    /// The span of a transaction, where its request is traced. It does not say whose store it is: the request's span does.
    fn span(&self, mode: Mode) -> Span {
        let name = match mode {
            Mode::Read => "read",
            Mode::Write => "write",
        };
        let system = match self.location {
            StoreLocation::Sqlite(_) => "sqlite",
            StoreLocation::Postgres { .. } => "postgresql",
        };
        info_span!(
            target: TRACES,
            "transaction",
            otel.name = name,
            db.system.name = system,
            waited_for_turn_ms = Empty,
            waited_for_connection_ms = Empty
        )
    }
}

pub(crate) enum Kind {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Store {
    pub(crate) fn new(
        kind: Kind,
        instruments: Instruments,
        room: OwnedSemaphorePermit,
        watched: Watched,
    ) -> Self {
        Self { opened: Arc::new(Opened { kind, instruments, watched, _room: room }), on: Threads::Usual }
    }

    /// The same store, for work that takes long: its transactions run on threads of lower priority than those that serve
    /// requests, and share no commit with others. A look-up runs on the calling thread all the same.
    #[must_use]
    pub fn in_background(&self) -> Self {
        Self { on: Threads::Background, ..self.clone() }
    }

    /// Runs `work` in a read transaction, on a thread that may block. Every query in it sees the same moment;
    /// a query that writes is refused by the database.
    ///
    /// # Errors
    /// The work's own error; `Busy`, when the store's readers are all taken for too long; `Panicked`; or what the
    /// database says.
    pub async fn read<T: Send + 'static, E: Failure>(
        &self,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let read = async {
            match &self.opened.kind {
                Kind::Sqlite(store) => store.read(self.on, work).await,
                Kind::Postgres(store) => store.read(self.on, work).await,
            }
        };
        self.opened.watched.transaction(Mode::Read, read).await
    }

    /// As [`Store::read`], for work that finds a few rows by their keys. On a SQLite store it runs on the calling thread:
    /// such work takes some ten microseconds, less than handing it to another thread and back. Not for anything
    /// whose cost grows with the store.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn look_up<T: Send + 'static, E: Failure>(
        &self,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let look_up = async {
            match &self.opened.kind {
                Kind::Sqlite(store) => store.look_up(work).await,
                Kind::Postgres(store) => store.read(Threads::Usual, work).await,
            }
        };
        self.opened.watched.transaction(Mode::Read, look_up).await
    }

    /// Runs `work` in a write transaction and answers after it is on disk. An error or a panic of the work undoes
    /// all of it. Once begun it runs to its end, also when the caller's future is dropped.
    ///
    /// # Errors
    /// The work's own error; `Busy` and nothing was done; `Panicked`; or the database's, also when the commit
    /// fails, and then nothing was stored. (One exception, as with every server: a PostgreSQL connection that
    /// breaks while it commits is `Unavailable`, and only looking tells whether it was stored.)
    pub async fn write<T: Send + 'static, E: Failure>(
        &self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.write_as(Repeat::Never, Urgency::None, once(work)).await
    }

    /// As [`Store::write`], for what goes on while a [`Reserve`](crate::Reserve) is spent.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_urgently<T: Send + 'static, E: Failure>(
        &self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.write_as(Repeat::Never, Urgency::Urgent, once(work)).await
    }

    /// As [`Store::write`], for work that may be run again: from its beginning, in a new transaction, when it was rolled back
    /// together with other writes. It must have no effect beside its rows and its result. On SQLite that makes group commit
    /// cheaper by its savepoints.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_repeatable<T: Send + 'static, E: Failure>(
        &self,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.write_as(Repeat::WhenUndone, Urgency::None, work).await
    }

    /// Runs `work` in a write transaction and undoes it, whatever comes of it; what the work has found out is returned. Writes that
    /// share its transaction are stored.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn dry_run<T: Send + 'static, E: Failure>(
        &self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let undone = |tx: &mut WriteTx<'_>| Err::<Infallible, _>(tx.undo(work));
        // It ends with an error so that it is undone, and is neither a write nor a failed one.
        let write = self.run_write(Repeat::Never, Urgency::None, once(undone));
        match self.opened.watched.traced(Mode::Write, write).await {
            Ok(never) => match never {},
            Err(Undone::Done(value)) => Ok(value),
            Err(Undone::Failed(error)) => Err(error),
        }
    }

    /// A write in the background that shares no commit, and that other writes of this process wait for without taking anything.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub(crate) async fn write_alone<T: Send + 'static, E: Failure>(
        &self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let on = Threads::Background;
        let write = async {
            match &self.opened.kind {
                Kind::Sqlite(store) => {
                    let manner = Manner { repeat: Repeat::Never, urgency: Urgency::None, on };
                    store.write(manner, once(work)).await
                }
                Kind::Postgres(store) => store.write_alone(on, work).await,
            }
        };
        self.opened.watched.transaction(Mode::Write, write).await
    }

    async fn write_as<T: Send + 'static, E: Failure>(
        &self,
        repeat: Repeat,
        urgency: Urgency,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.opened.watched.transaction(Mode::Write, self.run_write(repeat, urgency, work)).await
    }

    async fn run_write<T: Send + 'static, E: Failure>(
        &self,
        repeat: Repeat,
        urgency: Urgency,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        match &self.opened.kind {
            Kind::Sqlite(store) => store.write(Manner { repeat, urgency, on: self.on }, work).await,
            Kind::Postgres(store) => store.write(self.on, work).await,
        }
    }

    /// Has the database read the whole of a SQLite store and compare it with itself. Costs more the larger the store is.
    ///
    /// # Errors
    /// `Corrupt` with the first fault, or what the database says.
    pub async fn check(&self) -> Result<(), StoreError> {
        match &self.opened.kind {
            Kind::Sqlite(store) => store.check().await,
            // A server looks after its own files.
            Kind::Postgres(_) => Ok(()),
        }
    }

    /// How many bytes the store may hold from now on; `None` for no limit. A write that would exceed it is `OverLimit`, unless
    /// it calls [`WriteTx::go_beyond_limit`]. It is kept on SQLite only, and forgotten when the store is closed.
    pub fn limit_to(&self, bytes: Option<u64>) {
        match &self.opened.kind {
            Kind::Sqlite(store) => store.limit_to(bytes),
            Kind::Postgres(_) => {}
        }
    }

    /// Bytes that the store's rows and indexes take now, without its log.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn bytes_in_use(&self) -> Result<u64, StoreError> {
        self.read(|tx| room::bytes_in_use(tx.connection())).await
    }

    /// The time of a write that begins now: milliseconds since 1970 in UTC, never before the newest time in the store, unless
    /// that is more than a day ahead of the clock.
    pub fn now_ms(&self) -> i64 {
        self.opened.instruments.clock.now_ms()
    }

    /// Counters since the store was opened.
    pub fn stats(&self) -> StoreStats {
        self.opened.instruments.counters.snapshot()
    }

    /// Whether its file was moved, replaced or removed under it, so that it answers nothing any more and has to be opened anew.
    pub fn is_lost(&self) -> bool {
        match &self.opened.kind {
            Kind::Sqlite(store) => store.is_lost(),
            Kind::Postgres(_) => false,
        }
    }

    /// Where it is.
    pub fn location(&self) -> &StoreLocation {
        &self.opened.watched.location
    }

    /// Whether it has no connections of its own: its file is read by those that stores at rest share.
    pub fn is_at_rest(&self) -> bool {
        match &self.opened.kind {
            Kind::Sqlite(store) => store.is_at_rest(),
            Kind::Postgres(_) => false,
        }
    }

    /// True when no one but the owner of `self` has a handle.
    pub(crate) fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.opened) == 1
    }

    /// Lets running work end, refuses new work, closes the store's own connections. False when some work went on.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        match &self.opened.kind {
            Kind::Sqlite(store) => store.close(patience).await,
            Kind::Postgres(store) => store.close(patience).await,
        }
    }
}

/// Work that is run once, for a writer that could run it again. Were it to, nothing is stored.
fn once<T, E: Failure>(
    work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E>,
) -> impl FnMut(&mut WriteTx<'_>) -> Result<T, E> {
    let mut work = Some(work);
    move |tx: &mut WriteTx<'_>| match work.take() {
        Some(work) => work(tx),
        None => Err(StoreError::Unavailable("a write was run a second time".to_owned()).into()),
    }
}
