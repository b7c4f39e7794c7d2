//! The data directory: created if absent, locked against a second process, and closed to other users, because its files give
//! access to every tenant. Open permissions are closed and logged; a directory of another user is refused.

use std::{
    fs::{self, DirBuilder, File, Metadata, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tenant_registry::RegionCode;
use tracing::warn;

/// Group and others, in the mode of a file.
const OTHERS: u32 = 0o077;

/// The data directory, locked for this process while the value lives.
pub(crate) struct DataDir {
    path: PathBuf,
    /// The directory itself is locked: a lock file could be removed, and a second process would make another.
    _held: File,
}

impl DataDir {
    /// Creates the directory if it is absent, locks it, and closes it and the directories of these regions to other users.
    ///
    /// # Errors
    /// One sentence for the operator: another process has it, it belongs to another user, or it cannot be closed.
    pub(crate) fn take<'a>(
        path: &Path,
        regions: impl Iterator<Item = &'a RegionCode>,
    ) -> Result<Self, String> {
        let told = |e: io::Error| format!("{}: {e}", path.display());
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(told)?;
        let held = File::open(path).map_err(told)?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(format!("{} is served by another usher process", path.display()));
            }
            Err(TryLockError::Error(error)) => return Err(told(error)),
        }
        let found = held.metadata().map_err(told)?;
        refuse_of_another_user(path, &found)?;
        if is_open(&found) {
            refuse_shared(path)?;
            close(path, &found)?;
            warn!(path = %path.display(), "other users could enter the data directory; it is closed to them now");
        }
        for region in regions {
            // After a failure the region may still be served: other users cannot pass the closed data directory.
            if let Err(cause) = close_all_below(&path.join(region.as_str())) {
                warn!(%region, cause, "files of a region could not be closed to other users");
            }
        }
        Ok(Self { path: path.to_owned(), _held: held })
    }

    /// The path of the directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Closes a file with a secret to other users. Returns whether it was open to them.
///
/// # Errors
/// One sentence for the operator.
pub(crate) fn close_secret(path: &Path) -> Result<bool, String> {
    let found = fs::metadata(path).map_err(|e| format!("{}: {e}", path.display()))?;
    refuse_of_another_user(path, &found)?;
    if is_open(&found) {
        close(path, &found)?;
    }
    Ok(is_open(&found))
}

pub(crate) fn is_open(found: &Metadata) -> bool {
    found.mode() & OTHERS != 0
}

fn is_ours(found: &Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

fn refuse_of_another_user(path: &Path, found: &Metadata) -> Result<(), String> {
    if is_ours(found) {
        return Ok(());
    }
    Err(format!(
        "{} belongs to user {}, who can read it, and this process runs as user {}: give it to that one with chown, or name \
         another with data_dir",
        path.display(),
        found.uid(),
        rustix::process::geteuid().as_raw()
    ))
}

/// Refuses a directory that holds other data, such as `/srv`, which may be named by mistake and must stay open.
fn refuse_shared(path: &Path) -> Result<(), String> {
    let told = |e: io::Error| format!("{}: {e}", path.display());
    if path.join("admin-token").exists() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(told)? {
        if entry.and_then(|entry| entry.file_type()).map_err(told)?.is_dir() {
            return Err(format!(
                "{} is open to other users and holds more than this gateway's data: name a directory for it alone with \
                 data_dir, or close this one with chmod 700",
                path.display()
            ));
        }
    }
    Ok(())
}

fn close(path: &Path, found: &Metadata) -> Result<(), String> {
    let mode = found.mode() & 0o7777 & !OTHERS;
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|e| format!("{} is open to other users and cannot be closed: {e}", path.display()))
}

/// Closes this user's files in a region's directory: the registry, the stores and SQLite's files beside them. Files of other users
/// stay as they are, because other users cannot pass the closed data directory.
fn close_all_below(region: &Path) -> Result<(), String> {
    let (mut closed, mut example) = (0_usize, PathBuf::new());
    let mut left = vec![region.to_owned()];
    while let Some(path) = left.pop() {
        let found = match fs::metadata(&path) {
            Ok(found) => found,
            // A region without data yet, a file that was removed meanwhile, or a dangling link.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        if is_ours(&found) && is_open(&found) {
            close(&path, &found)?;
            (closed, example) = (closed + 1, path.clone());
        }
        // A region's directory holds one directory, `tenants`, and that holds files.
        let depth = path.strip_prefix(region).map_or(0, |below| below.components().count());
        if found.is_dir() && depth < 2 {
            let entries = fs::read_dir(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            left.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
        }
    }
    if closed > 0 {
        warn!(closed, example = %example.display(), "other users could read files of a region; they are closed to them now");
    }
    Ok(())
}
