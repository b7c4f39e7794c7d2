//! Copies by their content: a file whose name is its SHA-256. A copy that is there already is not stored again.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::{BackupError, at};
use crate::folder::{Folder, flush, make_directory};
use crate::manifest::Copy;

impl Folder {
    /// The path of a copy.
    pub(crate) fn object(&self, sha256: &str) -> PathBuf {
        let shelf = sha256.get(..2).unwrap_or_default();
        self.objects().join(shelf).join(format!("{sha256}.db"))
    }

    /// Takes a flushed file in; returns its SHA-256 and its size.
    pub(crate) fn take_in(&self, staged: &Path) -> Result<(String, u64), BackupError> {
        let (sha256, bytes) = digest(staged).map_err(at(staged))?;
        let object = self.object(&sha256);
        if object.exists() {
            fs::remove_file(staged).map_err(at(staged))?;
            return Ok((sha256, bytes));
        }
        if let Some(shelf) = object.parent() {
            make_directory(shelf)?;
            fs::rename(staged, &object).map_err(at(&object))?;
            // The list that names it must not outlive it in a power cut.
            flush(shelf)?;
        }
        Ok((sha256, bytes))
    }

    /// Compares a copy with its name.
    pub(crate) fn verify(&self, copy: &Copy) -> Result<(), String> {
        let object = self.object(&copy.sha256);
        match digest(&object) {
            Ok((sha256, bytes)) if sha256 == copy.sha256 && bytes == copy.bytes => Ok(()),
            Ok(_) => Err(format!("{} is damaged: its content does not fit its name", object.display())),
            Err(error) => Err(format!("{}: {error}", object.display())),
        }
    }
}

fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let (mut digest, mut buffer, mut bytes) = (Sha256::new(), vec![0; 128 << 10], 0);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        digest.update(part);
        bytes += u64::try_from(read).unwrap_or_default();
    }
    Ok((format!("{:x}", digest.finalize()), bytes))
}
