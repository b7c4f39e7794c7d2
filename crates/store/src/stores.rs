//! All open stores of the process: opened once, bounded in memory and number, closed in order; and the PostgreSQL cells.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::admission::closed;
use crate::background::blocking;
use crate::cell::{Cell, CellStats};
use crate::descriptors::Descriptors;
use crate::hold::has_fenced_tables;
use crate::location::{PostgresUrl, StoreFile, StoreLocation};
use crate::lock::lock;
use crate::memory::{Landlord, Making, Memory, Room, SPAN_OF_USES};
use crate::migrate::{Absent, Migration};
use crate::open::{Opener, Role};
use crate::postgres::PostgresStore;
use crate::priority::Priority;
use crate::reserve::Reserve;
use crate::slots::{Entered, Line, Slots};
use crate::sqlite::{self, RestReaders, SqliteStore};
use crate::store::{Kind, Watched};
use crate::{Clock, Store, StoreError, StoreSettings};

/// How often a full cache looks again for an unused store.
const EVICTION_RETRY: Duration = Duration::from_millis(5);

/// SQLite stores that are known at a time, open or at rest, of some 2 KiB each. Another one is known again within 0.1 ms.
const KNOWN: usize = 16_384;

/// How long closing a store waits for work that has begun. Far longer than any work should take.
const DRAIN_PATIENCE: Duration = Duration::from_secs(60);

/// The open stores of the process. Cheap to clone.
#[derive(Clone)]
pub struct Stores(Arc<Shared>);

/// The state that all handles on the stores of one process share.
struct Shared {
    settings: Arc<StoreSettings>,
    priority: Arc<Priority>,
    slots: Slots,
    /// Stores that are kept closed.
    held: Mutex<HashSet<StoreLocation>>,
    cells: Mutex<HashMap<PostgresUrl, Arc<Cell>>>,
    /// One permit for each SQLite store that may be known, open or at rest.
    known_room: Arc<Semaphore>,
    /// One permit for each SQLite store that may have connections of its own, and one for each KiB of their memory.
    places: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    resting: Arc<RestReaders>,
    /// One permit for each PostgreSQL store that may be remembered.
    postgres_room: Arc<Semaphore>,
    /// Whether a store is being closed to free its file descriptors: one at a time, so that not all are closed.
    closing_one: AtomicBool,
    shut: AtomicBool,
}

impl Stores {
    /// No store is opened yet.
    ///
    /// # Errors
    /// None today; the settings may become checkable.
    pub fn new(settings: StoreSettings) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Shared {
            priority: Arc::default(),
            slots: Slots::default(),
            held: Mutex::default(),
            cells: Mutex::default(),
            known_room: Arc::new(Semaphore::new(KNOWN)),
            places: Arc::new(Semaphore::new(settings.max_open.max(1))),
            memory: Arc::new(Semaphore::new(usize::try_from(settings.memory_kib()).unwrap_or(usize::MAX))),
            resting: Arc::new(RestReaders::new(&settings)),
            postgres_room: Arc::new(Semaphore::new(settings.postgres_known_stores.max(1))),
            closing_one: AtomicBool::new(false),
            shut: AtomicBool::new(false),
            settings: Arc::new(settings),
        })))
    }

    /// An existing store; migrated first when it is behind. A file or schema without our tables is not a store. Costs next to
    /// nothing when it is open already. All calls for one location must name the same migrations.
    ///
    /// # Errors
    /// `Missing`; `Corrupt`; `Migration`; `Busy` when too many stores are in use; or the database's.
    pub async fn open(
        &self,
        location: &StoreLocation,
        migrations: &'static [Migration],
    ) -> Result<Store, StoreError> {
        match self.0.slots.find(location) {
            Some(store) if !store.is_lost() => Ok(store),
            Some(_lost) => {
                self.close_if(location, Store::is_lost).await;
                self.0.open(location, migrations, Absent::IsAnError).await
            }
            None => self.0.open(location, migrations, Absent::IsAnError).await,
        }
    }

    /// Makes the file or schema, unless it is there, then opens it.
    ///
    /// # Errors
    /// As for [`Stores::open`], without `Missing`; `Full` when there is no room.
    pub async fn create(
        &self,
        location: &StoreLocation,
        migrations: &'static [Migration],
    ) -> Result<Store, StoreError> {
        self.0.open(location, migrations, Absent::IsMade).await
    }

    /// Lets running work end and closes the store. Handles on it answer `Unavailable` from then on; opening it
    /// again gives a new one.
    pub async fn close(&self, location: &StoreLocation) {
        self.close_if(location, |_| true).await;
    }

    /// Lets running work end, closes the store and keeps it closed: until the value is dropped, opening it is `Busy`.
    pub async fn hold(&self, location: &StoreLocation) -> Held {
        lock(&self.0.held).insert(location.clone());
        let held = Held { stores: self.clone(), location: location.clone() };
        self.close(location).await;
        held
    }

    async fn close_if(&self, location: &StoreLocation, is_meant: fn(&Store) -> bool) {
        let (shared, location) = (Arc::clone(&self.0), location.clone());
        // A task of its own, here and below: a caller that goes away must not open the gate half-way.
        let closing = tokio::spawn(async move {
            let entered = shared.slots.enter(&location).await;
            if let Some(store) = entered.slot.take_if(is_meant) {
                store.close(DRAIN_PATIENCE).await;
            }
            shared.slots.leave(entered);
        });
        let _finished = closing.await;
    }

    /// Closes the store and removes its file with its log, or drops its schema. A store that does not exist counts as removed.
    ///
    /// # Errors
    /// `Busy` when work on it does not end, and then nothing is removed; or the error of the file system or the server. Call it
    /// again then.
    pub async fn destroy(&self, location: &StoreLocation) -> Result<(), StoreError> {
        let (shared, location) = (Arc::clone(&self.0), location.clone());
        let destroying = tokio::spawn(async move {
            let entered = shared.slots.enter(&location).await;
            if let Some(store) = entered.slot.take()
                && !store.close(DRAIN_PATIENCE).await
            {
                // Stays in its place, closed as it is, so that the next call waits for the same work.
                entered.slot.put(store);
                return Err(StoreError::Busy);
            }
            let removed = shared.remove(&location).await;
            shared.settings.watch.reachable(&location, true);
            shared.slots.leave(entered);
            removed
        });
        destroying.await.unwrap_or(Err(StoreError::Panicked))
    }

    /// Whether there is a file or a schema at this location.
    ///
    /// # Errors
    /// The database's.
    pub async fn is_there(&self, location: &StoreLocation) -> Result<bool, StoreError> {
        match location {
            StoreLocation::Sqlite(file) => Ok(file.path().symlink_metadata().is_ok()),
            StoreLocation::Postgres { cell, schema } => {
                PostgresStore::new(&self.0.cell(cell), schema, &self.0.settings)?.is_there().await
            }
        }
    }

    /// Whether the store at this location was fenced ([`Hold::fence`](crate::Hold::fence)). It is closed for that.
    ///
    /// # Errors
    /// `Missing` when there is none, fenced or not; or the database's.
    pub async fn is_fenced(&self, location: &StoreLocation) -> Result<bool, StoreError> {
        self.close(location).await;
        match location {
            StoreLocation::Sqlite(file) => {
                let opener = self.0.opener(file);
                blocking(move || has_fenced_tables(&mut opener.open(Role::Reader)?)).await
            }
            StoreLocation::Postgres { cell, schema } => {
                PostgresStore::new(&self.0.cell(cell), schema, &self.0.settings)?.is_fenced().await
            }
        }
    }

    /// Lets running work end, writes every log back, closes everything. Nothing can be opened afterwards.
    pub async fn shutdown(&self) {
        self.0.shut.store(true, Ordering::Release);
        // An open that is under way has its slot already, and is waited for at the gate.
        let closing: Vec<_> = self
            .0
            .slots
            .locations()
            .into_iter()
            .map(|location| {
                let stores = self.clone();
                tokio::spawn(async move { stores.close(&location).await })
            })
            .collect();
        for store in closing {
            let _closed = store.await;
        }
        let cells: Vec<_> = lock(&self.0.cells).drain().collect();
        for (_, cell) in cells {
            cell.close(self.0.settings.admission_deadline).await;
        }
    }

    /// The room that is kept in a directory for when its disk is full.
    pub fn reserve(&self, directory: &Path) -> Reserve {
        Reserve::new(directory, Arc::clone(&self.0.priority))
    }

    /// Checks that a PostgreSQL database can hold stores: its version, encoding and collation, and the role's rights.
    ///
    /// # Errors
    /// `Unfit` with one sentence that says what to do; `Unavailable` or `Busy` when it cannot be reached.
    pub async fn check_cell(&self, cell: &PostgresUrl) -> Result<(), StoreError> {
        self.0.cell(cell).check().await
    }

    /// The clock of a PostgreSQL database, in milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// `Unavailable` or `Busy` when it cannot be reached.
    pub async fn clock_of_cell(&self, cell: &PostgresUrl) -> Result<i64, StoreError> {
        self.0.cell(cell).now_ms().await
    }

    /// What the connections to a PostgreSQL database do now.
    pub fn cell_stats(&self, cell: &PostgresUrl) -> CellStats {
        self.0.cell(cell).stats()
    }

    /// Closes the connections of a SQLite store, so that its next reads find it at rest: for work that has woken a store which is otherwise
    /// read seldom. Waits until they are closed. Call it again a second later: somebody may have a handle now, and who asks within 50 ms of
    /// the closing wakes it again.
    pub async fn let_rest(&self, location: &StoreLocation) {
        if let Some((entered, store)) = self.0.slots.take_unused(location) {
            self.0.close(entered, store).await;
        }
    }

    /// The clock of all the stores.
    pub fn clock(&self) -> &Clock {
        &self.0.settings.clock
    }

    /// How many stores are open now. Those at rest are not.
    pub fn open_count(&self) -> usize {
        self.0.slots.open_count()
    }
}

/// A store that is kept closed.
pub struct Held {
    stores: Stores,
    location: StoreLocation,
}

impl Held {
    /// Puts the store at `staged`, which is closed, in the place of this one, whose rows are gone then. One step: an interruption
    /// leaves either the old store or the new one. The files must have one name, and be on one file system.
    ///
    /// # Errors
    /// `Busy` when the old store still has a log, because work on it does not end; `Unavailable` for stores of two kinds; or the
    /// error of the file system or the server.
    pub async fn replace_with(&self, staged: &StoreLocation) -> Result<(), StoreError> {
        self.stores.close(staged).await;
        match (&self.location, staged) {
            (StoreLocation::Sqlite(file), StoreLocation::Sqlite(staged)) => {
                let (file, staged) = (file.clone(), staged.clone());
                blocking(move || sqlite::replace_file(&file, &staged)).await
            }
            (
                StoreLocation::Postgres { cell, schema },
                StoreLocation::Postgres { cell: of_staged, schema: staged },
            ) if cell == of_staged => {
                let shared = &self.stores.0;
                PostgresStore::new(&shared.cell(cell), schema, &shared.settings)?.replace_with(staged).await
            }
            _ => Err(StoreError::Unavailable("a store is replaced by one of the same database".to_owned())),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.stores.0.held).remove(&self.location);
    }
}

impl Shared {
    async fn open(
        self: &Arc<Self>,
        location: &StoreLocation,
        migrations: &'static [Migration],
        absent: Absent,
    ) -> Result<Store, StoreError> {
        let entered = self.slots.enter(location).await;
        // The task that held the gate before may have opened it.
        if let Some(store) = self.slots.find(location) {
            return Ok(store);
        }
        let opened = self.open_new(location, migrations, absent).await;
        let watch = &self.settings.watch;
        match &opened {
            Ok(_) => {
                watch.opened();
                watch.reachable(location, true);
            }
            // That there is no room for it now is not the store's fault.
            Err(StoreError::Busy | StoreError::Full) => {}
            Err(_) => watch.reachable(location, false),
        }
        if let Ok(store) = &opened {
            entered.slot.put(store.clone());
            self.slots.find(location);
            if matches!(location, StoreLocation::Sqlite(_)) {
                self.slots.line_up(Line::Known, location);
                if !store.is_at_rest() {
                    self.slots.line_up(Line::Awake, location);
                }
            }
        }
        self.slots.leave(entered);
        opened
    }

    async fn open_new(
        self: &Arc<Self>,
        location: &StoreLocation,
        migrations: &'static [Migration],
        absent: Absent,
    ) -> Result<Store, StoreError> {
        if self.shut.load(Ordering::Acquire) {
            return Err(closed());
        }
        if lock(&self.held).contains(location) {
            return Err(StoreError::Busy);
        }
        match location {
            StoreLocation::Sqlite(file) => {
                let known =
                    self.make_room(&self.known_room, 1, |slots| slots.take_oldest(Line::Known, 0)).await?;
                let context = sqlite::SqliteContext::new(self.opener(file), migrations, &self.priority);
                let at_rest = match absent {
                    // On this thread: it takes less than handing it to another and back.
                    Absent::IsAnError => SqliteStore::at_rest(context.clone()),
                    Absent::IsMade => None,
                };
                let store = match at_rest {
                    Some(store) => store,
                    None => SqliteStore::awake(context, absent).await?,
                };
                let instruments = store.context.instruments.clone();
                Ok(Store::new(Kind::Sqlite(store), instruments, known, self.watched(location)))
            }
            StoreLocation::Postgres { cell, schema } => {
                let room = self
                    .make_room(&self.postgres_room, 1, |slots| slots.take_least_recent(is_postgres))
                    .await?;
                let store = PostgresStore::new(&self.cell(cell), schema, &self.settings)?;
                if absent == Absent::IsMade {
                    store.create().await?;
                }
                store.prepare(migrations, absent).await?;
                let instruments = store.instruments.clone();
                Ok(Store::new(Kind::Postgres(store), instruments, room, self.watched(location)))
            }
        }
    }

    fn watched(&self, location: &StoreLocation) -> Watched {
        Watched { watch: Arc::clone(&self.settings.watch), location: location.clone() }
    }

    async fn remove(&self, location: &StoreLocation) -> Result<(), StoreError> {
        match location {
            StoreLocation::Sqlite(file) => {
                let file = file.clone();
                blocking(move || sqlite::remove_files(&file)).await
            }
            StoreLocation::Postgres { cell, schema } => {
                PostgresStore::new(&self.cell(cell), schema, &self.settings)?.destroy().await
            }
        }
    }

    fn opener(self: &Arc<Self>, file: &StoreFile) -> Opener {
        let shared = Arc::downgrade(self);
        let close_a_store = Box::new(move |runtime: &Handle| {
            if let Some(shared) = shared.upgrade() {
                shared.close_one_beside(runtime, |slots| slots.take_oldest(Line::Awake, 0));
            }
        });
        Opener {
            file: file.clone(),
            settings: Arc::clone(&self.settings),
            descriptors: Descriptors::new(close_a_store, self.settings.admission_deadline),
            memory: Memory::of(Arc::downgrade(self)),
            resting: Arc::clone(&self.resting),
        }
    }

    fn cell(&self, url: &PostgresUrl) -> Arc<Cell> {
        let mut cells = lock(&self.cells);
        Arc::clone(cells.entry(url.clone()).or_insert_with(|| Arc::new(Cell::new(url, &self.settings))))
    }

    /// Room for one more SQLite store with connections of its own.
    async fn room_for_one(self: &Arc<Self>, kib: u32) -> Result<Room, StoreError> {
        let place = self.make_room(&self.places, 1, |slots| slots.take_oldest(Line::Awake, 0)).await?;
        let memory = self.make_room(&self.memory, kib, |slots| slots.take_oldest(Line::Awake, 0)).await?;
        Ok(Room::new(place, memory))
    }

    /// The same without closing any, for a store that can do without.
    fn find_room_for_one(self: &Arc<Self>, kib: u32) -> Option<Room> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(kib);
        let found = place.ok().zip(memory.ok());
        if found.is_none()
            && let Ok(runtime) = Handle::try_current()
        {
            self.close_one_beside(&runtime, |slots| slots.take_oldest(Line::Awake, SPAN_OF_USES));
        }
        found.map(|(place, memory)| Room::new(place, memory))
    }

    /// So many permits, if need be those of stores unused for longest, which `take` takes out one by one.
    ///
    /// # Errors
    /// `Busy` when all of them stay in use until the deadline.
    async fn make_room(
        self: &Arc<Self>,
        room: &Arc<Semaphore>,
        permits: u32,
        take: impl Fn(&Slots) -> Option<(Entered, Store)>,
    ) -> Result<OwnedSemaphorePermit, StoreError> {
        let deadline = Instant::now() + self.settings.admission_deadline;
        loop {
            if let Ok(permits) = Arc::clone(room).try_acquire_many_owned(permits) {
                return Ok(permits);
            }
            if self.close_taken(take(&self.slots)).await {
                continue;
            }
            if Instant::now() >= deadline {
                return Err(StoreError::Busy);
            }
            tokio::time::sleep(EVICTION_RETRY).await;
        }
    }

    /// Closes the store that `take` takes out, on a task of its own, unless one is being closed already.
    fn close_one_beside(
        self: &Arc<Self>,
        runtime: &Handle,
        take: impl FnOnce(&Slots) -> Option<(Entered, Store)> + Send + 'static,
    ) {
        if !self.closing_one.swap(true, Ordering::AcqRel) {
            let shared = Arc::clone(self);
            runtime.spawn(async move {
                shared.close_taken(take(&shared.slots)).await;
                shared.closing_one.store(false, Ordering::Release);
            });
        }
    }

    /// False when there was none to be taken.
    async fn close_taken(self: &Arc<Self>, taken: Option<(Entered, Store)>) -> bool {
        let Some((entered, store)) = taken else {
            return false;
        };
        self.settings.watch.evicted();
        self.close(entered, store).await
    }

    /// On a task of its own, so that it ends also where the caller goes away. False when that panicked.
    async fn close(self: &Arc<Self>, entered: Entered, store: Store) -> bool {
        let shared = Arc::clone(self);
        let closing = tokio::spawn(async move {
            store.close(DRAIN_PATIENCE).await;
            shared.slots.leave(entered);
        });
        closing.await.is_ok()
    }
}

impl Landlord for Weak<Shared> {
    fn make_room(&self, kib: u32) -> Making {
        let shared = self.upgrade();
        Box::pin(async move { shared.ok_or_else(closed)?.room_for_one(kib).await })
    }

    fn find_room(&self, kib: u32) -> Option<Room> {
        self.upgrade()?.find_room_for_one(kib)
    }

    fn uses(&self) -> u64 {
        self.upgrade().map_or(0, |shared| shared.slots.uses())
    }

    fn note_awake(&self, file: &StoreFile) {
        if let Some(shared) = self.upgrade() {
            shared.slots.line_up(Line::Awake, &StoreLocation::Sqlite(file.clone()));
        }
    }
}

fn is_postgres(location: &StoreLocation) -> bool {
    matches!(location, StoreLocation::Postgres { .. })
}
