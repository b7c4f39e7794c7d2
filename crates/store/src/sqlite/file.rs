//! Makes and removes the files of a store. Files are for their owner only (0600, directories 0700).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

use crate::StoreError;
use crate::location::StoreFile;

/// Makes the directory and an empty file, unless they are there. Blocks.
pub(crate) fn create_file(file: &StoreFile) -> Result<(), StoreError> {
    let made = make(file).or_else(|error| match error.kind() {
        ErrorKind::AlreadyExists => Ok(()),
        _ => Err(error),
    });
    made.map_err(from_io)
}

fn make(file: &StoreFile) -> io::Result<()> {
    let directory = file.path().parent().ok_or(ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // `create_new` follows no symbolic link. SQLite gives the log and its index the same mode.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file.path())?;
    // A power cut must not forget a store whose first write was acknowledged.
    File::open(directory)?.sync_all()
}

/// Removes the file and its companions. Removing what is not there is success. Blocks.
pub(crate) fn remove_files(file: &StoreFile) -> Result<(), StoreError> {
    for path in file.all_paths() {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(from_io(error)),
            _ => {}
        }
    }
    Ok(())
}

fn from_io(error: io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Unavailable(error.to_string()),
    }
}
