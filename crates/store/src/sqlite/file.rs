//! Makes and removes the files of a store. Files are for their owner only (0600, directories 0700).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::StoreError;
use crate::location::StoreFile;
use crate::migrate::not_a_store;

/// Makes the directory and an empty file, unless they are there. Blocks.
///
/// # Errors
/// `Corrupt` when there is a log without its file: making a new file would destroy the rest of an old store.
pub(crate) fn create_file(file: &StoreFile) -> Result<(), StoreError> {
    let [main, log, _] = file.all_paths();
    if length(&main) == 0 && length(&log) > 0 {
        return Err(not_a_store(file.name()));
    }
    let made = make(file).or_else(|error| match error.kind() {
        ErrorKind::AlreadyExists => Ok(()),
        _ => Err(error),
    });
    made.map_err(|error| from_io(&main, &error))
}

fn make(file: &StoreFile) -> io::Result<()> {
    let directory = file.path().parent().ok_or(ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // Before there is a file, so that none is left behind that was not flushed.
    let entries = File::open(directory)?;
    // `create_new` follows no symbolic link. SQLite gives the log and its index the same mode.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file.path())?;
    // A power cut must not forget a store whose first write was acknowledged.
    entries.sync_all()
}

/// Refuses a file of no bytes before SQLite sees it: to SQLite it is a database without tables, whose log can only be left over
/// and is removed.
pub(crate) fn require_content(file: &StoreFile) -> Result<(), StoreError> {
    match fs::symlink_metadata(file.path()) {
        Ok(metadata) if metadata.is_file() && metadata.len() == 0 => Err(not_a_store(file.name())),
        _ => Ok(()),
    }
}

/// In bytes; 0 for a file that does not exist.
fn length(path: &Path) -> u64 {
    fs::symlink_metadata(path).map_or(0, |metadata| metadata.len())
}

/// Removes the file and its companions; those that do not exist count as removed. Blocks.
pub(crate) fn remove_files(file: &StoreFile) -> Result<(), StoreError> {
    for path in file.all_paths() {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(from_io(&path, &error)),
            _ => {}
        }
    }
    Ok(())
}

/// Puts one closed file in the place of another and flushes the change. Blocks.
///
/// # Errors
/// `Busy` when the old file has a log with commits: a new file must not meet it.
pub(crate) fn replace_file(file: &StoreFile, staged: &StoreFile) -> Result<(), StoreError> {
    let [main, log, index] = file.all_paths();
    if length(&log) > 0 {
        return Err(StoreError::Busy);
    }
    for path in [log, index] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(from_io(&path, &error)),
            _ => {}
        }
    }
    let replace = || {
        File::open(staged.path())?.sync_all()?;
        fs::rename(staged.path(), &main)?;
        main.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    replace().map_err(|error| from_io(&main, &error))
}

fn from_io(path: &Path, error: &io::Error) -> StoreError {
    StoreError::of_file(path.file_name().unwrap_or_default().to_string_lossy(), error)
}
