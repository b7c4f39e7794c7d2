//! The key from a file that seals the signing keys in the registries, so that a copy of a registry signs no token.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::RngExt as _;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};

use crate::{data_dir::DataDir, secret_file::SecretFile};

const FILE: SecretFile = SecretFile { name: "signing-secret", word: "secret", prefix: "" };

/// Seals and opens.
pub(crate) struct Sealing(LessSafeKey);

impl Sealing {
    /// Reads the file that `auth.key_file` names.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        Self::of(&FILE.read("auth.key_file", path)?)
    }

    /// Reads the file in the data directory, or makes it.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn find_or_make(data_dir: &DataDir) -> Result<Self, String> {
        Self::of(&FILE.find_or_make(data_dir)?.text)
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
