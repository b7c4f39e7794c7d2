//! A bounded set of connections to a SQLite file: an [`Admission`] that says how many may be out, and the idle ones.
//! Opens lazily, on the thread that needs the connection; keeps no thread of its own.
//! Why not r2d2, as for PostgreSQL: docs/decisions/0002-dependencies.md.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::admission::{Admission, Permit};
use crate::connection::depth;
use crate::lock::lock;
use crate::transactions::{begin, commit, roll_back_to, run_caught};
use crate::{StoreConnection, StoreError};

type Open = dyn Fn() -> Result<StoreConnection, StoreError> + Send + Sync;

/// Connections that are all alike.
pub(crate) struct Pool {
    /// Admits those that take a connection. A permit is held for as long as the connection is out.
    pub(crate) admission: Admission,
    idle: Mutex<Vec<Pooled>>,
    limits: Limits,
    open: Box<Open>,
}

/// When a connection is replaced by a new one.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Its age.
    pub(crate) age: Duration,
    /// The transactions it has served.
    pub(crate) uses: u32,
}

struct Pooled {
    connection: StoreConnection,
    opened: Instant,
    uses: u32,
}

/// A connection that is out of the pool and inside a transaction.
pub(crate) struct Begun(Pooled);

impl Pooled {
    fn new(connection: StoreConnection) -> Self {
        Self { connection, opened: Instant::now(), uses: 0 }
    }
}

impl Pool {
    /// A pool that opens its connections with `open` and replaces them at `limits`.
    pub(crate) fn new(admission: Admission, limits: Limits, open: Box<Open>) -> Self {
        Self { admission, idle: Mutex::new(Vec::new()), limits, open }
    }

    /// Runs one transaction on a connection of the pool. Blocks; call it on a thread where that is allowed.
    ///
    /// The connection goes back only when it is known to be outside any transaction.
    pub(crate) fn run<T, E, F>(&self, permit: &Permit, begin_sql: &str, work: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&mut StoreConnection) -> Result<T, E>,
    {
        let begun = self.take_begun(begin_sql)?;
        self.run_on(begun, permit, work)
    }

    /// As [`Pool::run`], on a connection from [`Pool::begin_on_idle`].
    pub(crate) fn run_on<T, E, F>(&self, begun: Begun, _permit: &Permit, work: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&mut StoreConnection) -> Result<T, E>,
    {
        let Begun(mut pooled) = begun;
        match run_caught(|| work(&mut pooled.connection)) {
            Ok(value) => {
                commit(&mut pooled.connection)?;
                self.put_back(pooled);
                Ok(value)
            }
            Err(error) => {
                if roll_back_to(&mut pooled.connection, 0).is_ok() {
                    self.put_back(pooled);
                }
                Err(error)
            }
        }
    }

    /// An idle connection inside a new transaction. One that does not begin any is dropped and another tried.
    pub(crate) fn begin_on_idle(&self, begin_sql: &str) -> Option<Begun> {
        while let Some(mut pooled) = self.take_idle() {
            if begin(&mut pooled.connection, begin_sql).is_ok() {
                return Some(Begun(pooled));
            }
        }
        None
    }

    fn take_begun(&self, begin_sql: &str) -> Result<Begun, StoreError> {
        if let Some(begun) = self.begin_on_idle(begin_sql) {
            return Ok(begun);
        }
        let mut pooled = Pooled::new((self.open)()?);
        // On failure it is dropped: part of the batch may have run, and Diesel does not know of it.
        begin(&mut pooled.connection, begin_sql)?;
        Ok(Begun(pooled))
    }

    fn take_idle(&self) -> Option<Pooled> {
        loop {
            // A statement of its own, so that an old connection is closed outside the lock.
            let newest = lock(&self.idle).pop()?;
            if newest.opened.elapsed() < self.limits.age {
                return Some(newest);
            }
        }
    }

    fn put_back(&self, mut pooled: Pooled) {
        pooled.uses = pooled.uses.saturating_add(1);
        if !depth(&mut pooled.connection).is_ok_and(|depth| depth == 0) {
            return;
        }
        if pooled.uses >= self.limits.uses {
            // The new one first: a SQLite log goes with the last connection to it. Where there is none to be had, the old one
            // serves on.
            if let Ok(new) = (self.open)() {
                pooled = Pooled::new(new);
            }
        }
        lock(&self.idle).push(pooled);
    }

    /// Adds a connection that was opened for another purpose.
    pub(crate) fn adopt(&self, connection: StoreConnection) {
        self.put_back(Pooled::new(connection));
    }

    /// Closes the idle connections. Blocks.
    pub(crate) fn close_idle(&self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        drop(idle);
    }
}
