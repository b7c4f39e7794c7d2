//! Copies a whole store: to another store, of either database, or to a file and back. The rows of a copy are JSON objects, which the
//! databases write and read themselves; the tables come from their catalogues. Deliberately absent: the names of tables, the
//! registry, HTTP.

mod catalogue;
mod copy;
mod dump;
mod error;
mod file;
mod load;
mod rows;
mod scratch;
mod texts;

pub use copy::{Progress, copy};
pub use dump::{dump, versions};
pub use error::TransferError;
pub use file::{FileReader, FileWriter, Form, Header, Line, Sealed};
pub use load::Loading;
pub use rows::Batch;
pub use scratch::scratch;
