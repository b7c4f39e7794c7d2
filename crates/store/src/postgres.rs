//! Stores that are schemas of a PostgreSQL database: transactions in one, and how it is made, migrated and removed.

use std::sync::Arc;
use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Bool, Text};
use tokio::sync::RwLock;
use tokio::time::{Instant, timeout};

use crate::admission::Admission;
use crate::background::{self, Threads, blocking};
use crate::cell::Cell;
use crate::lane::Lane;
use crate::location::SchemaName;
use crate::migrate::{self, Absent, Migration, Progress, not_a_store};
use crate::stats::Instruments;
use crate::transactions::{commit, end_read};
use crate::watch::Turn;
use crate::{Failure, ReadTx, StoreConnection, StoreError, StoreSettings, WriteTx};

/// What a fenced schema's name ends with.
pub(crate) const FENCED_SCHEMA: &str = "_mv";

/// How a transaction begins and ends.
#[derive(Clone, Copy)]
struct Bounds {
    begin: &'static str,
    end: fn(&mut StoreConnection) -> Result<(), StoreError>,
}

const READ: Bounds = Bounds { begin: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", end: end_read };
const WRITE: Bounds = Bounds { begin: "BEGIN", end: commit };

/// One schema of a cell.
pub(crate) struct PostgresStore {
    cell: Arc<Cell>,
    lane: Arc<Lane>,
    own: Admission,
    /// Writers of this process, each with a share; who holds the store has all of them. So they wait here, and not for its locks,
    /// which would keep the store's connections from readers.
    writers: Arc<RwLock<()>>,
    schema: SchemaName,
    pub(crate) instruments: Instruments,
    deadline: Duration,
}

impl PostgresStore {
    /// A handle on the schema; whether it exists is not asked here.
    pub(crate) fn new(
        cell: &Arc<Cell>,
        schema: &SchemaName,
        settings: &StoreSettings,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            cell: Arc::clone(cell),
            lane: Arc::clone(cell.lane(schema)?),
            own: Admission::new(
                settings.postgres_per_store,
                settings.max_waiting,
                &settings.watch,
                Turn::Read,
            ),
            writers: Arc::default(),
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
        self.transaction(on, READ, |connection| work(&mut ReadTx::new(connection))).await
    }

    pub(crate) async fn write<T: Send + 'static, E: Failure>(
        &self,
        on: Threads,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let share = timeout(self.deadline, Arc::clone(&self.writers).read_owned());
        let share = share.await.map_err(|_elapsed| StoreError::Busy)?;
        self.write_with(on, share, work).await
    }

    /// The same without other writers of this process beside it.
    pub(crate) async fn write_alone<T: Send + 'static, E: Failure>(
        &self,
        on: Threads,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let all = timeout(self.deadline, Arc::clone(&self.writers).write_owned());
        let all = all.await.map_err(|_elapsed| StoreError::Busy)?;
        self.write_with(on, all, work).await
    }

    async fn write_with<T: Send + 'static, E: Failure>(
        &self,
        on: Threads,
        share: impl Send + 'static,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let Instruments { clock, counters } = self.instruments.clone();
        self.transaction(on, WRITE, move |connection| {
            let _share = share;
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
        bounds: Bounds,
        work: impl FnOnce(&mut StoreConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let deadline = Instant::now() + self.deadline;
        // Its own limit first: a noisy tenant waits in its own queue, not in everyone's.
        let own = self.own.enter(deadline).await?;
        let permit = self.lane.admission.enter(deadline).await?;
        let (lane, begin_sql) = (Arc::clone(&self.lane), self.cell.begin_sql(bounds.begin, &self.schema));
        let run = move || {
            let _own = own;
            lane.run(&permit, &begin_sql, bounds.end, work)
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
        self.read(Threads::Usual, move |tx| {
            Ok(match find(&schema, tx.connection())? {
                Presence { present: false, .. } => None,
                Presence { begun: false, .. } => Some(Progress::None),
                Presence { .. } => Some(migrate::progress(tx.connection(), migrations)?),
            })
        })
        .await
    }

    async fn migrate(&self, migrations: &'static [Migration]) -> Result<(), StoreError> {
        // A big table may take longer than a request's statement.
        let begin_sql = self.cell.begin_sql(WRITE.begin, &self.schema);
        let limits_sql = self.cell.limits_sql();
        let begin_sql =
            format!("{begin_sql}; {limits_sql}; SET LOCAL statement_timeout = 0; {}", self.lock_sql());
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

    /// Makes the schema, unless it is there. Where someone else has made it, the role needs no right to make one.
    pub(crate) async fn create(&self) -> Result<(), StoreError> {
        let (lock_sql, schema) = (self.lock_sql(), self.schema.clone());
        let create = move |connection: &mut StoreConnection| {
            connection.batch_execute(&lock_sql)?;
            if !find(&schema, connection)?.present {
                connection.batch_execute(&format!("CREATE SCHEMA \"{}\"", schema.as_str()))?;
            }
            Ok(())
        };
        self.transaction(Threads::Usual, WRITE, create).await
    }

    /// `DROP SCHEMA … CASCADE`, fenced or not. It waits for transactions that use the schema.
    pub(crate) async fn destroy(&self) -> Result<(), StoreError> {
        let schema = self.schema.as_str();
        self.execute(format!(
            "DROP SCHEMA IF EXISTS \"{schema}\" CASCADE; DROP SCHEMA IF EXISTS \"{schema}{FENCED_SCHEMA}\" CASCADE"
        ))
        .await
    }

    pub(crate) async fn is_there(&self) -> Result<bool, StoreError> {
        let schema = self.schema.clone();
        self.read(Threads::Usual, move |tx| Ok(find(&schema, tx.connection())?.present)).await
    }

    /// Whether the schema has the name of a fenced one.
    ///
    /// # Errors
    /// `Missing` when it is not there at all.
    pub(crate) async fn is_fenced(&self) -> Result<bool, StoreError> {
        let fenced = SchemaName::new(&format!("{}{FENCED_SCHEMA}", self.schema.as_str()));
        let (schema, fenced) =
            (self.schema.clone(), fenced.map_err(|e| StoreError::Unavailable(e.to_string()))?);
        self.read(Threads::Usual, move |tx| {
            if find(&schema, tx.connection())?.present {
                return Ok(false);
            }
            if find(&fenced, tx.connection())?.present { Ok(true) } else { Err(StoreError::Missing) }
        })
        .await
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
        self.transaction(Threads::Usual, WRITE, execute).await
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

/// Asked, because `SET LOCAL search_path` to a schema that is not there succeeds.
fn find(schema: &SchemaName, connection: &mut StoreConnection) -> diesel::QueryResult<Presence> {
    diesel::sql_query(
        "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1) AS present, \
         EXISTS (SELECT 1 FROM pg_catalog.pg_tables \
         WHERE schemaname = $1 AND tablename = 'schema_migrations') AS begun",
    )
    .bind::<Text, _>(schema.as_str())
    .get_result(connection)
}
