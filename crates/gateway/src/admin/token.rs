//! The admin token: made at the first start, stored in a file that only this user can read, compared in constant time.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rand::{RngExt as _, distr::Alphanumeric};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tracing::warn;

use crate::data_dir::{DataDir, close_secret};

/// Name of the file below the data directory.
const FILE: &str = "admin-token";
/// Characters of the secret: 238 bits.
const SECRET: usize = 40;

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
        let told = |fault: &str| format!("admin.token_file {}: {fault}", path.display());
        let text = fs::read_to_string(path).map_err(|e| told(&e.to_string()))?;
        match text.trim() {
            token if token.len() >= SECRET => Ok(Self::of(token)),
            _ => Err(told(&format!("a token has {SECRET} characters or more"))),
        }
    }

    /// Reads the token's file in the data directory, or makes token and file.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn find_or_make(data_dir: &DataDir) -> Result<Self, String> {
        let path = data_dir.path().join(FILE);
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= SECRET => {
                if close_secret(&path)? {
                    let path = path.display();
                    warn!(%path, "other users could read the admin token; change it, its file is closed to them now");
                }
                Ok(Self::of(text.trim()))
            }
            Ok(_) => Err(format!("{} holds no token; remove it and a new one is made", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let secret = rand::rng().sample_iter(Alphanumeric).take(SECRET).map(char::from);
                let token: String = "ush_admin_".chars().chain(secret).collect();
                let mut options = fs::OpenOptions::new();
                let mut file =
                    options.write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
                writeln!(file, "{token}").and_then(|()| file.sync_all()).map_err(failed)?;
                Ok(Self::of(&token))
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn of(token: &str) -> Self {
        Self { hash: Sha256::digest(token).into() }
    }

    pub(crate) fn admits(&self, token: &str) -> bool {
        let hash: [u8; 32] = Sha256::digest(token).into();
        hash.ct_eq(&self.hash).into()
    }
}
