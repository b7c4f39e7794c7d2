//! The cache behind [`Stores`](crate::Stores): one slot for each location, a gate at each slot, and the time of its last use.

use std::collections::{HashMap, VecDeque};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

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

    /// Whether it holds an open store that is not at rest.
    fn is_awake(&self) -> bool {
        lock(&self.store).as_ref().is_some_and(|store| !store.is_at_rest())
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

/// Stores that make room for each other.
#[derive(Clone, Copy)]
pub(crate) enum Line {
    /// SQLite stores, open or at rest.
    Known,
    /// Those that have connections of their own.
    Awake,
}

/// A store's place in a line, by its last use when it took it.
struct InLine {
    last_use: u64,
    location: StoreLocation,
    /// So that a slot that was left and made anew has one place.
    slot: Weak<Slot>,
}

/// All slots of the process.
#[derive(Default)]
pub(crate) struct Slots {
    slots: RwLock<HashMap<StoreLocation, Arc<Slot>>>,
    /// The SQLite stores, and those of them with connections of their own, the oldest nearly first. Locked after `slots`.
    known: Mutex<VecDeque<InLine>>,
    awake: Mutex<VecDeque<InLine>>,
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

    /// Takes out the least recently used of such stores among those without a handle. Looks at every slot.
    pub(crate) fn take_least_recent(&self, is_such: fn(&StoreLocation) -> bool) -> Option<(Entered, Store)> {
        self.change(|slots| {
            let candidates = slots.iter().filter(|(location, slot)| {
                is_such(location) && lock(&slot.store).as_ref().is_some_and(Store::is_unshared)
            });
            let (location, slot) =
                candidates.min_by_key(|(_, slot)| slot.last_use.load(Ordering::Relaxed))?;
            take(location, slot)
        })
    }

    /// Puts a store into a line from which the oldest is taken.
    pub(crate) fn line_up(&self, line: Line, location: &StoreLocation) {
        self.change(|slots| {
            let Some(slot) = slots.get(location) else { return };
            let mut waiting = lock(self.line(line));
            if waiting.len() > 2 * slots.len() + 64 {
                waiting.retain(|place| place.slot.strong_count() > 0);
            }
            waiting.push_back(InLine {
                last_use: slot.last_use.load(Ordering::Relaxed),
                location: location.clone(),
                slot: Arc::downgrade(slot),
            });
        });
    }

    /// Takes out the store at a location, if it has connections of its own and nobody has a handle.
    pub(crate) fn take_unused(&self, location: &StoreLocation) -> Option<(Entered, Store)> {
        self.change(|slots| {
            let slot = slots.get(location)?;
            let is_unused =
                lock(&slot.store).as_ref().is_some_and(|store| store.is_unshared() && !store.is_at_rest());
            if is_unused { take(location, slot) } else { None }
        })
    }

    /// Takes out nearly the least recently used of the stores in a line, among those without a handle, if all stores together were
    /// used so often since. Looks at few: a store that was used since it took its place goes to the end when its turn comes.
    pub(crate) fn take_oldest(&self, line: Line, uses: u64) -> Option<(Entered, Store)> {
        self.change(|slots| {
            let mut waiting = lock(self.line(line));
            let now = self.uses();
            for _ in 0..waiting.len() {
                let place = waiting.pop_front()?;
                let slot =
                    slots.get(&place.location).filter(|slot| ptr::eq(place.slot.as_ptr(), Arc::as_ptr(slot)));
                let Some(slot) = slot else { continue };
                let Some(is_unshared) = lock(&slot.store).as_ref().map(Store::is_unshared) else { continue };
                let last_use = slot.last_use.load(Ordering::Relaxed);
                let is_oldest = is_unshared && last_use == place.last_use;
                if is_oldest && last_use.saturating_add(uses) > now {
                    waiting.push_front(place);
                    return None;
                }
                if is_oldest && let Some(taken) = take(&place.location, slot) {
                    return Some(taken);
                }
                waiting.push_back(InLine { last_use, ..place });
            }
            None
        })
    }

    fn line(&self, line: Line) -> &Mutex<VecDeque<InLine>> {
        match line {
            Line::Known => &self.known,
            Line::Awake => &self.awake,
        }
    }

    /// Every location that has a slot.
    pub(crate) fn locations(&self) -> Vec<StoreLocation> {
        self.look(|slots| slots.keys().cloned().collect())
    }

    /// How many slots hold an open store that is not at rest.
    pub(crate) fn open_count(&self) -> usize {
        self.look(|slots| slots.values().filter(|slot| slot.is_awake()).count())
    }

    /// The number of times that any store was found.
    pub(crate) fn uses(&self) -> u64 {
        self.uses.load(Ordering::Relaxed)
    }

    fn look<T>(&self, look: impl FnOnce(&HashMap<StoreLocation, Arc<Slot>>) -> T) -> T {
        look(&self.slots.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<StoreLocation, Arc<Slot>>) -> T) -> T {
        change(&mut self.slots.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes the store out of a slot. With the map locked no handle on it can be taken; with the gate closed it cannot be opened anew
/// before it is closed.
fn take(location: &StoreLocation, slot: &Arc<Slot>) -> Option<(Entered, Store)> {
    let gate = Arc::clone(&slot.gate).try_lock_owned().ok()?;
    let store = slot.take()?;
    Some((Entered { location: location.clone(), slot: Arc::clone(slot), _gate: gate }, store))
}
