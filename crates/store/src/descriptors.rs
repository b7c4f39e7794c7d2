//! Opening files when the process has no file descriptor left. SQLite opens its files one after the other and reports only that
//! it failed, so the attempt is made again, and meanwhile unused stores are closed.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::StoreError;

/// How long an attempt waits for a store to be closed before it is made again.
const PAUSE: Duration = Duration::from_millis(5);

/// A connection's files (database, log, the log's index), and the directory, which SQLite opens to flush it.
const FILES_OF_A_CONNECTION: usize = 4;

/// Descriptors that stay free: for connections of clients, and for files that are open for a moment.
const MARGIN: usize = 8;

/// Tries after one that failed though there are descriptors.
const MORE_TRIES: u32 = 10;

/// `ENFILE` and `EMFILE`: the system's and the process's own limit; the numbers are the same on every Unix.
const OUT_OF_DESCRIPTORS: [i32; 2] = [23, 24];

/// Begins to close a store on a task of its own, driven by this runtime.
type Close = dyn Fn(&Handle) + Send + Sync;

/// Frees the file descriptors of unused stores. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Descriptors {
    close: Arc<Close>,
    /// Drives the closing of stores.
    runtime: Option<Handle>,
    patience: Duration,
}

impl Descriptors {
    pub(crate) fn new(close: Box<Close>, patience: Duration) -> Self {
        Self { close: close.into(), runtime: Handle::try_current().ok(), patience }
    }

    /// Makes an attempt to open files, and again for as long as it fails for want of a descriptor. Blocks; not for a thread that
    /// drives tasks.
    ///
    /// # Errors
    /// The attempt's own; `Unavailable` when no descriptor became free in time.
    pub(crate) fn retrying<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let end = Instant::now() + self.patience;
        // A descriptor is often free again when it is looked for, and taken when the attempt is repeated.
        let mut more_tries = MORE_TRIES;
        loop {
            let cause = match attempt() {
                Err(StoreError::Unavailable(cause)) => cause,
                done => {
                    if are_fewer_left_than(MARGIN) {
                        self.close_a_store();
                    }
                    return done;
                }
            };
            if !are_fewer_left_than(FILES_OF_A_CONNECTION) {
                if more_tries == 0 {
                    return Err(StoreError::Unavailable(cause));
                }
                more_tries -= 1;
                if are_fewer_left_than(MARGIN) {
                    self.close_a_store();
                }
                sleep(PAUSE);
            } else if Instant::now() < end {
                self.close_a_store();
                sleep(PAUSE);
            } else {
                return Err(StoreError::Unavailable(format!("no file descriptor is left: {cause}")));
            }
        }
    }

    /// Whether there may be too few for the next files.
    pub(crate) fn are_scarce(&self) -> bool {
        are_fewer_left_than(2 * MARGIN)
    }

    /// Begins to close the store that was not used for longest. Beside this thread, which may be the one that such a store
    /// waits for before it closes.
    fn close_a_store(&self) {
        if let Some(runtime) = &self.runtime {
            (self.close)(runtime);
        }
    }
}

/// Whether so many files could not be opened now.
fn are_fewer_left_than(number: usize) -> bool {
    let probes: io::Result<Vec<File>> = (0..number).map(|_| File::open("/")).collect();
    probes.is_err_and(|error| error.raw_os_error().is_some_and(|code| OUT_OF_DESCRIPTORS.contains(&code)))
}
