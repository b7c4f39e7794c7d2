//! Copies a store into another one, of the same or the other database: reading and writing go on at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use store::{Migration, Store, StoreError, StoreLocation, Stores};
use tokio::sync::mpsc;

use crate::dump::{count, dump, versions};
use crate::error::TransferError;
use crate::load::Loading;
use crate::rows::Batch;

/// Batches that wait to be written.
const WAITING: usize = 2;

/// The progress of a copy; others may look at it meanwhile.
#[derive(Debug, Default)]
pub struct Progress {
    all_rows: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Rows that there are; 0 until they are counted.
    #[must_use]
    pub fn all_rows(&self) -> u64 {
        self.all_rows.load(Ordering::Relaxed)
    }

    /// Rows that were written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Bytes of these rows, as JSON.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn note(&self, rows: usize, bytes: usize) {
        self.rows.fetch_add(u64::try_from(rows).unwrap_or_default(), Ordering::Relaxed);
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or_default(), Ordering::Relaxed);
    }
}

/// Copies all rows of `source`, as they are at one moment, into a new store at `location`, and opens it. After an error the caller
/// destroys what is at the location.
///
/// # Errors
/// Those of either store.
pub async fn copy(
    source: &Store,
    stores: &Stores,
    location: &StoreLocation,
    known: &'static [Migration],
    progress: &Arc<Progress>,
) -> Result<Store, TransferError> {
    let before = source.read(versions).await?;
    let mut loading = Loading::begin(stores, location, known, &before).await?;
    let (sender, mut batches) = mpsc::channel::<Batch>(WAITING);
    let counted = Arc::clone(progress);
    let reading = source.read(move |tx| {
        if versions(tx)? != before {
            return Err(stopped("the source was migrated meanwhile"));
        }
        counted.all_rows.store(count(tx)?, Ordering::Relaxed);
        dump(tx, |batch| {
            sender.blocking_send(batch).map_err(|_| stopped("its rows are not written any more"))
        })
    });
    let writing = async {
        while let Some(batch) = batches.recv().await {
            let (rows, bytes) = (batch.rows.len(), batch.bytes());
            loading.write(batch).await?;
            progress.note(rows, bytes);
        }
        // The reader learns from this that nobody writes its rows any more.
        drop(batches);
        Ok::<_, TransferError>(loading)
    };
    let (read, written) = tokio::join!(reading, writing);
    let loading = written?;
    read?;
    loading.finish().await
}

fn stopped(why: &str) -> StoreError {
    StoreError::Unavailable(format!("the copy was given up: {why}"))
}
