//! Bounds that several parts of a file share: the length of a title, and how many of a kind one file may hold; the first beyond it is told, the rest is left unread.

use crate::field::Field;

/// Longest title, in characters.
pub(super) const MAX_TITLE: usize = 100;

pub(super) struct Room {
    left: usize,
    most: usize,
    what: &'static str,
    told: bool,
}

impl Room {
    pub(super) fn of(most: usize, what: &'static str) -> Self {
        Self { left: most, most, what, told: false }
    }

    /// Takes the place of one more, if there is one.
    pub(super) fn takes(&mut self, field: &Field<'_>) -> bool {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return true;
        }
        if !self.told {
            self.told = true;
            field.refuse::<()>(format!("is one too many: a profile has at most {} {}", self.most, self.what));
        }
        false
    }
}
