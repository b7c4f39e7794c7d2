//! What a write did, in a word.

use scim_core::bulk::Method;

/// The word of a request's method in change records.
pub(crate) fn word_of(method: Method) -> &'static str {
    match method {
        Method::Post => "create",
        Method::Put => "replace",
        Method::Patch => "patch",
        Method::Delete => "delete",
    }
}

/// The word of the log for one in change records, of a request or of an act of staff.
pub(crate) fn told(word: &str) -> &'static str {
    match word {
        "create" | "add" => "create",
        "replace" => "replace",
        "delete" => "delete",
        _ => "update",
    }
}
