//! Whether a store changed since the last run, without opening it: by the size, the time and the number of its file. The answer
//! "changed" may be wrong, which costs a copy; "unchanged" never is.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A file whose last change is more recent than this may change again without another time: file systems round their times.
const ROUNDED_NS: i64 = 2_000_000_000;

/// The state of a file before it was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    bytes: u64,
    modified_ns: i64,
    inode: u64,
}

impl Seen {
    /// Looks at a store. `None` when it cannot be known later whether it changed: its log holds commits, or it changed just now.
    pub(crate) fn of(store: &Path, now_ms: i64) -> Option<Self> {
        let log = fs::symlink_metadata(log_of(store));
        let is_empty = match log {
            Ok(found) => found.len() == 0,
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        let found = fs::symlink_metadata(store).ok().filter(|_| is_empty)?;
        let modified_ns = found.mtime().checked_mul(1_000_000_000)?.checked_add(found.mtime_nsec())?;
        let now_ns = now_ms.checked_mul(1_000_000)?;
        let is_settled = modified_ns < now_ns.saturating_sub(ROUNDED_NS);
        is_settled.then(|| Self { bytes: found.len(), modified_ns, inode: found.ino() })
    }
}

/// This start of the machine. A power cut may take the newest times of files back, so across one they prove nothing.
pub(crate) fn start_of_machine() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

fn log_of(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
