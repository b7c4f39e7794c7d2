//! Words of requests as values: a time, one of a list.

use scim_core::filter::Instant;

use crate::{StaffError, acts::Result};

/// The word of a list that this is.
pub(crate) fn one_of<'w>(name: &str, word: &str, words: &[&'w str]) -> Result<&'w str> {
    let found = words.iter().copied().find(|known| *known == word);
    found.ok_or_else(|| StaffError::BadRequest(format!("{name} is one of {}", words.join(", "))))
}

/// A time in milliseconds since 1970 UTC.
pub(crate) fn moment(name: &str, text: &str) -> Result<i64> {
    let refused = || StaffError::BadRequest(format!("{name} is a time such as 2026-11-29T08:00:00Z"));
    Instant::parse(text).and_then(Instant::as_millis).ok_or_else(refused)
}
