//! The key from a file that seals the signing keys in the registries, so that a copy of a registry signs no token.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::{RngExt as _, distr::Alphanumeric};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};

use crate::data_dir::{DataDir, close_secret};

/// Name of the file below the data directory.
const FILE: &str = "signing-secret";
/// Characters of the secret in a new file: 238 bits.
const SECRET: usize = 40;

/// Seals and opens.
pub(crate) struct Sealing(LessSafeKey);

impl Sealing {
    /// Reads the file that `auth.key_file` names.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let told = |fault: &str| format!("auth.key_file {}: {fault}", path.display());
        let text = fs::read_to_string(path).map_err(|e| told(&e.to_string()))?;
        match text.trim() {
            secret if secret.len() >= SECRET => Self::of(secret),
            _ => Err(told(&format!("a secret has {SECRET} characters or more"))),
        }
    }

    /// Reads the file in the data directory, or makes it.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn find_or_make(data_dir: &DataDir) -> Result<Self, String> {
        let path = data_dir.path().join(FILE);
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= SECRET => {
                close_secret(&path)?;
                Self::of(text.trim())
            }
            Ok(_) => Err(format!("{} holds no secret; remove it and a new one is made", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let secret: String =
                    rand::rng().sample_iter(Alphanumeric).take(SECRET).map(char::from).collect();
                let mut options = fs::OpenOptions::new();
                let mut file =
                    options.write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
                writeln!(file, "{secret}").and_then(|()| file.sync_all()).map_err(failed)?;
                Self::of(&secret)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn of(secret: &str) -> Result<Self, String> {
        let key = Sha256::digest(secret);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key);
        key.map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| "the sealing key has a wrong length".to_owned())
    }

    /// Seals a key under its name. The text begins with a random nonce: a handful of keys is ever sealed by one secret.
    pub(super) fn seal(&self, kid: &str, key: &[u8]) -> Option<String> {
        let nonce: [u8; NONCE_LEN] = rand::rng().random();
        let mut sealed = key.to_vec();
        let aad = Aad::from(kid.as_bytes());
        self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        Some(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens it; `None` for what another secret sealed, or for another name.
    pub(super) fn open(&self, kid: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, rest) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut rest = rest.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(kid.as_bytes()), &mut rest).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_by_the_same_secret_under_the_same_name_alone() {
        let (one, other) = (Sealing::of(&"a".repeat(40)).unwrap(), Sealing::of(&"b".repeat(40)).unwrap());
        let sealed = one.seal("ire.k1", &[7; 32]).unwrap();
        assert_ne!(one.seal("ire.k1", &[7; 32]), Some(sealed.clone()), "the nonce is fresh");
        assert_eq!(one.open("ire.k1", &sealed), Some(vec![7; 32]));
        assert_eq!(one.open("ire.k2", &sealed), None);
        assert_eq!(other.open("ire.k1", &sealed), None);
        for broken in ["", "x", "AAAA", &sealed[4..]] {
            assert_eq!(one.open("ire.k1", broken), None, "{broken}");
        }
    }
}
