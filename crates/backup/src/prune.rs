//! Removes old runs, and the copies that no run names any more.

use std::collections::BTreeSet;
use std::fs;

use crate::error::{BackupError, at};
use crate::folder::Folder;
use crate::manifest::Run;

/// Keeps the newest `keep` runs, and at least one; returns how many were removed. An interrupted removal leaves copies without a run,
/// which the next one removes.
///
/// # Errors
/// A sentence when a file cannot be read or removed.
pub fn prune(folder: &Folder, keep: usize) -> Result<usize, BackupError> {
    let lists = folder.lists()?;
    let old = lists.len().saturating_sub(keep.max(1));
    let (removed, kept) = lists.split_at_checked(old).unwrap_or_default();
    // A damaged list of a run that stays keeps its copies: read before anything is removed.
    let mut named = BTreeSet::new();
    for list in kept {
        named.extend(Run::read(list)?.copies.into_values().map(|copy| copy.sha256));
    }
    for list in removed {
        fs::remove_file(list).map_err(at(list))?;
    }
    let objects = folder.objects();
    for shelf in fs::read_dir(&objects).map_err(at(&objects))? {
        let shelf = shelf.map_err(at(&objects))?.path();
        for object in fs::read_dir(&shelf).map_err(at(&shelf))? {
            let object = object.map_err(at(&shelf))?.path();
            let is_named =
                object.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| named.contains(stem));
            if !is_named {
                fs::remove_file(&object).map_err(at(&object))?;
            }
        }
    }
    Ok(removed.len())
}
