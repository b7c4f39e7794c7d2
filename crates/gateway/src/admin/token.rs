//! The admin token: made at the first start, stored in a file that only this user can read, compared in constant time.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tracing::warn;

use crate::{data_dir::DataDir, secret_file::SecretFile};

const FILE: SecretFile = SecretFile { name: "admin-token", word: "token", prefix: "ush_admin_" };

/// The hash of the admin token. The token itself is not kept in memory.
pub(crate) struct AdminToken {
    hash: [u8; 32],
}

impl AdminToken {
    /// Reads the token from the file that `admin.token_file` names.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        Ok(Self::of(&FILE.read("admin.token_file", path)?))
    }

    /// Reads the token's file in the data directory, or makes token and file.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn find_or_make(data_dir: &DataDir) -> Result<Self, String> {
        let found = FILE.find_or_make(data_dir)?;
        if found.was_open {
            let path = data_dir.path().join(FILE.name);
            let path = path.display();
            warn!(%path, "other users could read the admin token; change it, its file is closed to them now");
        }
        Ok(Self::of(&found.text))
    }

    fn of(token: &str) -> Self {
        Self { hash: Sha256::digest(token).into() }
    }

    pub(crate) fn admits(&self, token: &str) -> bool {
        let hash: [u8; 32] = Sha256::digest(token).into();
        hash.ct_eq(&self.hash).into()
    }
}
