//! The provisioning log: one row for each answered write of a person or a group. That of a write which changed something is its change
//! record; that of a refused one is written soon after the answer. No row holds the value of an attribute other than role and license.

mod details;
pub(crate) mod leniencies;
pub(crate) mod names;
pub(crate) mod operation;
mod refused;
pub(crate) mod result;
mod row;
pub(crate) mod sender;

pub use details::Details;
pub(crate) use leniencies::{is_name, unknown_names};
pub use names::{About, about_person, hash_names, segments_with_names};
pub(crate) use names::{about_record, keys_of};
pub use refused::{Refused, record_refused};
pub use result::LogResult;
pub use row::row;
pub use sender::{Idp, Sender};

use directory::log::Wanted;

/// Every row, whatever came of it and whoever sent it.
#[must_use]
pub fn every_row() -> Wanted {
    Wanted {
        results: LogResult::ALL.iter().map(|result| result.word()).collect(),
        idps: Idp::ALL.iter().map(|idp| idp.word()).collect(),
        ..Wanted::default()
    }
}
