//! Request ids: what an answer, a log line and a change record have in common.

use uuid::Uuid;

/// A new id, time-ordered.
pub(crate) fn new() -> String {
    Uuid::now_v7().simple().to_string()
}
