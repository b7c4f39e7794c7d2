//! The first line and the last: what a file is, and whether it is whole.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

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
pub(super) struct End {
    /// The lines between the first and this one.
    pub(super) lines: u64,
    /// Of all bytes before this line, in hexadecimal digits.
    pub(super) sha256: String,
}
