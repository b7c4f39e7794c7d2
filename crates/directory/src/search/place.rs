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
