//! Positions in an order, and which of them a page wants.

use std::cmp::Ordering;

use scim_core::sort::{Sort, SortKey};
use serde::{Deserialize, Serialize};

/// The position of a resource in a list: by its key, then by its id. It stays valid when the resource is deleted, so that a
/// walk continues from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The sort key, of bounded length; `None` without a value or without a sort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SortKey>,
    /// The resource's id.
    pub id: String,
}

impl Position {
    /// The order of a list: by the sort if there is one, and by id among equals, in whichever direction is sorted.
    #[must_use]
    pub fn compare(&self, other: &Self, sort: Option<&Sort>) -> Ordering {
        let by_key = sort.map_or(Ordering::Equal, |sort| sort.compare(self.key.as_ref(), other.key.as_ref()));
        by_key.then_with(|| self.id.cmp(&other.id))
    }
}

/// On which side of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Earlier in the list.
    Before,
    /// Later in the list.
    After,
}

impl Side {
    pub(super) fn opposite(self) -> Self {
        match self {
            Self::Before => Self::After,
            Self::After => Self::Before,
        }
    }
}

/// The direction along an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From small to large.
    Up,
    /// From large to small.
    Down,
}

impl Direction {
    pub(crate) fn reversed(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// The request for a page: which of the matches are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageRequest<'a> {
    /// From an offset on, in the order of the list.
    Index {
        /// How many come before.
        offset: u64,
        /// How many are wanted.
        count: u64,
    },
    /// Next to a position, which does not belong to them; without one from the list's beginning, or back from its end.
    Beside {
        /// On which side.
        side: Side,
        /// The position; `None` for the beginning or the end of the list.
        position: Option<&'a Position>,
        /// How many are wanted.
        count: u64,
        /// The number of matches, if that is known, so that they are not counted again.
        total: Option<u64>,
    },
}

impl PageRequest<'_> {
    /// The page of a short list that is whole in memory.
    #[must_use]
    pub fn cut(&self, mut positions: Vec<Position>, sort: Option<&Sort>) -> Page {
        positions.sort_by(|a, b| a.compare(b, sort));
        let length = positions.len();
        let short = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(length);
        let count = short(self.count());
        let (from, to) = match *self {
            Self::Index { offset, .. } => (short(offset), short(offset).saturating_add(count)),
            Self::Beside { side: Side::After, position, .. } => {
                let passed =
                    |other: &Position| position.is_some_and(|position| other.compare(position, sort).is_le());
                let from = positions.partition_point(passed);
                (from, from.saturating_add(count))
            }
            Self::Beside { side: Side::Before, position, .. } => {
                let ahead =
                    |other: &Position| position.is_none_or(|position| other.compare(position, sort).is_lt());
                let to = positions.partition_point(ahead);
                (to.saturating_sub(count), to)
            }
        };
        let to = to.min(length);
        let (before, behind) = (count > 0 && from > 0, count > 0 && to < length);
        positions.truncate(to);
        positions.drain(..from.min(to));
        let total = u64::try_from(length).unwrap_or(u64::MAX);
        Page { positions, total, is_dear: false, before, behind }
    }

    /// Whether it begins where a list does, or at a position.
    pub(super) fn is_near(&self) -> bool {
        !matches!(self, Self::Index { offset: 1.., .. })
    }

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Index { count, .. } | Self::Beside { count, .. } => *count,
        }
    }
}

/// The page of a [`PageRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order of the list.
    pub positions: Vec<Position>,
    /// How many match in all.
    pub total: u64,
    /// Whether counting them is expensive, so that a walk should carry the total along.
    pub is_dear: bool,
    /// Of a request beside a position: whether there are matches before this page.
    pub before: bool,
    /// Of a request beside a position: whether there are matches behind it.
    pub behind: bool,
}

impl Page {
    /// A page without positions.
    pub(super) fn empty(total: u64, is_dear: bool) -> Self {
        Self { total, is_dear, ..Self::default() }
    }

    /// A page on one side of a position, nearest first: whether there are matches on its near side and on its far side.
    pub(super) fn beside(mut self, side: Side, mut positions: Vec<Position>, near: bool, far: bool) -> Self {
        (self.before, self.behind) = if side == Side::After { (near, far) } else { (far, near) };
        if side == Side::Before {
            positions.reverse();
        }
        self.positions = positions;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(ids: &str) -> Vec<Position> {
        ids.chars().map(|id| Position { key: None, id: id.into() }).collect()
    }

    /// The ids that a request on `a` to `e` shows, and whether there are others before and behind.
    fn cut(request: PageRequest<'_>) -> (String, bool, bool) {
        let page = request.cut(positions("dbeca"), None);
        assert_eq!(page.total, 5);
        (page.positions.into_iter().map(|position| position.id).collect(), page.before, page.behind)
    }

    #[test]
    fn a_short_list_is_cut_as_a_long_one_is_searched() {
        let shown = |ids: &str, before, behind| (ids.to_owned(), before, behind);
        assert_eq!(cut(PageRequest::Index { offset: 1, count: 2 }), shown("bc", true, true));
        assert_eq!(cut(PageRequest::Index { offset: 4, count: u64::MAX }), shown("e", true, false));
        assert_eq!(cut(PageRequest::Index { offset: u64::MAX, count: 3 }), shown("", true, false));
        for (side, position, count, expected) in [
            (Side::After, None, 2, shown("ab", false, true)),
            (Side::After, Some("b"), 2, shown("cd", true, true)),
            (Side::After, Some("bb"), 9, shown("cde", true, false)),
            (Side::After, Some("e"), 2, shown("", true, false)),
            (Side::After, None, 0, shown("", false, false)),
            (Side::Before, None, 2, shown("de", true, false)),
            (Side::Before, Some("c"), 1, shown("b", true, true)),
            (Side::Before, Some("c"), 9, shown("ab", false, true)),
            (Side::Before, Some("a"), 2, shown("", false, true)),
        ] {
            let position = position.map(|id: &str| Position { key: None, id: id.to_owned() });
            let request = PageRequest::Beside { side, position: position.as_ref(), count, total: None };
            assert_eq!(cut(request), expected, "{request:?}");
        }
    }
}
