//! What the open SQLite stores of the process may take: memory, and places as far as the limit of open files goes. A store at
//! rest takes neither.

use std::fs;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::location::StoreFile;
use crate::{StoreError, StoreSettings};

/// KiB of a connection beside its pages: the parsed schema, prepared statements, SQLite's own. Measured: docs/decisions/0048.
const CONNECTION_KIB: u64 = 128;

/// A store that is read sixteen times within so many uses of all stores is read often. One that was not used for as many makes room for
/// it: where more are read often than there is room for, they do not drive each other out.
pub(crate) const SPAN_OF_USES: u64 = 8192;

/// Connections that an open store has, as a rule: one that reads and one that writes.
const CONNECTIONS: u64 = 2;

/// The part of one open store. Cheap to clone; given back when the last one is gone.
#[derive(Clone)]
pub(crate) struct Room {
    _permits: Arc<Permits>,
}

struct Permits {
    _place: OwnedSemaphorePermit,
    _memory: OwnedSemaphorePermit,
}

impl Room {
    pub(crate) fn new(place: OwnedSemaphorePermit, memory: OwnedSemaphorePermit) -> Self {
        Self { _permits: Arc::new(Permits { _place: place, _memory: memory }) }
    }
}

/// Room that is being made.
pub(crate) type Making = Pin<Box<dyn Future<Output = Result<Room, StoreError>> + Send>>;

/// Who has the room.
pub(crate) trait Landlord: Send + Sync {
    /// Room for one more open store of so many KiB, if need be that of those unused for longest.
    fn make_room(&self, kib: u32) -> Making;

    /// The same, if there is room now. If not, a store that was not used for long makes room for a later call.
    fn find_room(&self, kib: u32) -> Option<Room>;

    /// The number of uses of all stores together.
    fn uses(&self) -> u64;

    /// Notes that a store has connections of its own from now on.
    fn note_awake(&self, file: &StoreFile);
}

/// The memory of the open stores. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Memory(Arc<dyn Landlord>);

impl Memory {
    pub(crate) fn of(landlord: impl Landlord + 'static) -> Self {
        Self(Arc::new(landlord))
    }

    /// Room for one more open store.
    ///
    /// # Errors
    /// `Busy` when all others stay in use until the deadline.
    pub(crate) async fn make_room(
        &self,
        file: &StoreFile,
        settings: &StoreSettings,
    ) -> Result<Room, StoreError> {
        self.0.make_room(kib_of(file, settings)).await
    }

    /// Notes that a store has connections of its own from now on, so that it makes room for others later.
    pub(crate) fn note_awake(&self, file: &StoreFile) {
        self.0.note_awake(file);
    }

    /// The number of uses of all stores of the process, by which a store's own reads are weighed.
    pub(crate) fn uses(&self) -> u64 {
        self.0.uses()
    }

    /// Room for a store that can do without.
    pub(crate) fn find_room(&self, file: &StoreFile, settings: &StoreSettings) -> Option<Room> {
        self.0.find_room(kib_of(file, settings))
    }
}

/// KiB that a store takes when it is open, as a rule: its connections, and one full cache of pages, or all that its file has.
fn kib_of(file: &StoreFile, settings: &StoreSettings) -> u32 {
    let length_kib = fs::symlink_metadata(file.path()).map_or(0, |file| file.len()).div_ceil(1024);
    let pages_kib = length_kib.min(settings.sqlite_cache_kib.into());
    let kib = CONNECTIONS * CONNECTION_KIB + pages_kib;
    u32::try_from(kib).unwrap_or(u32::MAX).min(settings.memory_kib())
}
