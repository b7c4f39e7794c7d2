//! Stores that are schemas of a PostgreSQL database. A cell's pool serves all its schemas: each transaction says
//! in its first batch which schema it means, and forgets it at its end.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Bool, Text};
use tokio::time::Instant;

use crate::admission::Admission;
use crate::background::{self, Threads, blocking};
use crate::location::{PostgresUrl, SchemaName};
use crate::migrate::{self, Absent, Migration, Progress, not_a_store};
use crate::open;
use crate::pool::{Limits, Pool};
use crate::stats::Instruments;
use crate::{Failure, ReadTx, StoreConnection, StoreError, StoreSettings, WriteTx};

/// The connections to one PostgreSQL database, in lanes.
pub(crate) struct Cell {
    lanes: Vec<Arc<Pool>>,
}

impl Cell {
    /// Opens nothing yet.
    pub(crate) fn new(url: &PostgresUrl, settings: &Arc<StoreSettings>) -> Self {
        let size = settings.postgres_pool_size.max(1);
        let count = settings.postgres_lanes.clamp(1, size);
        let lanes = (0..count).map(|lane| {
            // What does not divide evenly goes to the first lanes.
            let connections = size / count + u32::from(lane < size % count);
            Arc::new(lane_pool(url, connections, settings))
        });
        Self { lanes: lanes.collect() }
    }

    /// The lane of a schema, always the same one.
    fn lane(&self, schema: &SchemaName) -> Result<&Arc<Pool>, StoreError> {
        let mut hasher = DefaultHasher::new();
        schema.hash(&mut hasher);
        let lanes = u64::try_from(self.lanes.len()).unwrap_or(u64::MAX).max(1);
        let index = usize::try_from(hasher.finish() % lanes).unwrap_or_default();
        self.lanes.get(index).ok_or_else(|| StoreError::Unavailable("the cell has no lanes".to_owned()))
    }

    /// Lets running work end and closes all connections.
    pub(crate) async fn close(&self, patience: Duration) {
        for lane in &self.lanes {
            lane.admission.close(patience).await;
            let lane = Arc::clone(lane);
            let _closed: Result<(), StoreError> = blocking(move || {
                lane.close_idle();
                Ok(())
            })
            .await;
        }
    }
}

fn lane_pool(url: &PostgresUrl, connections: u32, settings: &Arc<StoreSettings>) -> Pool {
    // A lane's own queue needs no bound: every store that leads into it has one.
    let admission = Admission::new(connections, usize::MAX);
    let (url, settings) = (url.clone(), Arc::clone(settings));
    let limits = Limits { age: settings.postgres_max_age, uses: settings.max_uses };
    Pool::new(admission, limits, Box::new(move || open::postgres(&url, &settings)))
}

/// One schema of a cell.
pub(crate) struct PostgresStore {
    lane: Arc<Pool>,
    own: Admission,
    begin_read: Arc<str>,
    begin_write: Arc<str>,
    schema: SchemaName,
    pub(crate) instruments: Instruments,
    deadline: Duration,
}

impl PostgresStore {
    /// A handle on the schema; whether it exists is not asked here.
    pub(crate) fn new(
        cell: &Cell,
        schema: &SchemaName,
        settings: &StoreSettings,
    ) -> Result<Self, StoreError> {
        // One batch, so one round trip. LOCAL ends with the transaction: the next to use the connection is
        // never in a foreign schema.
        let local = format!("SET LOCAL search_path TO \"{}\"", schema.as_str());
        Ok(Self {
            lane: Arc::clone(cell.lane(schema)?),
            own: Admission::new(settings.postgres_per_store, settings.max_waiting),
            begin_read: format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {local}").into(),
            begin_write: format!("BEGIN; {local}").into(),
            schema: schema.clone(),
            instruments: Instruments::new(&settings.clock),
            deadline: settings.admission_deadline,
        })
    }

    pub(crate) async fn read<T: Send + 'static, E: Failure>(
        &self,
        on: Threads,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let begin_sql = Arc::clone(&self.begin_read);
        self.transaction(on, begin_sql, |connection| work(&mut ReadTx::new(connection))).await
    }

    pub(crate) async fn write<T: Send + 'static, E: Failure>(
        &self,
        on: Threads,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let Instruments { clock, counters } = self.instruments.clone();
        self.transaction(on, Arc::clone(&self.begin_write), move |connection| {
            counters.note(|stats| stats.jobs += 1);
            let value = work(&mut WriteTx::new(connection, &clock))?;
            counters.note(|stats| stats.commits += 1);
            Ok(value)
        })
        .await
    }

    async fn transaction<T: Send + 'static, E: Failure>(
        &self,
        on: Threads,
        begin_sql: Arc<str>,
        work: impl FnOnce(&mut StoreConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let deadline = Instant::now() + self.deadline;
        // Its own limit first: a noisy tenant waits in its own queue, not in everyone's.
        let own = self.own.enter(deadline).await?;
        let permit = self.lane.admission.enter(deadline).await?;
        let lane = Arc::clone(&self.lane);
        let run = move || {
            let _own = own;
            lane.run(&permit, &begin_sql, work)
        };
        background::run(on, run).await
    }

    /// Checks that the schema exists and migrates it when it is behind.
    ///
    /// # Errors
    /// `Missing`; `Corrupt` for a schema without tables of ours, unless the store may be made.
    pub(crate) async fn prepare(
        &self,
        migrations: &'static [Migration],
        absent: Absent,
    ) -> Result<(), StoreError> {
        match self.look(migrations).await? {
            None => return Err(StoreError::Missing),
            Some(Progress::None) if absent == Absent::IsAnError => {
                return Err(not_a_store(self.schema.as_str()));
            }
            Some(Progress::Current) => {}
            Some(Progress::None | Progress::Behind) => self.migrate(migrations).await?,
        }
        let newest_ms =
            self.read(Threads::Usual, |tx| migrate::newest_ms(tx.connection(), migrations)).await?;
        if let Some(newest_ms) = newest_ms {
            self.instruments.clock.start_after(newest_ms);
        }
        Ok(())
    }

    /// How far the schema has come; `None` when there is none.
    async fn look(&self, migrations: &'static [Migration]) -> Result<Option<Progress>, StoreError> {
        let schema = self.schema.clone();
        // Asked, because SET LOCAL search_path to a schema that is not there succeeds.
        self.read(Threads::Usual, move |tx| {
            let found: Presence = diesel::sql_query(
                "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1) AS present, \
                 EXISTS (SELECT 1 FROM pg_catalog.pg_tables \
                 WHERE schemaname = $1 AND tablename = 'schema_migrations') AS begun",
            )
            .bind::<Text, _>(schema.as_str())
            .get_result(tx.connection())?;
            Ok(match found {
                Presence { present: false, .. } => None,
                Presence { begun: false, .. } => Some(Progress::None),
                Presence { .. } => Some(migrate::progress(tx.connection(), migrations)?),
            })
        })
        .await
    }

    async fn migrate(&self, migrations: &'static [Migration]) -> Result<(), StoreError> {
        // A big table may take longer than a request's statement.
        let begin_sql = format!("{}; SET LOCAL statement_timeout = 0; {}", self.begin_write, self.lock_sql());
        let deadline = Instant::now() + self.deadline;
        let permit = self.lane.admission.enter(deadline).await?;
        let (lane, now_ms) = (Arc::clone(&self.lane), self.instruments.clock.wall_ms());
        blocking(move || {
            lane.run_outside(&permit, |connection| {
                migrate::bring_up(connection, &begin_sql, migrations, now_ms)
            })
        })
        .await
    }

    /// Keeps another process from making or migrating the same schema until the transaction ends.
    fn lock_sql(&self) -> String {
        format!("SELECT pg_advisory_xact_lock(hashtextextended('usher schema {}', 0))", self.schema.as_str())
    }

    /// `CREATE SCHEMA IF NOT EXISTS`, which without the lock fails when two do it at once.
    pub(crate) async fn create(&self) -> Result<(), StoreError> {
        self.execute(format!("{}; CREATE SCHEMA IF NOT EXISTS \"{}\"", self.lock_sql(), self.schema.as_str()))
            .await
    }

    /// `DROP SCHEMA … CASCADE`. It waits for transactions that use the schema.
    pub(crate) async fn destroy(&self) -> Result<(), StoreError> {
        self.execute(format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.schema.as_str())).await
    }

    /// Drops the schema and gives another one its name, in one transaction.
    pub(crate) async fn replace_with(&self, staged: &SchemaName) -> Result<(), StoreError> {
        let (own, staged) = (self.schema.as_str(), staged.as_str());
        let drop = format!("DROP SCHEMA IF EXISTS \"{own}\" CASCADE");
        self.execute(format!("{}; {drop}; ALTER SCHEMA \"{staged}\" RENAME TO \"{own}\"", self.lock_sql()))
            .await
    }

    async fn execute(&self, sql: String) -> Result<(), StoreError> {
        let execute = move |connection: &mut StoreConnection| Ok(connection.batch_execute(&sql)?);
        self.transaction(Threads::Usual, Arc::from("BEGIN"), execute).await
    }

    /// Lets running work of this schema end and refuses new work. The lane stays open for its other schemas.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        self.own.close(patience).await
    }
}

#[derive(diesel::QueryableByName)]
struct Presence {
    #[diesel(sql_type = Bool)]
    present: bool,
    #[diesel(sql_type = Bool)]
    begun: bool,
}
