//! Backups of a data directory while another process serves it, and what is restored from them. A backup is a folder of runs; each
//! run names a consistent set of copies, and a copy that several runs name is stored once. Deliberately absent: HTTP, a clock.

mod changes;
mod error;
mod extract;
mod folder;
mod manifest;
mod objects;
mod path;
mod prune;
mod restore;
mod run;

pub use error::BackupError;
pub use extract::extract;
pub use folder::Folder;
pub use manifest::Run;
pub use prune::prune;
pub use restore::{Restored, restore};
pub use run::{Moment, Summary, back_up};
