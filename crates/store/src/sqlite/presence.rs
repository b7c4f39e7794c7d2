//! Whether the files of an open store still stand under their names. SQLite goes on with a file that was renamed, replaced or
//! removed, and later writes are lost. Once this is noticed, the store refuses everything, and the next request opens it anew.
//!
//! Looked at by name: to open such a file beside SQLite and close it again would end the locks that SQLite has on it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::StoreError;
use crate::location::StoreFile;
use crate::uptime::uptime_ms;

/// Reads look at the names this often: one read costs little more than a look does.
const LOOK_EVERY_MS: u64 = 1_000;

/// The file and the log of one open store.
pub(crate) struct Presence {
    names: [Name; 2],
    lost: AtomicBool,
    next_look_ms: AtomicU64,
}

/// A name, and the file that it stood for when the store was opened.
struct Name {
    path: PathBuf,
    file: FileId,
}

/// Device and number of a file: unique while the file is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl Presence {
    /// Remembers which files these are. A connection must have read from them, which makes the log.
    ///
    /// # Errors
    /// `Unavailable` when one of them is not there.
    pub(crate) fn of(file: &StoreFile) -> Result<Self, StoreError> {
        let [main, log, _index] = file.all_paths();
        let names = [Name::of(main)?, Name::of(log)?];
        Ok(Self { names, lost: AtomicBool::new(false), next_look_ms: AtomicU64::new(0) })
    }

    /// Whether the database's file is this one.
    pub(super) fn is_of(&self, file: FileId) -> bool {
        self.names.first().is_some_and(|main| main.file == file)
    }

    /// Whether a connection that has read from the file has found a log or made one.
    pub(crate) fn has_log(file: &StoreFile) -> bool {
        let [_main, log, _index] = file.all_paths();
        log.exists()
    }

    /// Looks at the names now.
    ///
    /// # Errors
    /// `Unavailable` when one of them does not stand for its file any more, from the first time on.
    pub(crate) fn look(&self) -> Result<(), StoreError> {
        self.known()?;
        for name in &self.names {
            // What cannot be asked (no descriptor is needed for it, but a right to search is) is not known to be there.
            let here = FileId::of(&name.path);
            if here.as_ref().is_ok_and(|here| *here == name.file) {
                continue;
            }
            if !self.lost.swap(true, Ordering::AcqRel) {
                let found = here.map_or_else(|error| error.to_string(), |_| "another file".to_owned());
                tracing::error!(
                    file = %name.path.display(),
                    found,
                    "a store's file was moved, replaced or removed while it was open; it is not used any more"
                );
            }
            return Err(gone());
        }
        Ok(())
    }

    /// Looks at the names if the last look was a while ago: for reads, which acknowledge nothing.
    ///
    /// # Errors
    /// As [`Self::look`].
    pub(crate) fn look_now_and_then(&self) -> Result<(), StoreError> {
        let now = uptime_ms();
        let next = self.next_look_ms.load(Ordering::Relaxed);
        if now < next {
            return self.known();
        }
        self.next_look_ms.store(now + LOOK_EVERY_MS, Ordering::Relaxed);
        self.look()
    }

    /// Whether a file is known to be gone.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    fn known(&self) -> Result<(), StoreError> {
        if self.is_lost() { Err(gone()) } else { Ok(()) }
    }
}

impl Name {
    fn of(path: PathBuf) -> Result<Self, StoreError> {
        match FileId::of(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(gone()),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }
}

impl FileId {
    /// Of what stands under a name itself: a link put in its place is another file.
    fn of(path: &PathBuf) -> std::io::Result<Self> {
        Ok(Self::from(&fs::symlink_metadata(path)?))
    }
}

impl From<&fs::Metadata> for FileId {
    fn from(file: &fs::Metadata) -> Self {
        Self(file.dev(), file.ino())
    }
}

pub(super) fn gone() -> StoreError {
    StoreError::Unavailable("the store's file was moved, replaced or removed while it was open".to_owned())
}
