//! A part of a cell's pool: an [`Admission`] that says how many may be out, and under it the connections, kept by r2d2.
//! Why r2d2 here and not for SQLite: docs/decisions/0002-dependencies.md.

use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use r2d2::{ManageConnection, PooledConnection};
use scheduled_thread_pool::ScheduledThreadPool;

use crate::admission::{Admission, Permit};
use crate::connection::depth;
use crate::server::{Link, Server};
use crate::transactions::{begin, roll_back_to, run_caught};
use crate::watch::Turn;
use crate::{StoreConnection, StoreError, StoreSettings};

/// Threads that open connections, for all cells of the process. Each may wait for a server for as long as
/// [`StoreSettings::connect_timeout`].
const OPENERS: usize = 8;

static OPENING: LazyLock<Arc<ScheduledThreadPool>> = LazyLock::new(|| {
    let threads = ScheduledThreadPool::builder().num_threads(OPENERS).thread_name_pattern("postgres-{}");
    Arc::new(threads.build())
});

/// How often a new connection is tried when the last one ended before it was used, as while a server restarts.
const ATTEMPTS: u32 = 3;

/// Connections that are all alike.
pub(crate) struct Lane {
    /// Admits those that take a connection. A permit is held for as long as the connection is out.
    pub(crate) admission: Admission,
    server: Arc<Server>,
    pool: r2d2::Pool<Manager>,
}

/// The connections of a lane, counted now.
#[derive(Clone, Copy)]
pub(crate) struct LaneStats {
    pub(crate) connections: u32,
    pub(crate) idle: u32,
}

/// How r2d2 opens and judges connections.
struct Manager {
    server: Arc<Server>,
    age: Duration,
    uses: u32,
}

/// r2d2 keeps the error of a failed attempt to itself and lets its caller wait for the next one. So an attempt never fails for
/// r2d2: what it was told is handed out like a connection, and dropped when it comes back.
type Attempt = Result<Session, StoreError>;

/// An open connection.
struct Session {
    link: Link,
    opened: Instant,
    uses: u32,
    /// It did not begin a transaction when it should.
    is_stale: bool,
    /// The server's session is the connection's own: it keeps time limits and prepared statements from one transaction to the next.
    is_own: bool,
}

impl ManageConnection for Manager {
    type Connection = Attempt;
    type Error = Infallible;

    fn connect(&self) -> Result<Attempt, Infallible> {
        Ok(self.server.connect().map(|link| Session {
            link,
            opened: Instant::now(),
            uses: 0,
            is_stale: false,
            is_own: !self.server.is_behind_pooler(),
        }))
    }

    /// Never asked: that a connection is good shows when it begins a transaction, which costs no round trip of its own.
    fn is_valid(&self, _attempt: &mut Attempt) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, attempt: &mut Attempt) -> bool {
        let Ok(session) = attempt else { return true };
        session.is_stale
            || session.uses >= self.uses
            || session.opened.elapsed() >= self.age
            || (session.is_own && self.server.is_behind_pooler())
            // It is known to be outside any transaction, or it does not go back.
            || !depth(&mut session.link.connection).is_ok_and(|depth| depth == 0)
    }
}

impl Lane {
    /// A lane of so many connections, none of which is open yet.
    pub(crate) fn new(server: &Arc<Server>, connections: u32, settings: &StoreSettings) -> Self {
        let manager =
            Manager { server: Arc::clone(server), age: settings.postgres_max_age, uses: settings.max_uses };
        let pool = r2d2::Pool::builder()
            .max_size(connections.max(1))
            .min_idle(Some(0))
            .test_on_check_out(false)
            .max_lifetime(Some(settings.postgres_max_age))
            .idle_timeout(None)
            .connection_timeout(settings.connect_timeout)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .thread_pool(Arc::clone(&OPENING))
            .build_unchecked(manager);
        // A lane's own queue needs no bound: every store that leads into it has one.
        let admission = Admission::new(connections, usize::MAX, &settings.watch, Turn::Cell);
        Self { admission, server: Arc::clone(server), pool }
    }

    /// Runs one transaction on a connection of the lane. Blocks; call it on a thread where that is allowed.
    pub(crate) fn run<T, E, F>(
        &self,
        _permit: &Permit,
        begin_sql: &str,
        end: fn(&mut StoreConnection) -> Result<(), StoreError>,
        work: F,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&mut StoreConnection) -> Result<T, E>,
    {
        let mut taken = self.begin(begin_sql)?;
        let connection = &mut opened(&mut taken)?.link.connection;
        match run_caught(|| work(connection)) {
            Ok(value) => {
                end(connection)?;
                Ok(value)
            }
            Err(error) => {
                // Where it fails the connection does not go back, and its end undoes everything.
                let _undone = roll_back_to(connection, 0);
                Err(error)
            }
        }
    }

    /// Lends a connection for work that begins and ends its transactions itself. Blocks.
    pub(crate) fn run_outside<T>(
        &self,
        _permit: &Permit,
        work: impl FnOnce(&mut StoreConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // An empty transaction shows whether the connection is good.
        let mut taken = self.begin("BEGIN")?;
        let connection = &mut opened(&mut taken)?.link.connection;
        roll_back_to(connection, 0)?;
        run_caught(|| work(connection))
    }

    /// A connection inside a new transaction. One that had gone stale is dropped and another tried: nothing has been done on it
    /// yet, so after a restart of the server no caller sees an error.
    fn begin(&self, begin_sql: &str) -> Result<PooledConnection<Manager>, StoreError> {
        while let Some(mut idle) = self.pool.try_get() {
            if opened(&mut idle).and_then(|session| session.begin(&self.server, begin_sql)).is_ok() {
                return Ok(idle);
            }
        }
        let mut attempt = 1;
        loop {
            self.server.outage.allow_attempt()?;
            let mut new = self.pool.get().map_err(|timeout| StoreError::Unavailable(timeout.to_string()))?;
            match opened(&mut new)?.begin(&self.server, begin_sql) {
                Ok(()) => return Ok(new),
                Err(StoreError::Unavailable(_)) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn stats(&self) -> LaneStats {
        let state = self.pool.state();
        LaneStats { connections: state.connections, idle: state.idle_connections }
    }

    /// Closes the idle connections. Blocks.
    pub(crate) fn close_idle(&self) {
        while let Some(mut idle) = self.pool.try_get() {
            if let Ok(session) = opened(&mut idle) {
                session.is_stale = true;
            }
        }
    }
}

/// The session that was taken.
///
/// # Errors
/// Why there is none.
fn opened(taken: &mut PooledConnection<Manager>) -> Result<&mut Session, StoreError> {
    match &mut **taken {
        Ok(session) => Ok(session),
        Err(error) => Err(mem::replace(error, StoreError::Busy)),
    }
}

impl Session {
    fn begin(&mut self, server: &Server, begin_sql: &str) -> Result<(), StoreError> {
        self.uses = self.uses.saturating_add(1);
        let begun = if self.is_own {
            begin(&mut self.link.connection, begin_sql)
        } else {
            begin(&mut self.link.connection, &format!("{begin_sql}; {}", server.limits.of_transaction()))
        };
        // Part of the batch may have run, and Diesel does not know of it.
        self.is_stale |= begun.is_err();
        begun
    }
}
