//! Files of JSON lines: the first says what the file is, the last has the SHA-256 of all before it. An export is one
//! (docs/export-format.md), and so is the list of what a backup holds.

mod form;
mod read;
mod write;

pub use form::{Form, Header};
pub use read::{FileReader, Line, Sealed};
pub use write::FileWriter;
