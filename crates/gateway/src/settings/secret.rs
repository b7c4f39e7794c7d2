//! A secret in the settings, such as the URL of a database with its password: from its key, or from a file that the key `…_file` names. It
//! is never shown.

use std::{fmt, fs, path::PathBuf};

use serde::Deserialize;

/// The text of a secret.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A secret from its key or from its file, without the blanks around it.
///
/// # Errors
/// One sentence that names the key.
pub(super) fn read(
    key: &str,
    value: Option<Secret>,
    file: Option<PathBuf>,
) -> Result<Option<String>, String> {
    let value = value.map(|Secret(text)| text.trim().to_owned()).filter(|text| !text.is_empty());
    match (value, file.filter(|file| !file.as_os_str().is_empty())) {
        (Some(_), Some(_)) => Err(format!("set {key} or {key}_file, not both")),
        (value, None) => Ok(value),
        (None, Some(file)) => {
            let text =
                fs::read_to_string(&file).map_err(|e| format!("{key}_file {}: {e}", file.display()))?;
            match text.trim() {
                "" => Err(format!("{key}_file {} is empty", file.display())),
                text => Ok(Some(text.to_owned())),
            }
        }
    }
}
