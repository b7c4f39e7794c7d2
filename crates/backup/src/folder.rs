//! The folder of a backup. One process writes to it at a time, and none while something is restored from it.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::error::{BackupError, at};

/// ```text
/// runs/2026-11-28T10-22-01.123Z.jsonl   what one run holds
/// objects/ab/ab12….db                   a copy, by its SHA-256
/// staging/                              what a run is making
/// ```
pub struct Folder {
    path: PathBuf,
    _held: File,
}

const RUNS: &str = "runs";
const OBJECTS: &str = "objects";
const STAGING: &str = "staging";

const IN_USE: &str = "is in use";

impl Folder {
    /// Opens the folder for a run, and makes it if it does not exist.
    ///
    /// # Errors
    /// A sentence when the directory is used for something else, or by another process.
    pub fn open_to_write(path: &Path) -> Result<Self, BackupError> {
        make_directory(path)?;
        let held = File::open(path).map_err(at(path))?;
        refuse_held(path, held.try_lock(), IN_USE)?;
        let folder = Self { path: path.to_owned(), _held: held };
        let is_new = !folder.path.join(RUNS).is_dir();
        if is_new && fs::read_dir(path).map_err(at(path))?.next().is_some() {
            return Err(BackupError::refused(format!(
                "{} holds other files: name a new folder for the backup",
                path.display()
            )));
        }
        // What an interrupted run left.
        let staging = folder.staging();
        match fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(at(&staging)(error)),
            _ => {}
        }
        [RUNS, OBJECTS, STAGING].iter().try_for_each(|name| make_directory(&folder.path.join(name)))?;
        flush(&folder.path)?;
        Ok(folder)
    }

    /// Opens the folder to restore from it.
    ///
    /// # Errors
    /// A sentence when there is no backup, or one is being made.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let held = File::open(path).map_err(at(path))?;
        refuse_held(path, held.try_lock_shared(), IN_USE)?;
        if !path.join(RUNS).is_dir() {
            return Err(BackupError::refused(format!("{} is no backup", path.display())));
        }
        Ok(Self { path: path.to_owned(), _held: held })
    }

    /// The lists of the complete runs, oldest first.
    pub(crate) fn lists(&self) -> Result<Vec<PathBuf>, BackupError> {
        let runs = self.path.join(RUNS);
        let mut lists = Vec::new();
        for entry in fs::read_dir(&runs).map_err(at(&runs))? {
            let path = entry.map_err(at(&runs))?.path();
            if path.extension().is_some_and(|extension| extension == "jsonl") {
                lists.push(path);
            }
        }
        // The names are times of one length.
        lists.sort();
        Ok(lists)
    }

    /// The path of the list of a run that began at this time.
    pub(crate) fn list(&self, time: &str) -> PathBuf {
        self.path.join(RUNS).join(format!("{}.jsonl", time.replace(':', "-")))
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.path.join(OBJECTS)
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.path.join(STAGING)
    }
}

/// Takes the outcome of locking a directory; `how` says what another process does with it.
pub(crate) fn refuse_held(path: &Path, held: Result<(), TryLockError>, how: &str) -> Result<(), BackupError> {
    match held {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(BackupError::refused(format!("{} {how} by another usher process", path.display())))
        }
        Err(TryLockError::Error(error)) => Err(at(path)(error)),
    }
}

/// For this user only; nothing when it is there.
pub(crate) fn make_directory(path: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))
}

/// Writes a directory's entries to disk.
pub(crate) fn flush(directory: &Path) -> Result<(), BackupError> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(at(directory))
}
