//! Restores a whole run into an empty directory, which no process serves.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::error::{BackupError, at};
use crate::folder::{Folder, flush, make_directory, refuse_held};
use crate::manifest::{Copy, Run};
use crate::path::StorePath;

/// The result of a restoration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Restored {
    /// When the run began that it is from.
    pub at: String,
    /// How many stores.
    pub stores: usize,
    /// How many bytes.
    pub bytes: u64,
    /// One sentence for each store that the run could not copy.
    pub problems: Vec<String>,
}

/// Compares every copy of the run with its checksum, then makes the data directory of it.
///
/// # Errors
/// A sentence that names each damaged copy, and nothing was made; or why the directory cannot be used.
pub fn restore(folder: &Folder, run: &Run, data_dir: &Path) -> Result<Restored, BackupError> {
    verify(folder, run)?;
    make_directory(data_dir)?;
    let _held = hold_empty(data_dir)?;
    // Registries last: a region that has tenants' files and no registry is not served.
    let (registries, tenants): (Vec<_>, Vec<_>) =
        run.copies.iter().partition(|(path, _)| path.tenant.is_none());
    for (path, copy) in tenants.into_iter().chain(registries) {
        place(folder, path, copy, data_dir)?;
    }
    for (path, _) in run.copies.iter().filter(|(path, _)| path.tenant.is_none()) {
        let region = data_dir.join(path.region.as_str());
        if region.join("tenants").is_dir() {
            flush(&region.join("tenants"))?;
        }
        flush(&region)?;
    }
    flush(data_dir)?;
    Ok(Restored {
        at: run.head.at.clone(),
        stores: run.copies.len(),
        bytes: run.copies.values().map(|copy| copy.bytes).sum(),
        problems: run.problems.clone(),
    })
}

fn verify(folder: &Folder, run: &Run) -> Result<(), BackupError> {
    /// Named in the sentence.
    const NAMED: usize = 5;
    let faults = run.copies.iter().filter_map(|(path, copy)| {
        folder.verify(copy).err().map(|fault| format!("the copy of {path} cannot be used: {fault}"))
    });
    let faults: Vec<String> = faults.collect();
    if faults.is_empty() {
        return Ok(());
    }
    let named = faults.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    let more = faults.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Err(BackupError::refused(format!("nothing was restored: {named}{more}")))
}

/// The directory, locked as `usher serve` locks it.
fn hold_empty(data_dir: &Path) -> Result<File, BackupError> {
    let held = File::open(data_dir).map_err(at(data_dir))?;
    refuse_held(data_dir, held.try_lock(), "is served")?;
    if fs::read_dir(data_dir).map_err(at(data_dir))?.next().is_some() {
        return Err(BackupError::refused(format!(
            "{} is not empty: name a new directory with --data-dir",
            data_dir.display()
        )));
    }
    Ok(held)
}

fn place(folder: &Folder, path: &StorePath, copy: &Copy, data_dir: &Path) -> Result<(), BackupError> {
    let target = path.below(data_dir);
    target.parent().map_or(Ok(()), make_directory)?;
    let write = || {
        let mut from = File::open(folder.object(&copy.sha256))?;
        let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
        io::copy(&mut from, &mut to)?;
        to.sync_all()
    };
    write().map_err(at(&target))
}
