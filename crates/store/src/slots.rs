//! The cache behind [`Stores`](crate::Stores): one slot for each location, a gate at each slot, and the time of its last use.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::OwnedMutexGuard;

use crate::location::StoreLocation;
use crate::lock::lock;
use crate::store::Store;

/// The place of one location, whether or not its store is open.
#[derive(Default)]
pub(crate) struct Slot {
    store: Mutex<Option<Store>>,
    last_use: AtomicU64,
    gate: Arc<tokio::sync::Mutex<()>>,
}

impl Slot {
    /// Takes the store out; it is no longer found.
    pub(crate) fn take(&self) -> Option<Store> {
        lock(&self.store).take()
    }

    /// The same, if it is such a store.
    pub(crate) fn take_if(&self, is_such: fn(&Store) -> bool) -> Option<Store> {
        lock(&self.store).take_if(|store| is_such(store))
    }

    /// Puts a store in; it is found from now on.
    pub(crate) fn put(&self, store: Store) {
        *lock(&self.store) = Some(store);
    }
}

/// A slot whose gate is closed behind its holder: until this is dropped, no other task opens, closes or destroys the store at
/// this location.
pub(crate) struct Entered {
    pub(crate) location: StoreLocation,
    pub(crate) slot: Arc<Slot>,
    _gate: OwnedMutexGuard<()>,
}

/// All slots of the process.
#[derive(Default)]
pub(crate) struct Slots {
    slots: RwLock<HashMap<StoreLocation, Arc<Slot>>>,
    /// Counts every use; the slot with the lowest count is the least recently used.
    uses: AtomicU64,
}

impl Slots {
    /// The open store at a location.
    pub(crate) fn find(&self, location: &StoreLocation) -> Option<Store> {
        self.look(|slots| {
            let slot = slots.get(location)?;
            let store = lock(&slot.store).clone()?;
            slot.last_use.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
            Some(store)
        })
    }

    /// Waits at the gate of a location's slot, which is made when there is none.
    pub(crate) async fn enter(&self, location: &StoreLocation) -> Entered {
        let slot = self.change(|slots| Arc::clone(slots.entry(location.clone()).or_default()));
        let gate = Arc::clone(&slot.gate).lock_owned().await;
        Entered { location: location.clone(), slot, _gate: gate }
    }

    /// Opens the gate, and removes the slot if it is empty and no task waits for it.
    pub(crate) fn leave(&self, entered: Entered) {
        self.change(|slots| {
            // The map's and the one in `entered`: no other reference can be made while the map is locked.
            let unwanted = Arc::strong_count(&entered.slot) == 2 && lock(&entered.slot.store).is_none();
            if unwanted {
                slots.remove(&entered.location);
            }
        });
    }

    /// Takes out the least recently used store of a kind among those without a handle.
    pub(crate) fn take_least_recent(&self, kind: fn(&StoreLocation) -> bool) -> Option<(Entered, Store)> {
        self.change(|slots| {
            let candidates = slots.iter().filter(|(location, slot)| {
                kind(location) && lock(&slot.store).as_ref().is_some_and(Store::is_unshared)
            });
            let (location, slot) =
                candidates.min_by_key(|(_, slot)| slot.last_use.load(Ordering::Relaxed))?;
            // With the map locked no handle can be taken; with the gate closed it cannot be opened anew before it is closed.
            let gate = Arc::clone(&slot.gate).try_lock_owned().ok()?;
            let store = slot.take()?;
            Some((Entered { location: location.clone(), slot: Arc::clone(slot), _gate: gate }, store))
        })
    }

    /// Every location that has a slot.
    pub(crate) fn locations(&self) -> Vec<StoreLocation> {
        self.look(|slots| slots.keys().cloned().collect())
    }

    /// How many slots hold an open store.
    pub(crate) fn open_count(&self) -> usize {
        self.look(|slots| slots.values().filter(|slot| lock(&slot.store).is_some()).count())
    }

    fn look<T>(&self, look: impl FnOnce(&HashMap<StoreLocation, Arc<Slot>>) -> T) -> T {
        look(&self.slots.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<StoreLocation, Arc<Slot>>) -> T) -> T {
        change(&mut self.slots.write().unwrap_or_else(PoisonError::into_inner))
    }
}
