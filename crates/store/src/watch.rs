//! What the stores of a process tell while they work, for metrics. The store names no metric; who watches does.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::Span;

use crate::StoreLocation;

/// The target of spans: of the request that a process traces, and of its steps. Log lines have others.
pub const TRACES: &str = "traces";

/// A queue in which work on stores waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// To read one store.
    Read,
    /// To write one store.
    Write,
    /// For a connection to a PostgreSQL database.
    Cell,
}

/// Whether a transaction reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It reads.
    Read,
    /// It writes, or finds that there is nothing to write.
    Write,
}

/// A transaction that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Of which store.
    pub at: &'a StoreLocation,
    /// Reading or writing.
    pub mode: Mode,
    /// With its wait for a turn.
    pub took: Duration,
    /// False where it was undone, for whatever reason.
    pub is_ok: bool,
}

/// Is told by every store of a process. Called often, on any thread: it must be quick.
pub trait Watch: Debug + Send + Sync {
    /// A transaction has ended.
    fn transaction(&self, ended: Ended<'_>);
    /// A turn was given after this wait, or refused as `Busy`.
    fn turn(&self, turn: Turn, waited: Duration, is_given: bool);
    /// So many writes were committed together.
    fn commit(&self, writes: usize);
    /// A store was opened.
    fn opened(&self);
    /// A store was closed to make room for another.
    fn evicted(&self);
    /// A store could not be opened, or could be again.
    fn reachable(&self, at: &StoreLocation, is_reachable: bool);
}

/// Nobody watches.
#[derive(Debug)]
pub(crate) struct Unwatched;

impl Watch for Unwatched {
    fn transaction(&self, _ended: Ended<'_>) {}
    fn turn(&self, _turn: Turn, _waited: Duration, _is_given: bool) {}
    fn commit(&self, _writes: usize) {}
    fn opened(&self) {}
    fn evicted(&self) {}
    fn reachable(&self, _at: &StoreLocation, _is_reachable: bool) {}
}

/// A call that waits for its turn.
pub(crate) struct Waiting {
    watch: Arc<dyn Watch>,
    turn: Turn,
    since: Instant,
    /// The span of its transaction.
    span: Span,
}

impl Waiting {
    pub(crate) fn begin(watch: &Arc<dyn Watch>, turn: Turn) -> Self {
        Self { watch: Arc::clone(watch), turn, since: Instant::now(), span: Span::current() }
    }

    pub(crate) fn end(&self, is_given: bool) {
        let waited = self.since.elapsed();
        self.watch.turn(self.turn, waited, is_given);
        note(&self.span, self.turn, waited);
    }
}

/// Writes into the span of a transaction how long it waited.
pub(crate) fn note(span: &Span, turn: Turn, waited: Duration) {
    let field = match turn {
        Turn::Read | Turn::Write => "waited_for_turn_ms",
        Turn::Cell => "waited_for_connection_ms",
    };
    span.record(field, waited.as_secs_f64() * 1_000.0);
}
