//! Reads of stores at rest: files that nobody has open and that have no log, so that the file alone is the whole store. A few
//! connections of the process read them all, one after the other; they have parsed the schema and prepared the statements once.
//!
//! No lock is taken. That nobody writes meanwhile is known of this process ([`super::SqliteStore`] sees to it), and of others
//! by a look at the files before and after: docs/decisions/0048-stores-at-rest.md.

mod schemas;
mod target;
mod vfs;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use diesel::connection::SimpleConnection;
use rustix::fs::{Mode, OFlags};

use self::schemas::Schemas;
use self::target::{Image, Target};
use super::presence::FileId;
use crate::connection::depth;
use crate::gate::Gate;
use crate::location::StoreFile;
use crate::lock::lock;
use crate::transactions::{begin, commit, roll_back_to, run_caught};
use crate::{ReadTx, StoreConnection, StoreError, StoreSettings};

/// Reads of stores at rest at a time; one more opens its store.
const MOST_READS: usize = 32;

/// Connections that are kept for the next reads: as many as threads read at a time, nearly always.
const KEPT: usize = 8;

/// KiB that such a connection keeps of a file's pages while it reads.
const CACHE_KIB: u32 = 256;

/// A file that was changed later than this before a look may change once more without showing it: its time counts in steps.
const SETTLED: Duration = Duration::from_millis(50);

/// A store at rest, ready to be read.
pub(super) struct AtRest {
    image: Image,
    stamp: Stamp,
}

/// By which it shows that a file was changed, replaced or opened for writing.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    id: FileId,
    length: u64,
    modified: (i64, i64),
}

/// The connections that read stores at rest.
pub(crate) struct RestReaders {
    schemas: Schemas,
    idle: Mutex<Vec<Reader>>,
    out: AtomicUsize,
    max_uses: u32,
    pragmas: String,
}

struct Reader {
    connection: StoreConnection,
    target: Arc<Target>,
    uses: u32,
}

impl AtRest {
    /// Which file it is.
    pub(super) fn id(&self) -> FileId {
        self.stamp.id
    }
}

impl Stamp {
    /// `None` when the file is not there or has a log or a journal.
    fn of(store: &StoreFile) -> Option<Self> {
        let is_open = ["-wal", "-journal"].iter().any(|companion| {
            // What cannot be asked may be there.
            fs::symlink_metadata(store.companion(companion)).map_or_else(|error| !is_absent(&error), |_| true)
        });
        if is_open { None } else { Some(Self::from(&fs::symlink_metadata(store.path()).ok()?)) }
    }

    fn is_settled(&self) -> bool {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (seconds, nanoseconds) = self.modified;
        let modified = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
        modified.is_some_and(|(seconds, nanoseconds)| {
            since_epoch.saturating_sub(Duration::new(seconds, nanoseconds)) > SETTLED
        })
    }
}

impl From<&fs::Metadata> for Stamp {
    fn from(file: &fs::Metadata) -> Self {
        Self { id: FileId::from(file), length: file.len(), modified: (file.mtime(), file.mtime_nsec()) }
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

impl RestReaders {
    pub(crate) fn new(settings: &StoreSettings) -> Self {
        Self {
            schemas: Schemas::default(),
            idle: Mutex::default(),
            out: AtomicUsize::new(0),
            max_uses: settings.max_uses,
            pragmas: format!(
                "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-{}; PRAGMA query_only=ON;",
                settings.sqlite_cache_kib.min(CACHE_KIB)
            ),
        }
    }

    /// Looks at a file. `None` when it is not at rest, or in any other way not as expected: it is opened in the ordinary way then,
    /// which knows what is wrong.
    pub(super) fn find(&self, store: &StoreFile) -> Option<AtRest> {
        if self.out.load(Ordering::Relaxed) >= MOST_READS {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::File::from(rustix::fs::open(store.path(), flags, Mode::empty()).ok()?);
        let stamp = Stamp::of(store).filter(Stamp::is_settled)?;
        // The name may have come to stand for another file since it was opened.
        if Stamp::from(&file.metadata().ok()?) != stamp {
            return None;
        }
        let schema = self.schemas.number_of(&file, stamp.length, store)?;
        Some(AtRest { image: Image { file, length: stamp.length, schema }, stamp })
    }

    /// Runs one read. Blocks.
    ///
    /// # Errors
    /// The work's own; `Busy` when another process has written meanwhile.
    pub(super) fn read<T, E: From<StoreError>>(
        &self,
        store: &StoreFile,
        at_rest: AtRest,
        gate: &Gate,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _place = ReadUnderWay::take(&self.out);
        let mut reader = self.reader_of(at_rest.image)?;
        let done = reader.run(gate, work);
        // A log that another process has begun meanwhile is no matter: this read has seen the file alone.
        let is_unchanged =
            fs::symlink_metadata(store.path()).is_ok_and(|file| Stamp::from(&file) == at_rest.stamp);
        self.keep(reader);
        if is_unchanged { done } else { Err(StoreError::Busy.into()) }
    }

    fn reader_of(&self, image: Image) -> Result<Reader, StoreError> {
        // A statement of its own, so that no connection is opened under the lock.
        let idle = lock(&self.idle).pop();
        if let Some(reader) = idle {
            reader.target.point_at(image)?;
            return Ok(reader);
        }
        let target = Arc::<Target>::default();
        // Before the connection is opened, which reads the length of the pages.
        target.point_at(image)?;
        let mut connection = vfs::connect(&target)?;
        connection.batch_execute(&self.pragmas)?;
        Ok(Reader { connection: StoreConnection::Sqlite(connection), target, uses: 0 })
    }

    /// Keeps a connection that is known to be outside any transaction, and points it at nothing.
    fn keep(&self, mut reader: Reader) {
        let has_ended = reader.target.leave();
        if has_ended
            && reader.uses < self.max_uses
            && depth(&mut reader.connection).is_ok_and(|depth| depth == 0)
        {
            let mut idle = lock(&self.idle);
            if idle.len() < KEPT {
                return idle.push(reader);
            }
            drop(idle);
        }
        drop(reader);
    }
}

impl Reader {
    fn run<T, E: From<StoreError>>(
        &mut self,
        gate: &Gate,
        work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.uses = self.uses.saturating_add(1);
        begin(&mut self.connection, "BEGIN")?;
        match run_caught(|| work(&mut ReadTx::behind(gate, &mut self.connection))) {
            Ok(value) => {
                commit(&mut self.connection)?;
                Ok(value)
            }
            Err(error) => {
                // Where it has not ended, the connection is not kept.
                let _ended = roll_back_to(&mut self.connection, 0);
                Err(error)
            }
        }
    }
}

/// One of the reads under way.
struct ReadUnderWay<'a>(&'a AtomicUsize);

impl<'a> ReadUnderWay<'a> {
    fn take(out: &'a AtomicUsize) -> Self {
        out.fetch_add(1, Ordering::Relaxed);
        Self(out)
    }
}

impl Drop for ReadUnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
