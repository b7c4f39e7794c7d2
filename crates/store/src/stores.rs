//! All open stores of the process: a bounded cache from location to [`Store`], and the PostgreSQL cells.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::admission::closed;
use crate::location::{PostgresUrl, StoreLocation};
use crate::migrate::Migration;
use crate::pool::{blocking, lock};
use crate::postgres::{Cell, PostgresStore};
use crate::sqlite::{self, SqliteStore};
use crate::store::Kind;
use crate::{Store, StoreError, StoreSettings};

/// How often a full cache looks again for a store that nobody uses.
const EVICTION_RETRY: Duration = Duration::from_millis(5);

/// The open stores of the process. Cheap to clone.
#[derive(Clone)]
pub struct Stores(Arc<Shared>);

struct Shared {
    settings: Arc<StoreSettings>,
    slots: RwLock<HashMap<StoreLocation, Arc<Slot>>>,
    cells: Mutex<HashMap<PostgresUrl, Arc<Cell>>>,
    /// One permit for each SQLite store that may be open.
    sqlite_room: Arc<Semaphore>,
    /// One permit for each PostgreSQL store that may be remembered.
    postgres_room: Arc<Semaphore>,
    /// Counts every use; the slot with the lowest count is the least recently used.
    uses: AtomicU64,
    shut: AtomicBool,
}

/// The place of one location, whether or not its store is open.
#[derive(Default)]
struct Slot {
    store: Mutex<Option<Store>>,
    last_use: AtomicU64,
    /// Held while the store is opened, closed or destroyed, so that these never overlap.
    gate: Arc<tokio::sync::Mutex<()>>,
}

impl Stores {
    /// No store is opened yet.
    ///
    /// # Errors
    /// None today; the settings may become checkable.
    pub fn new(settings: StoreSettings) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Shared {
            slots: RwLock::default(),
            cells: Mutex::default(),
            sqlite_room: Arc::new(Semaphore::new(settings.max_open.max(1))),
            postgres_room: Arc::new(Semaphore::new(settings.postgres_known_stores.max(1))),
            uses: AtomicU64::new(0),
            shut: AtomicBool::new(false),
            settings: Arc::new(settings),
        })))
    }

    /// An existing store; migrated first when it is behind. Costs next to nothing when it is open already.
    /// All calls for one location must name the same migrations.
    ///
    /// # Errors
    /// `Missing`; `Migration`; `Busy` when all [`StoreSettings::max_open`] stores are in use; or the database's.
    pub async fn open(
        &self,
        location: &StoreLocation,
        migrations: &'static [Migration],
    ) -> Result<Store, StoreError> {
        match self.find_open(location) {
            Some(store) => Ok(store),
            None => self.open_slowly(location, migrations, Absent::IsAnError).await,
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
        self.open_slowly(location, migrations, Absent::IsMade).await
    }

    /// Lets running work end and closes the store. Handles on it answer `Unavailable` from then on; opening it
    /// again gives a new one.
    pub async fn close(&self, location: &StoreLocation) {
        let (shared, location) = (Arc::clone(&self.0), location.clone());
        // A task of its own: a caller that goes away must not open the gate half-way.
        let closing = tokio::spawn(async move {
            let (slot, _gate) = shared.enter(&location).await;
            shared.close_slot(&slot).await;
            shared.forget(&location, &slot);
        });
        let _finished = closing.await;
    }

    /// Closes the store and removes its file with its log, or drops its schema. Removing what is not there is
    /// success.
    ///
    /// # Errors
    /// What the file system or the server says; call it again then.
    pub async fn destroy(&self, location: &StoreLocation) -> Result<(), StoreError> {
        let (shared, location) = (Arc::clone(&self.0), location.clone());
        let destroying = tokio::spawn(async move {
            let (slot, _gate) = shared.enter(&location).await;
            shared.close_slot(&slot).await;
            let removed = shared.remove(&location).await;
            shared.forget(&location, &slot);
            removed
        });
        destroying.await.unwrap_or(Err(StoreError::Panicked))
    }

    /// Lets running work end, writes every log back, closes everything. Nothing can be opened afterwards.
    pub async fn shutdown(&self) {
        self.0.shut.store(true, Ordering::Release);
        let open: Vec<StoreLocation> = self.0.read_slots(|slots| slots.keys().cloned().collect());
        let closing: Vec<_> = open
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

    /// How many stores are open now.
    pub fn open_count(&self) -> usize {
        self.0.read_slots(|slots| slots.values().filter(|slot| lock(&slot.store).is_some()).count())
    }

    fn find_open(&self, location: &StoreLocation) -> Option<Store> {
        self.0.read_slots(|slots| {
            let slot = slots.get(location)?;
            let store = lock(&slot.store).clone()?;
            slot.last_use.store(self.0.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
            Some(store)
        })
    }

    async fn open_slowly(
        &self,
        location: &StoreLocation,
        migrations: &'static [Migration],
        absent: Absent,
    ) -> Result<Store, StoreError> {
        let (slot, _gate) = self.0.enter(location).await;
        // Whoever held the gate before may have opened it.
        if let Some(store) = self.find_open(location) {
            return Ok(store);
        }
        let opened = self.0.open_new(location, migrations, absent).await;
        match &opened {
            Ok(store) => {
                slot.last_use.store(self.0.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
                *lock(&slot.store) = Some(store.clone());
            }
            Err(_) => self.0.forget(location, &slot),
        }
        opened
    }
}

/// What it means when the store does not exist.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    IsAnError,
    IsMade,
}

impl Shared {
    fn read_slots<T>(&self, look: impl FnOnce(&HashMap<StoreLocation, Arc<Slot>>) -> T) -> T {
        look(&self.slots.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_slots<T>(&self, change: impl FnOnce(&mut HashMap<StoreLocation, Arc<Slot>>) -> T) -> T {
        change(&mut self.slots.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The slot of a location, with its gate closed behind the caller.
    async fn enter(&self, location: &StoreLocation) -> (Arc<Slot>, OwnedMutexGuard<()>) {
        let slot = self.change_slots(|slots| Arc::clone(slots.entry(location.clone()).or_default()));
        let gate = Arc::clone(&slot.gate).lock_owned().await;
        (slot, gate)
    }

    /// Removes an empty slot that nobody else waits for.
    fn forget(&self, location: &StoreLocation, slot: &Arc<Slot>) {
        self.change_slots(|slots| {
            // The map's and the caller's: no one can take another while the map is locked.
            let unwanted = Arc::strong_count(slot) == 2 && lock(&slot.store).is_none();
            if unwanted {
                slots.remove(location);
            }
        });
    }

    /// Takes the store out of its slot, so that nobody finds it, and closes it. The gate must be held.
    async fn close_slot(&self, slot: &Slot) {
        let store = lock(&slot.store).take();
        if let Some(store) = store {
            store.close(self.settings.admission_deadline).await;
        }
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
                let (file, settings) = (file.clone(), Arc::clone(&self.settings));
                let opening = move || {
                    if absent == Absent::IsMade {
                        sqlite::create_file(&file)?;
                    }
                    SqliteStore::open(&file, migrations, &settings)
                };
                Ok(Store::new(Kind::Sqlite(blocking(opening).await?), room))
            }
            StoreLocation::Postgres { cell, schema } => {
                let room = self.make_room(&self.postgres_room, is_postgres).await?;
                let store = PostgresStore::new(&self.cell(cell), schema, &self.settings)?;
                if absent == Absent::IsMade {
                    store.create().await?;
                }
                store.prepare(migrations).await?;
                Ok(Store::new(Kind::Postgres(store), room))
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
            match self.take_least_recent(kind) {
                Some(idle) => idle.close(Arc::clone(self)).await,
                None if Instant::now() < deadline => tokio::time::sleep(EVICTION_RETRY).await,
                None => return Err(StoreError::Busy),
            }
        }
    }

    /// Removes the store that was not used for longest, of those that nobody has a handle on.
    fn take_least_recent(&self, kind: fn(&StoreLocation) -> bool) -> Option<Evicted> {
        self.change_slots(|slots| {
            let candidates = slots.iter().filter(|(location, slot)| {
                kind(location) && lock(&slot.store).as_ref().is_some_and(Store::is_unshared)
            });
            let (location, slot) =
                candidates.min_by_key(|(_, slot)| slot.last_use.load(Ordering::Relaxed))?;
            // With the map locked nobody can ask for the handle; with the gate held nobody opens it anew
            // before it is closed.
            let gate = Arc::clone(&slot.gate).try_lock_owned().ok()?;
            let store = lock(&slot.store).take()?;
            Some(Evicted { location: location.clone(), slot: Arc::clone(slot), store, _gate: gate })
        })
    }
}

/// A store on its way out of the cache. Its slot stays until it is closed.
struct Evicted {
    location: StoreLocation,
    slot: Arc<Slot>,
    store: Store,
    _gate: OwnedMutexGuard<()>,
}

impl Evicted {
    async fn close(self, shared: Arc<Shared>) {
        // A task of its own: the opener for whom it is done may go away.
        let closing = tokio::spawn(async move {
            self.store.close(shared.settings.admission_deadline).await;
            shared.forget(&self.location, &self.slot);
        });
        let _closed = closing.await;
    }
}

fn is_sqlite(location: &StoreLocation) -> bool {
    matches!(location, StoreLocation::Sqlite(_))
}

fn is_postgres(location: &StoreLocation) -> bool {
    matches!(location, StoreLocation::Postgres { .. })
}
