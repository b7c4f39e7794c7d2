//! The errors of a copy.

use store::StoreError;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The source or the target failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be read or written.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// The copy is not loaded: one sentence without its full stop.
    #[error("{0}")]
    Refused(String),
}

impl TransferError {
    pub(crate) fn refused(sentence: impl Into<String>) -> Self {
        Self::Refused(sentence.into())
    }
}

impl From<diesel::result::Error> for TransferError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}
