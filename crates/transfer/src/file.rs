//! Files of JSON lines: the first says what the file is, the last has the SHA-256 of all before it. An export is one
//! (docs/export-format.md), and so is the list of what a backup holds.

mod read;
mod write;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use read::{FileReader, Line, Sealed};
pub use write::FileWriter;

/// A kind of file, by its first line.
pub trait Form: Serialize + DeserializeOwned {
    /// The first member of the first line; its value is the number of the form.
    const WORD: &'static str;
    /// What such a file is, for sentences.
    const WHAT: &'static str;
    /// The newest form that this program writes and reads.
    const NEWEST: u64 = 1;
}

/// The first line of an export, beside what each file's first line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// When it was written, for people.
    pub exported: String,
    /// The region of the tenant.
    pub region: String,
    /// The company key of the tenant.
    pub key: String,
    /// The migrations that the store had, in order.
    pub migrations: Vec<String>,
}

impl Form for Header {
    const WORD: &'static str = "usher_export";
    const WHAT: &'static str = "export of a tenant";
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
struct End {
    /// The lines between the first and this one.
    lines: u64,
    /// Of all bytes before this line, in hexadecimal digits.
    sha256: String,
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
