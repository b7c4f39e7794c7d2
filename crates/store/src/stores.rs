//! All open stores of the process: opened once, bounded in number, closed in order; and the PostgreSQL cells.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::admission::closed;
use crate::background::blocking;
use crate::descriptors::Descriptors;
use crate::location::{PostgresUrl, StoreFile, StoreLocation};
use crate::lock::lock;
use crate::migrate::{Absent, Migration};
use crate::open::Opener;
use crate::postgres::{Cell, PostgresStore};
use crate::priority::Priority;
use crate::reserve::{self, Reserve};
use crate::slots::Slots;
use crate::sqlite::{self, SqliteStore};
use crate::store::Kind;
use crate::{Clock, Store, StoreError, StoreSettings};

/// How often a full cache looks again for an unused store.
const EVICTION_RETRY: Duration = Duration::from_millis(5);

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
    cells: Mutex<HashMap<PostgresUrl, Arc<Cell>>>,
    /// One permit for each SQLite store that may be open.
    sqlite_room: Arc<Semaphore>,
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
            cells: Mutex::default(),
            sqlite_room: Arc::new(Semaphore::new(settings.max_open.max(1))),
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
    /// `Missing`; `Corrupt`; `Migration`; `Busy` when all [`StoreSettings::max_open`] stores are in use; or the database's.
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
            shared.slots.leave(entered);
            removed
        });
        destroying.await.unwrap_or(Err(StoreError::Panicked))
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

    /// The clock of all the stores.
    pub fn clock(&self) -> &Clock {
        &self.0.settings.clock
    }

    /// How many stores are open now.
    pub fn open_count(&self) -> usize {
        self.0.slots.open_count()
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
        if let Ok(store) = &opened {
            entered.slot.put(store.clone());
            self.slots.find(location);
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
        match location {
            StoreLocation::Sqlite(file) => {
                let room = self.make_room(&self.sqlite_room, is_sqlite).await?;
                let opener = self.opener(file);
                let priority = Arc::clone(&self.priority);
                let open = move || {
                    let opened = opener
                        .descriptors
                        .retrying(|| SqliteStore::open(&opener, migrations, &priority, absent));
                    opened.map_err(|error| reserve::explained(error, opener.file.path()))
                };
                let store = blocking(open).await?;
                let instruments = store.instruments.clone();
                Ok(Store::new(Kind::Sqlite(store), instruments, room))
            }
            StoreLocation::Postgres { cell, schema } => {
                let room = self.make_room(&self.postgres_room, is_postgres).await?;
                let store = PostgresStore::new(&self.cell(cell), schema, &self.settings)?;
                if absent == Absent::IsMade {
                    store.create().await?;
                }
                store.prepare(migrations, absent).await?;
                let instruments = store.instruments.clone();
                Ok(Store::new(Kind::Postgres(store), instruments, room))
            }
        }
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
                shared.close_one_beside(runtime);
            }
        });
        let descriptors = Descriptors::new(close_a_store, self.settings.admission_deadline);
        Opener { file: file.clone(), settings: Arc::clone(&self.settings), descriptors }
    }

    fn cell(&self, url: &PostgresUrl) -> Arc<Cell> {
        let mut cells = lock(&self.cells);
        Arc::clone(cells.entry(url.clone()).or_insert_with(|| Arc::new(Cell::new(url, &self.settings))))
    }

    /// A place for one more open store of a kind, if need be that of the one unused for longest.
    ///
    /// # Errors
    /// `Busy` when all of them stay in use until the deadline.
    async fn make_room(
        self: &Arc<Self>,
        room: &Arc<Semaphore>,
        kind: fn(&StoreLocation) -> bool,
    ) -> Result<OwnedSemaphorePermit, StoreError> {
        let deadline = Instant::now() + self.settings.admission_deadline;
        loop {
            if let Ok(place) = Arc::clone(room).try_acquire_owned() {
                return Ok(place);
            }
            if self.close_least_recent(kind).await {
                continue;
            }
            if Instant::now() >= deadline {
                return Err(StoreError::Busy);
            }
            tokio::time::sleep(EVICTION_RETRY).await;
        }
    }

    /// Closes the SQLite store unused for longest on a task of its own, unless one is being closed already.
    fn close_one_beside(self: &Arc<Self>, runtime: &Handle) {
        if !self.closing_one.swap(true, Ordering::AcqRel) {
            let shared = Arc::clone(self);
            runtime.spawn(async move {
                shared.close_least_recent(is_sqlite).await;
                shared.closing_one.store(false, Ordering::Release);
            });
        }
    }

    /// False when every store of the kind is in use.
    async fn close_least_recent(self: &Arc<Self>, kind: fn(&StoreLocation) -> bool) -> bool {
        let Some((entered, store)) = self.slots.take_least_recent(kind) else {
            return false;
        };
        let shared = Arc::clone(self);
        let closing = tokio::spawn(async move {
            store.close(DRAIN_PATIENCE).await;
            shared.slots.leave(entered);
        });
        closing.await.is_ok()
    }
}

fn is_sqlite(location: &StoreLocation) -> bool {
    matches!(location, StoreLocation::Sqlite(_))
}

fn is_postgres(location: &StoreLocation) -> bool {
    matches!(location, StoreLocation::Postgres { .. })
}
