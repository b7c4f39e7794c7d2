//! Room that is kept for acts which must succeed on a full disk: a file whose blocks are given up piece by piece, and taken
//! back as soon as there is room. Acts of staff (suspend, revoke, delete) then make room.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::StoreError;
use crate::background::blocking;
use crate::priority::Priority;

/// Its name in its directory.
const FILE: &str = "reserve";

/// Bytes that are kept: some fifty acts of staff, or the index that SQLite makes beside its log for some fifty stores.
const WHOLE: u64 = 4 << 20;

/// On a small disk it is no more than one part of so many.
const SHARE: u64 = 32;

/// Bytes that are given up at once: enough for an act of staff, which needs some pages of a log and perhaps its index, and
/// little for others that wait for room.
const PIECE: u64 = 256 << 10;

/// The smallest part that is taken back.
const STEP: u64 = 4 << 10;

/// What room is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To open a store, so that it can be read: half of the reserve is left for staff.
    Opening,
    /// An act of staff: an eighth is left for the next start.
    Act,
    /// The start of the process, before anything else can be done.
    Start,
}

/// The reserve of one directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reserve(Arc<ReservedDirectory>);

#[derive(Debug)]
struct ReservedDirectory {
    directory: PathBuf,
    priority: Arc<Priority>,
    /// One at a time: room that one gives up must not be taken back by another.
    turn: tokio::sync::Mutex<()>,
}

impl Reserve {
    /// Makes nothing yet.
    pub(crate) fn new(directory: &Path, priority: Arc<Priority>) -> Self {
        let (directory, turn) = (directory.to_owned(), tokio::sync::Mutex::default());
        Self(Arc::new(ReservedDirectory { directory, priority, turn }))
    }

    /// Does the work. While it finds the disk full, gives up more of the reserve and does it again. Meanwhile all other writes
    /// are refused; the work itself writes with [`Store::write_urgently`](crate::Store::write_urgently).
    ///
    /// # Errors
    /// The work's own, also when the reserve is used up.
    pub async fn spend<T, E>(
        &self,
        need: Need,
        is_full: fn(&E) -> bool,
        mut work: impl AsyncFnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut done = work().await;
        if !done.as_ref().is_err_and(is_full) {
            return done;
        }
        let _turn = self.0.turn.lock().await;
        let priority = Arc::clone(&self.0.priority);
        let _urgent = blocking(move || Ok::<_, StoreError>(priority.urgent_only())).await.ok();
        while done.as_ref().is_err_and(is_full) && self.on_its_file(move |place| place.give_up(need)).await {
            done = work().await;
        }
        self.on_its_file(ReservedDirectory::fill_up).await;
        done
    }

    /// Restores the reserve, as far as there is room for it.
    pub async fn fill_up(&self) {
        let _turn = self.0.turn.lock().await;
        self.on_its_file(ReservedDirectory::fill_up).await;
    }

    /// False when the file system refuses.
    async fn on_its_file(
        &self,
        act: impl FnOnce(&ReservedDirectory) -> io::Result<bool> + Send + 'static,
    ) -> bool {
        let place = Arc::clone(&self.0);
        blocking(move || Ok::<_, StoreError>(act(&place).unwrap_or(false))).await.unwrap_or(false)
    }
}

impl ReservedDirectory {
    /// Gives up a piece; false when none is left for this need.
    fn give_up(&self, need: Need) -> io::Result<bool> {
        let file = OpenOptions::new().write(true).open(self.directory.join(FILE))?;
        let length = file.metadata()?.len();
        let kept = match need {
            Need::Opening => self.whole()? / 2,
            Need::Act => self.whole()? / 8,
            Need::Start => 0,
        };
        if length <= kept {
            return Ok(false);
        }
        file.set_len(length.saturating_sub(PIECE).max(kept))?;
        // A journal may hold freed blocks back until it is written.
        file.sync_all()?;
        Ok(true)
    }

    /// True when nothing is missing afterwards.
    fn fill_up(&self) -> io::Result<bool> {
        let whole = self.whole()?;
        let path = self.directory.join(FILE);
        if fs::metadata(&path).is_ok_and(|found| found.len() == whole && !is_sparse(&found)) {
            return Ok(true);
        }
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        let found = file.metadata()?;
        let mut length = if is_sparse(&found) { 0 } else { found.len().min(whole) };
        file.set_len(length)?;
        let mut step = whole - length;
        while step > 0 {
            match allocate(&file, length, step) {
                Ok(()) => length += step,
                Err(_) if step > STEP => step /= 2,
                Err(_) => break,
            }
            step = step.min(whole - length);
        }
        // A failed attempt may have left blocks behind the end.
        file.set_len(length)?;
        Ok(length == whole)
    }

    fn whole(&self) -> io::Result<u64> {
        whole(&self.directory)
    }
}

fn whole(directory: &Path) -> io::Result<u64> {
    let disk = statvfs(directory)?;
    let share = disk.f_blocks.saturating_mul(disk.f_frsize) / SHARE;
    Ok(WHOLE.min(share / STEP * STEP).max(PIECE))
}

/// Whether nothing is missing from the reserve of this directory. Nothing is changed.
///
/// # Errors
/// What the file system says; `NotFound` when there is no reserve.
pub fn is_reserve_whole(directory: &Path) -> io::Result<bool> {
    let found = fs::metadata(directory.join(FILE))?;
    Ok(found.len() >= whole(directory)? && !is_sparse(&found))
}

/// Gives a part of the file blocks of its own; `set_len` would only promise them.
fn allocate(file: &File, from: u64, length: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), from, length) {
        Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(file, from, length),
        done => Ok(done?),
    }
}

/// For file systems that give blocks to nothing but bytes.
fn write_zeros(file: &File, from: u64, length: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let zeros = vec![0; usize::try_from(length).unwrap_or_default()];
    file.write_all_at(&zeros, from)?;
    file.sync_all()
}

/// Whether blocks are missing, as in a copy that some programs make. A block here is 512 bytes.
fn is_sparse(file: &fs::Metadata) -> bool {
    file.blocks().saturating_mul(512) < file.len()
}

/// Bytes without which a store cannot be opened: SQLite makes the index of a log in pieces of 32 KiB.
const LITTLE: u64 = 64 << 10;

/// SQLite reports a full disk as unavailable, unless it was writing to a file or its log. Here such an error becomes `Full`.
pub(crate) fn explained(error: StoreError, file: &Path) -> StoreError {
    match error {
        StoreError::Unavailable(_) if file.parent().is_some_and(is_full) => StoreError::Full,
        error => error,
    }
}

fn is_full(directory: &Path) -> bool {
    statvfs(directory).is_ok_and(|disk| {
        let no_blocks = disk.f_bavail.saturating_mul(disk.f_frsize) < LITTLE;
        // Some file systems do not count files.
        no_blocks || (disk.f_files > 0 && disk.f_favail == 0)
    })
}
