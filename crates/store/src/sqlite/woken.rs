//! The open connections of one SQLite file: many readers, one writer, and the log between them.

use std::sync::Arc;
use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use tokio::time::Instant;

use super::batch::Batches;
use super::checkpoint::Checkpointer;
use super::context::SqliteContext;
use super::file::{create_file, require_content};
use super::mark::{self, Marked};
use super::presence::Presence;
use super::writer::Writer;
use crate::admission::{Admission, Permit};
use crate::background::{self, Threads, blocking};
use crate::memory::Room;
use crate::migrate::{self, Absent, Progress, not_a_store};
use crate::open::{Opener, Role};
use crate::pool::{Limits, Pool};
use crate::watch::Turn;
use crate::{Failure, ReadTx, StoreError};

const BEGIN: &str = "BEGIN";

/// An open SQLite file.
pub(crate) struct Woken {
    readers: Arc<Pool>,
    pub(super) writer: Arc<Writer>,
    pub(super) presence: Arc<Presence>,
    deadline: Duration,
    /// Its part of what open stores may take, given back when it is closed.
    _room: Room,
}

impl Woken {
    /// Opens a file and migrates it when it is behind. Blocks. It may be tried again where file descriptors are missing.
    ///
    /// # Errors
    /// `Missing`, and `Corrupt` for an empty file, unless the store may be made; `Corrupt` for a file of another store or program.
    pub(super) fn open(context: &SqliteContext, absent: Absent, room: Room) -> Result<Self, StoreError> {
        let SqliteContext { opener, migrations, priority, instruments, .. } = context;
        let (file, settings) = (&opener.file, &opener.settings);
        match absent {
            Absent::IsMade => opener.descriptors.retrying(|| create_file(file))?,
            Absent::IsAnError => require_content(file)?,
        }
        let mut reader = opener.open(Role::Reader)?;
        let marked = mark::read(&mut reader, file)?;
        let progress = migrate::progress(&mut reader, migrations)?;
        if progress == Progress::None && (absent == Absent::IsAnError || marked != Marked::Empty) {
            return Err(not_a_store(file.name()));
        }
        if progress != Progress::Current || marked != Marked::Yes {
            // The reader remembers the schema from before.
            drop(reader);
            let mut writer = opener.open_to_write()?;
            migrate::bring_up(&mut writer, &mark::begin_sql(file), migrations, settings.clock.wall_ms())?;
            // A step may have written the whole file into the log. Where another process reads it, the writer does this later.
            writer.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?;
            reader = opener.open(Role::Reader)?;
        }
        if let Some(newest_ms) = migrate::newest_ms(&mut reader, migrations)? {
            instruments.clock.start_after(newest_ms);
        }
        if !Presence::has_log(file) {
            // It is new, or a copy that `VACUUM INTO` made: the writer gives it a log, in which only a new connection takes part.
            let _writer = opener.open_to_write()?;
            reader = opener.open(Role::Reader)?;
        }
        if opener.descriptors.are_scarce() {
            // All connections share the log's index as the first has opened it, which may be for reading alone.
            opener.open_to_write()?;
        }
        let presence = Arc::new(Presence::of(file)?);
        let readers = Arc::new(readers(opener, &presence));
        readers.adopt(reader);
        let counters = Arc::clone(&instruments.counters);
        let checkpointer = Checkpointer::new(opener.clone(), counters, priority, &presence, &readers);
        let batches = Batches::new(context, Arc::new(checkpointer));
        let writer = Arc::new(Writer::new(batches));
        writer.rest_after_a_crash();
        Ok(Self { readers, writer, presence, deadline: settings.admission_deadline, _room: room })
    }

    /// Whether its file is known to be gone, so that it answers nothing any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.presence.is_lost()
    }

    fn read_on<T, E: From<StoreError>>(
        readers: &Pool,
        presence: &Presence,
        permit: &Permit,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        presence.look_now_and_then()?;
        let gate = &readers.admission.gate;
        readers.run(permit, BEGIN, |connection| work(&mut ReadTx::behind(gate, connection)))
    }

    pub(crate) async fn read<T: Send + 'static, E: Failure>(
        &self,
        on: Threads,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let permit = self.readers.admission.enter(Instant::now() + self.deadline).await?;
        self.read_beside(permit, on, work).await
    }

    async fn read_beside<T: Send + 'static, E: Failure>(
        &self,
        permit: Permit,
        on: Threads,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let (readers, presence) = (Arc::clone(&self.readers), Arc::clone(&self.presence));
        // The permit moves into the job: a caller that goes away does not free a connection still in use.
        background::run(on, move || Self::read_on(&readers, &presence, &permit, work)).await
    }

    pub(crate) async fn look_up<T: Send + 'static, E: Failure>(
        &self,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let permit = self.readers.admission.enter(Instant::now() + self.deadline).await?;
        self.presence.look_now_and_then()?;
        let gate = &self.readers.admission.gate;
        match self.readers.begin_on_idle(BEGIN) {
            Some(begun) => {
                self.readers.run_on(begun, &permit, |connection| work(&mut ReadTx::behind(gate, connection)))
            }
            // Opening one takes far longer than handing the work over, and may have to wait.
            None => self.read_beside(permit, Threads::Usual, work).await,
        }
    }

    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        let found = self.read(Threads::Background, |tx| {
            let rows = diesel::sql_query("PRAGMA integrity_check(1)").load::<Integrity>(tx.connection())?;
            Ok::<_, StoreError>(rows.into_iter().map(|row| row.integrity_check).collect::<Vec<_>>())
        });
        match found.await?.as_slice() {
            [sound] if sound == "ok" => Ok(()),
            faults => Err(StoreError::Corrupt(faults.join(", "))),
        }
    }

    /// Lets running work end, refuses new work, and closes every connection. False when some work went on.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        let drained = self.writer.close(patience).await & self.readers.admission.close(patience).await;
        let (readers, writer) = (Arc::clone(&self.readers), Arc::clone(&self.writer));
        let closing = move || {
            readers.close_idle();
            // The last connection of a file writes the log back and removes it.
            writer.batches.close_connection();
            Ok::<(), StoreError>(())
        };
        if let Err(error) = blocking(closing).await {
            tracing::warn!(%error, "a store was not closed in order; its log is replayed when it is opened");
        }
        drained
    }
}

/// What `PRAGMA integrity_check` answers: `ok`, or a fault.
#[derive(diesel::QueryableByName)]
struct Integrity {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

fn readers(opener: &Opener, presence: &Arc<Presence>) -> Pool {
    let settings = &opener.settings;
    let admission =
        Admission::new(settings.read_connections, settings.max_waiting, &settings.watch, Turn::Read);
    let limits = Limits { age: Duration::MAX, uses: settings.max_uses };
    let (opener, presence) = (opener.clone(), Arc::clone(presence));
    let open = move || {
        presence.look()?;
        let connection = opener.open(Role::Reader)?;
        presence.look()?;
        Ok(connection)
    };
    Pool::new(admission, limits, Box::new(open))
}
