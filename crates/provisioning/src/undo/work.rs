//! What every step of an undo needs.

use super::told::Undone;
use crate::{Rules, facts::Cause};

/// What every step of an undo needs.
pub(super) struct Work<'a> {
    pub(super) rules: &'a Rules,
    pub(super) cause: Cause<'a>,
    pub(super) done: Undone,
}
