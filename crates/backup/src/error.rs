//! The errors of backups and restorations, in sentences for the operator.

use std::io;
use std::path::Path;

use store::StoreError;
use tenant_registry::RegistryError;
use transfer::TransferError;

/// One sentence, without its full stop.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or directory fails.
    #[error("{path}: {cause}")]
    File {
        /// Which one.
        path: String,
        /// Why.
        cause: io::Error,
    },
    /// The request cannot be fulfilled; nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// A store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A registry cannot be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl BackupError {
    pub(crate) fn refused(sentence: impl Into<String>) -> Self {
        Self::Refused(sentence.into())
    }

    pub(crate) fn of_list(path: &Path, error: TransferError) -> Self {
        match error {
            TransferError::File(cause) => at(path)(cause),
            TransferError::Store(error) => Self::Store(error),
            TransferError::Refused(why) => Self::Refused(format!("{} cannot be used: {why}", path.display())),
        }
    }
}

/// Says which path an error is about.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.display().to_string();
    move |cause| BackupError::File { path, cause }
}
