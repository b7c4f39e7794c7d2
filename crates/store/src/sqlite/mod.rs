//! A store that is one SQLite file. It is at rest until it is written to or read often: then a few connections of the process
//! read it among others. It wakes once, and then has connections of its own until it is closed.

mod batch;
mod checkpoint;
mod context;
mod file;
mod idle;
mod job;
mod log_room;
mod mark;
mod marks;
mod prepared;
mod presence;
mod rest;
mod woken;
mod writer;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

pub(crate) use self::context::SqliteContext;
pub(crate) use self::file::{remove_files, replace_file};
pub(crate) use self::job::{Manner, Repeat, Urgency};
pub(crate) use self::log_room::{LogRoom, refuse_changes};
pub(crate) use self::mark::check as check_mark;
pub(crate) use self::marks::Marks;
pub(crate) use self::prepared::Prepared;
use self::presence::{FileId, gone};
use self::rest::AtRest;
pub(crate) use self::rest::RestReaders;
use self::woken::Woken;
use crate::admission::{Admission, Permit, closed};
use crate::background::{self, Threads, blocking};
use crate::memory::{Memory, Room, SPAN_OF_USES};
use crate::migrate::{self, Absent, Progress};
use crate::watch::Turn;
use crate::{Failure, ReadTx, StoreError, WriteTx, reserve};

/// Reads after which a store gets connections of its own if it is read often and there is room, and again after as many: opening them
/// costs as much as so many reads at rest cost more.
const READS_AT_REST: u32 = 16;

/// An SQLite store.
pub(crate) struct SqliteStore {
    pub(crate) context: SqliteContext,
    rest: Option<Arc<Rest>>,
    woken: OnceLock<Woken>,
    /// Held by the one call that wakes or closes it; true when it is closed.
    closed: tokio::sync::Mutex<bool>,
}

/// A store that has not been woken yet.
struct Rest {
    id: FileId,
    admission: Admission,
    reads: AtomicU32,
    /// The number of uses of all stores when the last [`READS_AT_REST`] reads began.
    counted_from: AtomicU64,
    /// Another file stands under its name, or none.
    lost: AtomicBool,
}

/// Whether a read may begin at rest, or by connections of the store's own, for which there may be room.
enum Rested {
    Yes(Entered),
    No(Option<Room>),
}

/// A read that may begin at rest.
struct Entered {
    rest: Arc<Rest>,
    at_rest: AtRest,
    permit: Permit,
}

impl SqliteStore {
    /// A store whose file is there, at rest if it can be read so. `None` when it cannot, for whatever reason: wake it then.
    pub(crate) fn at_rest(context: SqliteContext) -> Option<Self> {
        let (opener, settings) = (&context.opener, &context.opener.settings);
        let at_rest = opener.resting.find(&opener.file)?;
        let rest = Rest {
            id: at_rest.id(),
            admission: Admission::new(
                settings.read_connections,
                settings.max_waiting,
                &settings.watch,
                Turn::Read,
            ),
            reads: AtomicU32::new(0),
            counted_from: AtomicU64::new(opener.memory.uses()),
            lost: AtomicBool::new(false),
        };
        let newest_ms = opener.resting.read(&opener.file, at_rest, &rest.admission.gate, |tx| {
            match migrate::progress(tx.connection(), context.migrations)? {
                Progress::Current => migrate::newest_ms(tx.connection(), context.migrations),
                Progress::None | Progress::Behind => Err(StoreError::Missing),
            }
        });
        if let Some(newest_ms) = newest_ms.ok()? {
            context.instruments.clock.start_after(newest_ms);
        }
        Some(Self { rest: Some(Arc::new(rest)), ..Self::asleep(context) })
    }

    /// A store with connections of its own, migrated when it is behind.
    ///
    /// # Errors
    /// As [`Woken::open`]; `Busy` when there is no room for it.
    pub(crate) async fn awake(context: SqliteContext, absent: Absent) -> Result<Self, StoreError> {
        let store = Self::asleep(context);
        let room = store.make_room().await?;
        let woken = store.open(absent, room).await?;
        let _new = store.woken.set(woken);
        Ok(store)
    }

    fn asleep(context: SqliteContext) -> Self {
        Self { context, rest: None, woken: OnceLock::new(), closed: tokio::sync::Mutex::new(false) }
    }

    async fn make_room(&self) -> Result<Room, StoreError> {
        let opener = &self.context.opener;
        opener.memory.make_room(&opener.file, &opener.settings).await
    }

    async fn open(&self, absent: Absent, room: Room) -> Result<Woken, StoreError> {
        let context = self.context.clone();
        let open = move || {
            let opened = context.opener.descriptors.retrying(|| Woken::open(&context, absent, room.clone()));
            opened.map_err(|error| reserve::explained(error, context.opener.file.path()))
        };
        blocking(open).await
    }

    /// Its own connections, which it has from then on; in room that was found for them, or is made.
    async fn wake(&self, found: Option<Room>) -> Result<&Woken, StoreError> {
        if let Some(woken) = self.woken.get() {
            return Ok(woken);
        }
        let is_closed = self.closed.lock().await;
        if let Some(woken) = self.woken.get() {
            return Ok(woken);
        }
        if *is_closed {
            return Err(closed());
        }
        if let Some(rest) = &self.rest {
            rest.end(self.deadline()).await?;
        }
        let room = match found {
            Some(room) => room,
            None => self.make_room().await?,
        };
        let woken = match self.open(Absent::IsAnError, room).await {
            Err(StoreError::Missing) => return Err(self.lose()),
            woken => woken?,
        };
        if self.rest.as_ref().is_some_and(|rest| !woken.presence.is_of(rest.id)) {
            return Err(self.lose());
        }
        let woken = self.woken.get_or_init(|| woken);
        self.context.opener.memory.note_awake(&self.context.opener.file);
        Ok(woken)
    }

    /// Notes that the file is not there any more.
    fn lose(&self) -> StoreError {
        if let Some(rest) = &self.rest
            && !rest.lost.swap(true, Ordering::AcqRel)
        {
            let file = self.context.opener.file.path().display();
            tracing::error!(%file, "a store's file was moved, replaced or removed; it is not used any more");
        }
        gone()
    }

    async fn enter_rest(&self, on: Threads) -> Result<Rested, StoreError> {
        let Some(rest) = self.rest.as_ref().filter(|_| self.is_at_rest()) else {
            return Ok(Rested::No(None));
        };
        // What takes long would keep a first write waiting.
        if on == Threads::Background {
            return Ok(Rested::No(None));
        }
        let opener = &self.context.opener;
        if rest.is_read_often(&opener.memory)
            && let Some(room) = opener.memory.find_room(&opener.file, &opener.settings)
        {
            return Ok(Rested::No(Some(room)));
        }
        let permit = match rest.admission.enter(Instant::now() + self.deadline()).await {
            Ok(permit) => permit,
            Err(StoreError::Busy) => return Err(StoreError::Busy),
            Err(_ended) => return Ok(Rested::No(None)),
        };
        match opener.resting.find(&opener.file) {
            Some(at_rest) if at_rest.id() != rest.id => Err(self.lose()),
            Some(at_rest) => Ok(Rested::Yes(Entered { rest: Arc::clone(rest), at_rest, permit })),
            None => Ok(Rested::No(None)),
        }
    }

    pub(crate) async fn read<T: Send + 'static, E: Failure>(
        &self,
        on: Threads,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        if let Some(woken) = self.woken.get() {
            return woken.read(on, work).await;
        }
        match self.enter_rest(on).await? {
            Rested::Yes(entered) => {
                let opener = self.context.opener.clone();
                background::run(on, move || entered.read(&opener.resting, &opener.file, work)).await
            }
            Rested::No(room) => self.wake(room).await?.read(on, work).await,
        }
    }

    /// On the calling thread.
    pub(crate) async fn look_up<T: Send + 'static, E: Failure>(
        &self,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        if let Some(woken) = self.woken.get() {
            return woken.look_up(work).await;
        }
        match self.enter_rest(Threads::Usual).await? {
            Rested::Yes(entered) => {
                entered.read(&self.context.opener.resting, &self.context.opener.file, work)
            }
            Rested::No(room) => self.wake(room).await?.look_up(work).await,
        }
    }

    pub(crate) async fn write<T: Send + 'static, E: Failure>(
        &self,
        manner: Manner,
        work: impl FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.wake(None).await?.writer.write(manner, work).await
    }

    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.wake(None).await?.check().await
    }

    /// Lets running work end, refuses new work, and closes every connection. False when some work went on.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        *self.closed.lock().await = true;
        let rested = match &self.rest {
            Some(rest) => rest.admission.close(patience).await,
            None => true,
        };
        match self.woken.get() {
            Some(woken) => woken.close(patience).await && rested,
            None => rested,
        }
    }

    /// Whether it has no connections of its own.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.woken.get().is_none()
    }

    /// Whether its file is known to be gone, so that it answers nothing any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.woken.get().is_some_and(Woken::is_lost)
            || self.rest.as_ref().is_some_and(|rest| rest.lost.load(Ordering::Acquire))
    }

    pub(crate) fn limit_to(&self, bytes: Option<u64>) {
        self.context.limit.set(bytes);
    }

    fn deadline(&self) -> Duration {
        self.context.opener.settings.admission_deadline
    }
}

impl Rest {
    /// Counts a read. True for one that shows that the store is read often: it may have connections of its own.
    fn is_read_often(&self, memory: &Memory) -> bool {
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        if reads == 0 || !reads.is_multiple_of(READS_AT_REST) {
            return false;
        }
        let uses = memory.uses();
        let since = self.counted_from.swap(uses, Ordering::Relaxed);
        uses.saturating_sub(since) <= SPAN_OF_USES
    }

    /// Lets reads end and none begin.
    ///
    /// # Errors
    /// `Busy` when one goes on for too long; call it again.
    async fn end(&self, patience: Duration) -> Result<(), StoreError> {
        self.admission.gate.close();
        let ended = self.admission.close(patience).await;
        // Who waits there finds the admission closed.
        self.admission.gate.open();
        if ended { Ok(()) } else { Err(StoreError::Busy) }
    }
}

impl Entered {
    fn read<T, E: From<StoreError>>(
        self,
        readers: &RestReaders,
        file: &crate::StoreFile,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let Self { rest, at_rest, permit } = self;
        let done = readers.read(file, at_rest, &rest.admission.gate, work);
        // Held until the file is closed: nothing else of this process may open it before.
        drop(permit);
        done
    }
}
