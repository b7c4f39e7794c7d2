//! Counts of requests by the hour. A list: nearly every tenant has one hour between two times of writing, there may be ten thousand
//! tenants, and the smallest tree has room for eleven.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) const HOUR_MS: i64 = 3_600_000;

/// Hours that are counted apart: a day, and the one that has begun.
const KEPT: i64 = 25;

/// Requests of one hour, or of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Lists and searches of people.
    pub lookups: i64,
    /// Creates of people.
    pub creates: i64,
    /// Writes, also refused ones.
    pub writes: i64,
    /// Refused writes.
    pub refused: i64,
    /// Those of them for want of a seat.
    pub no_seat: i64,
}

impl Counts {
    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            lookups: self.lookups + other.lookups,
            creates: self.creates + other.creates,
            writes: self.writes + other.writes,
            refused: self.refused + other.refused,
            no_seat: self.no_seat + other.no_seat,
        }
    }
}

/// By the hours since 1970 UTC, the oldest first. At rest it is an object by the hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hours(Vec<(i64, Counts)>);

impl Hours {
    /// Those of the hour of this moment.
    pub(super) fn at(&mut self, at_ms: i64) -> &mut Counts {
        self.of(at_ms.div_euclid(HOUR_MS))
    }

    #[allow(clippy::indexing_slicing, reason = "there is one at that place by then")]
    fn of(&mut self, hour: i64) -> &mut Counts {
        let index = match self.0.binary_search_by_key(&hour, |(hour, _)| *hour) {
            Ok(index) => index,
            Err(index) => {
                self.0.reserve_exact(1);
                self.0.insert(index, (hour, Counts::default()));
                index
            }
        };
        &mut self.0[index].1
    }

    /// Adds others, and forgets what is old then.
    pub(super) fn add(&mut self, others: Self) {
        for (hour, counts) in others.0 {
            let counted = self.of(hour);
            *counted = counted.plus(counts);
        }
        self.forget_old();
    }

    /// Forgets what is old beside the newest.
    fn forget_old(&mut self) {
        if let Some((newest, _)) = self.0.last().copied() {
            self.0.retain(|(hour, _)| *hour > newest - KEPT);
        }
    }

    /// The sum of the last 24 hours, the first of them whole.
    pub(super) fn of_last_day(&self, now_ms: i64) -> Counts {
        let begins = now_ms.div_euclid(HOUR_MS) - (KEPT - 1);
        let last = self.0.iter().filter(|(hour, _)| *hour >= begins);
        last.fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(hour, counts)| (hour, counts)))
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hours = BTreeMap::<i64, Counts>::deserialize(deserializer)?;
        Ok(Self(hours.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_added_in_any_order_and_rest_as_an_object() {
        let one = |hour: i64| {
            let mut hours = Hours::default();
            hours.at(hour * HOUR_MS + 1).lookups += 1;
            hours
        };
        let mut hours = one(30);
        for hour in [28, 31, 30, 2] {
            hours.add(one(hour));
        }
        let text = serde_json::to_string(&hours).unwrap();
        assert!(text.starts_with("{\"28\":{\"lookups\":1,"), "{text}");
        assert_eq!(serde_json::from_str::<Hours>(&text).unwrap(), hours);
        assert_eq!((hours.len(), hours.of_last_day(31 * HOUR_MS).lookups), (3, 4));
        assert_eq!(hours.of_last_day(54 * HOUR_MS).lookups, 3);
        assert_eq!(hours.of_last_day(90 * HOUR_MS).lookups, 0);
        assert_eq!(serde_json::from_str::<Hours>("{}").unwrap(), Hours::default());
    }
}
