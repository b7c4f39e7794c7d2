//! A secret in a file: one that a setting names, or one below the data directory, which is made at the first start and which only this user
//! can read.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rand::{RngExt as _, distr::Alphanumeric};

use crate::data_dir::{DataDir, close_secret};

/// Random characters of a new secret: 238 bits. None is shorter.
const CHARACTERS: usize = 40;

/// One kind of secret.
pub(crate) struct SecretFile {
    /// Name of the file below the data directory.
    pub(crate) name: &'static str,
    /// The word for the secret in sentences.
    pub(crate) word: &'static str,
    /// Text in front of the random characters.
    pub(crate) prefix: &'static str,
}

/// A secret from the data directory.
pub(crate) struct FoundSecret {
    pub(crate) text: String,
    /// Whether other users could read the file until now.
    pub(crate) was_open: bool,
}

impl SecretFile {
    /// Reads the file that a setting names.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn read(&self, setting: &str, path: &Path) -> Result<String, String> {
        let told = |fault: &str| format!("{setting} {}: {fault}", path.display());
        let text = fs::read_to_string(path).map_err(|e| told(&e.to_string()))?;
        match text.trim() {
            secret if secret.len() >= CHARACTERS => Ok(secret.to_owned()),
            _ => Err(told(&format!("a {} has {CHARACTERS} characters or more", self.word))),
        }
    }

    /// Reads the file in the data directory, or makes secret and file.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn find_or_make(&self, data_dir: &DataDir) -> Result<FoundSecret, String> {
        let path = data_dir.path().join(self.name);
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= CHARACTERS => {
                Ok(FoundSecret { was_open: close_secret(&path)?, text: text.trim().to_owned() })
            }
            Ok(_) => {
                let (path, word) = (path.display(), self.word);
                Err(format!("{path} holds no {word}; remove it and a new one is made"))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let random = rand::rng().sample_iter(Alphanumeric).take(CHARACTERS).map(char::from);
                let text: String = self.prefix.chars().chain(random).collect();
                let mut options = fs::OpenOptions::new();
                let mut file =
                    options.write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
                writeln!(file, "{text}").and_then(|()| file.sync_all()).map_err(failed)?;
                Ok(FoundSecret { text, was_open: false })
            }
            Err(error) => Err(failed(error)),
        }
    }
}
