//! The PostgreSQL server behind a cell: opens sessions on it, and knows whether it is away and whether a pooler stands before it.
//!
//! Behind a pooler such as pgbouncer in transaction mode, each transaction may run in another session of the server. Nothing is
//! kept in a session then: time limits go with each transaction, and no statement is prepared by name.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::connection::{CacheSize, InstrumentationEvent, SimpleConnection};
use diesel::result::{ConnectionError, Error as QueryError};
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl};

use crate::error::is_misplaced_statement;
use crate::location::PostgresUrl;
use crate::lock::lock;
use crate::outage::Outage;
use crate::{StoreConnection, StoreError, StoreSettings};

/// How often two connections are asked in turn which session they have. A pooler under load may give them different ones.
const ROUNDS: u32 = 8;

/// The server ends a transaction that does nothing for so long: its process has stopped or hangs.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(60);

/// A server as the connections of one cell reach it.
pub(crate) struct Server {
    url: PostgresUrl,
    pub(crate) outage: Outage,
    pub(crate) limits: TimeLimits,
    /// Whether it has been found out whether there is a pooler; locked while that is done.
    has_looked: Mutex<bool>,
    behind_pooler: Arc<AtomicBool>,
    sessions: Arc<Sessions>,
}

/// How long a statement, a lock and a silence in a transaction may last.
pub(crate) struct TimeLimits([(&'static str, Duration); 3]);

impl TimeLimits {
    /// `SET …`: for all transactions of a session.
    fn of_session(&self) -> String {
        self.sql("SET")
    }

    /// `SET LOCAL …`: for one transaction.
    pub(crate) fn of_transaction(&self) -> String {
        self.sql("SET LOCAL")
    }

    fn sql(&self, set: &str) -> String {
        let Self(all) = self;
        let each = all.iter().map(|(name, limit)| format!("{set} {name} = {}", limit.as_millis()));
        each.collect::<Vec<_>>().join("; ")
    }
}

/// The server's sessions of the connections that are open.
type Sessions = Mutex<HashSet<String>>;

/// A connection to the server.
pub(crate) struct Link {
    pub(crate) connection: StoreConnection,
    _session: Held,
}

/// A session that a connection has for as long as it is open.
struct Held {
    session: String,
    sessions: Arc<Sessions>,
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.sessions).remove(&self.session);
    }
}

impl Server {
    /// Opens nothing yet.
    pub(crate) fn new(url: &PostgresUrl, settings: &StoreSettings) -> Self {
        // A connection whose other end has vanished is given up after some ten seconds instead of a quarter of an hour.
        let url = url
            .with_parameter("connect_timeout", settings.connect_timeout.as_secs().max(1))
            .with_parameter("fallback_application_name", "usher")
            .with_parameter("tcp_user_timeout", 10_000)
            .with_parameter("keepalives_idle", 5)
            .with_parameter("keepalives_interval", 2)
            .with_parameter("keepalives_count", 3);
        Self {
            url,
            outage: Outage::default(),
            limits: TimeLimits([
                ("statement_timeout", settings.statement_timeout),
                ("lock_timeout", settings.lock_timeout),
                ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
            ]),
            has_looked: Mutex::default(),
            behind_pooler: Arc::default(),
            sessions: Arc::default(),
        }
    }

    /// Opens a connection. Its `search_path` stays the server's: only transactions set it. Behind a pooler its time limits do too.
    /// Blocks.
    ///
    /// # Errors
    /// `Unavailable`, or `Busy` when the server has no free connection slot.
    pub(crate) fn connect(&self) -> Result<Link, StoreError> {
        let opened = self.open();
        self.outage.note(&opened);
        opened
    }

    /// Whether no statement may be prepared by name.
    pub(crate) fn is_behind_pooler(&self) -> bool {
        self.behind_pooler.load(Ordering::Relaxed)
    }

    fn open(&self) -> Result<Link, StoreError> {
        let mut connection = self.establish()?;
        {
            let mut has_looked = lock(&self.has_looked);
            if !*has_looked {
                // A server with a single free connection is asked again at the next one.
                let seen =
                    self.establish().and_then(|mut second| Ok(share_sessions(&mut connection, &mut second)?));
                *has_looked = seen.is_ok();
                self.behind_pooler.store(seen.unwrap_or(true), Ordering::Relaxed);
            }
        }
        let session = session_of(&mut connection)?;
        // It may come at any time: then two connections have one session.
        if !lock(&self.sessions).insert(session.clone()) {
            notice_pooler(&self.behind_pooler);
        }
        if !self.is_behind_pooler() {
            connection.batch_execute(&self.limits.of_session())?;
            connection.set_prepared_statement_cache_size(CacheSize::Unbounded);
            connection.set_instrumentation(watch_statements(Arc::clone(&self.behind_pooler)));
        }
        let held = Held { session, sessions: Arc::clone(&self.sessions) };
        Ok(Link { connection: StoreConnection::Postgres(connection), _session: held })
    }

    /// Opens a connection that prepares no statement by name.
    fn establish(&self) -> Result<PgConnection, StoreError> {
        let mut connection = PgConnection::establish(self.url.reveal()).map_err(|error| match error {
            // libpq tells of each address that it tried in a line of its own.
            ConnectionError::BadConnection(lines) => {
                let one_line = lines.lines().map(str::trim).collect::<Vec<_>>().join("; ");
                ConnectionError::BadConnection(one_line)
            }
            other => other,
        })?;
        connection.set_prepared_statement_cache_size(CacheSize::Disabled);
        Ok(connection)
    }
}

/// Whether two connections that are open at the same time are served by one session of the server, or one by several. The
/// connections of a server itself never are.
fn share_sessions(first: &mut PgConnection, second: &mut PgConnection) -> QueryResult<bool> {
    let (own, other) = (session_of(first)?, session_of(second)?);
    let mut shared = own == other;
    for _ in 1..ROUNDS {
        shared |= session_of(first)? != own || session_of(second)? != other;
    }
    Ok(shared)
}

#[derive(diesel::QueryableByName)]
struct Session {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Process id and start: after a restart of the server an id may come again.
fn session_of(connection: &mut PgConnection) -> QueryResult<String> {
    let found: Session = diesel::sql_query(
        "SELECT pid || ' ' || backend_start AS name FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()",
    )
    .get_result(connection)?;
    Ok(found.name)
}

fn notice_pooler(behind_pooler: &AtomicBool) {
    if !behind_pooler.swap(true, Ordering::Relaxed) {
        tracing::warn!("a pooler stands before PostgreSQL: statements are no longer prepared by name");
    }
}

/// Sees by the error of a query that statements are not where they were prepared (SQLSTATE 26000 and 42P05).
fn watch_statements(behind_pooler: Arc<AtomicBool>) -> impl Fn(InstrumentationEvent<'_>) + Send {
    move |event| {
        if let InstrumentationEvent::FinishQuery { error: Some(QueryError::DatabaseError(_, told)), .. } =
            event
            && is_misplaced_statement(told.message())
        {
            notice_pooler(&behind_pooler);
        }
    }
}
