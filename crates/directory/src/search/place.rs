//! Places in an order, and which of them a page wants.

use std::cmp::Ordering;

use scim_core::sort::{Sort, SortKey};
use serde::{Deserialize, Serialize};

/// Where a resource stands among the others: by its key, then by its id. A place remains one when its resource is gone, so
/// that a walk goes on from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What it is sorted by, of bounded length; `None` when it has no value, or when nobody sorts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SortKey>,
    /// The resource's id.
    pub id: String,
}

impl Place {
    /// The order of a list: by the sort if there is one, and by id among equals, in whichever direction is sorted.
    #[must_use]
    pub fn compare(&self, other: &Self, sort: Option<&Sort>) -> Ordering {
        let by_key = sort.map_or(Ordering::Equal, |sort| sort.compare(self.key.as_ref(), other.key.as_ref()));
        by_key.then_with(|| self.id.cmp(&other.id))
    }
}

/// On which side of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What comes earlier in the list.
    Before,
    /// What comes later.
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

/// Which of the matches are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window<'a> {
    /// From an offset on, in the order of the list.
    Index {
        /// How many come before.
        offset: u64,
        /// How many are wanted.
        count: u64,
    },
    /// Next to a place, which does not belong to them; without one from the list's beginning, or back from its end.
    Beside {
        /// On which side.
        side: Side,
        /// Of what.
        place: Option<&'a Place>,
        /// How many are wanted.
        count: u64,
        /// How many match in all, if that is known: it need not be counted again where counting is dear.
        total: Option<u64>,
    },
}

impl Window<'_> {
    /// What it shows of a short list that is whole in memory.
    #[must_use]
    pub fn cut(&self, mut places: Vec<Place>, sort: Option<&Sort>) -> Stretch {
        places.sort_by(|a, b| a.compare(b, sort));
        let length = places.len();
        let short = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(length);
        let count = short(self.count());
        let (from, to) = match *self {
            Self::Index { offset, .. } => (short(offset), short(offset).saturating_add(count)),
            Self::Beside { side: Side::After, place, .. } => {
                let passed = |other: &Place| place.is_some_and(|place| other.compare(place, sort).is_le());
                let from = places.partition_point(passed);
                (from, from.saturating_add(count))
            }
            Self::Beside { side: Side::Before, place, .. } => {
                let ahead = |other: &Place| place.is_none_or(|place| other.compare(place, sort).is_lt());
                let to = places.partition_point(ahead);
                (to.saturating_sub(count), to)
            }
        };
        let to = to.min(length);
        let (before, behind) = (count > 0 && from > 0, count > 0 && to < length);
        places.truncate(to);
        places.drain(..from.min(to));
        let total = u64::try_from(length).unwrap_or(u64::MAX);
        Stretch { places, total, is_dear: false, before, behind }
    }

    /// Whether it begins where a list does, or at a place.
    pub(super) fn is_near(&self) -> bool {
        !matches!(self, Self::Index { offset: 1.., .. })
    }

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Index { count, .. } | Self::Beside { count, .. } => *count,
        }
    }
}

/// What a window shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// In the order of the list.
    pub places: Vec<Place>,
    /// How many match in all.
    pub total: u64,
    /// Whether counting them is dear, so that a walk should carry the total along.
    pub is_dear: bool,
    /// Of a window beside a place: whether there are matches before this stretch.
    pub before: bool,
    /// Of a window beside a place: whether there are matches behind it.
    pub behind: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(ids: &str) -> Vec<Place> {
        ids.chars().map(|id| Place { key: None, id: id.into() }).collect()
    }

    /// The ids that a window on `a` to `e` shows, and whether there are others before and behind.
    fn cut(window: Window<'_>) -> (String, bool, bool) {
        let stretch = window.cut(places("dbeca"), None);
        assert_eq!(stretch.total, 5);
        (stretch.places.into_iter().map(|place| place.id).collect(), stretch.before, stretch.behind)
    }

    #[test]
    fn a_short_list_is_cut_as_a_long_one_is_searched() {
        let shown = |ids: &str, before, behind| (ids.to_owned(), before, behind);
        assert_eq!(cut(Window::Index { offset: 1, count: 2 }), shown("bc", true, true));
        assert_eq!(cut(Window::Index { offset: 4, count: u64::MAX }), shown("e", true, false));
        assert_eq!(cut(Window::Index { offset: u64::MAX, count: 3 }), shown("", true, false));
        for (side, place, count, expected) in [
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
            let place = place.map(|id: &str| Place { key: None, id: id.to_owned() });
            let window = Window::Beside { side, place: place.as_ref(), count, total: None };
            assert_eq!(cut(window), expected, "{window:?}");
        }
    }
}
