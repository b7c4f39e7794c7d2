//! Licenses as data: what a profile says of them, dearest first, and the handle that rows, requests and pools name one with.

use std::{cmp::Ordering, fmt, hash, sync::Arc};

use crate::Policy;

/// One license of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The word in requests, settings and tables.
    pub key: String,
    /// The name in sentences.
    pub title: String,
    /// Seats of a tenant that is made without saying how many; `None` is unlimited.
    pub quota: Option<i64>,
    /// The first policy for the case that no seat is free.
    pub policy: Policy,
    /// The key of the license that a person gets instead, which stands below.
    pub fallback: Option<String>,
}

struct Entry {
    definition: Definition,
    /// Its place among the others.
    fallback: Option<usize>,
}

/// The licenses of a profile, dearest first. Cheap to clone.
#[derive(Clone)]
pub struct Licenses(Arc<[Entry]>);

impl Licenses {
    /// The most licenses of a profile.
    pub const MOST: usize = 8;

    /// The licenses that these definitions say, dearest first.
    ///
    /// # Errors
    /// A sentence, when there are none or more than [`Self::MOST`], when two have one key, or when a fallback does not stand
    /// below the license that has it: so no loop can be written.
    pub fn new(definitions: Vec<Definition>) -> Result<Self, String> {
        if !(1..=Self::MOST).contains(&definitions.len()) {
            let (most, found) = (Self::MOST, definitions.len());
            return Err(format!("a profile has 1 to {most} licenses, not {found}"));
        }
        let place = |key: &str| definitions.iter().position(|other| other.key == key);
        let mut fallbacks = Vec::new();
        for (rank, Definition { key, policy, fallback, .. }) in definitions.iter().enumerate() {
            if place(key) != Some(rank) {
                return Err(format!("the license {key} is defined twice"));
            }
            let lesser = fallback.as_deref().map(|fallback| {
                place(fallback)
                    .filter(|place| *place > rank)
                    .ok_or_else(|| format!("{fallback}, to which {key} falls back, does not stand below it"))
            });
            let lesser = lesser.transpose()?;
            if *policy == Policy::Fallback && lesser.is_none() {
                return Err(format!("the license {key} has the policy fallback and no fallback"));
            }
            fallbacks.push(lesser);
        }
        let entries = definitions.into_iter().zip(fallbacks);
        Ok(Self(entries.map(|(definition, fallback)| Entry { definition, fallback }).collect()))
    }

    /// All of them, dearest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = License> + '_ {
        (0..self.0.len()).map(|rank| License { all: self.clone(), rank })
    }

    /// The license of this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<License> {
        let rank = self.0.iter().position(|entry| entry.definition.key == key)?;
        Some(License { all: self.clone(), rank })
    }

    /// Their keys as a sentence lists them: `member and member_lite`.
    #[must_use]
    pub fn keys(&self) -> String {
        let keys: Vec<&str> = self.0.iter().map(|entry| entry.definition.key.as_str()).collect();
        match keys.as_slice() {
            [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            keys => keys.concat(),
        }
    }
}

impl PartialEq for Licenses {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.0.iter().map(|e| &e.definition).eq(other.0.iter().map(|e| &e.definition))
    }
}

impl Eq for Licenses {}

impl fmt::Debug for Licenses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|entry| &entry.definition)).finish()
    }
}

/// One license of a profile: a handle that is cheap to clone. Dearer ones come first in every order, and pools are always touched in
/// that order, so that two transactions cannot wait for each other.
#[derive(Clone)]
pub struct License {
    all: Licenses,
    rank: usize,
}

impl License {
    fn entry(&self) -> Option<&Entry> {
        self.all.0.get(self.rank)
    }

    /// The word in requests, settings and tables.
    #[must_use]
    pub fn key(&self) -> &str {
        self.entry().map_or("", |entry| &entry.definition.key)
    }

    /// The name in sentences.
    #[must_use]
    pub fn title(&self) -> &str {
        self.entry().map_or("", |entry| &entry.definition.title)
    }

    /// Its place among the licenses of its profile: 0 is the dearest.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The license that a person gets instead under [`Policy::Fallback`].
    #[must_use]
    pub fn fallback(&self) -> Option<Self> {
        let rank = self.entry()?.fallback?;
        Some(Self { all: self.all.clone(), rank })
    }

    /// Seats of a tenant that is made without saying how many; `None` is unlimited.
    #[must_use]
    pub fn first_quota(&self) -> Option<i64> {
        self.entry().and_then(|entry| entry.definition.quota)
    }

    /// The policy that a tenant is made with.
    #[must_use]
    pub fn first_policy(&self) -> Policy {
        self.entry().map_or(Policy::Refuse, |entry| entry.definition.policy)
    }

    /// All licenses of its profile.
    #[must_use]
    pub fn all(&self) -> &Licenses {
        &self.all
    }
}

impl PartialEq for License {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank && self.key() == other.key()
    }
}

impl Eq for License {}

impl PartialOrd for License {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for License {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.rank, self.key()).cmp(&(other.rank, other.key()))
    }
}

impl hash::Hash for License {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for License {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl fmt::Debug for License {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "License({})", self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn license(key: &str, fallback: Option<&str>) -> Definition {
        let policy = if fallback.is_some() { Policy::Fallback } else { Policy::Refuse };
        let fallback = fallback.map(str::to_owned);
        Definition { key: key.to_owned(), title: key.to_uppercase(), quota: None, policy, fallback }
    }

    #[test]
    fn licenses_are_ordered_as_they_are_defined_and_know_what_stands_below_them() {
        let all =
            Licenses::new(vec![license("pro", Some("basic")), license("seat", None), license("basic", None)])
                .unwrap();
        let (pro, basic) = (all.get("pro").unwrap(), all.get("basic").unwrap());
        assert_eq!((pro.title(), pro.rank(), pro.fallback()), ("PRO", 0, Some(basic.clone())));
        assert_eq!((basic.rank(), basic.fallback(), all.get("lite")), (2, None, None));
        assert!(pro < basic && all.iter().is_sorted());
        assert_eq!(all.keys(), "pro, seat and basic");
        assert_eq!(pro.all(), &all);
    }

    #[test]
    fn what_cannot_be_a_plan_is_refused_with_a_sentence() {
        let many = (0..9).map(|n| license(&format!("l{n}"), None)).collect();
        for (definitions, told) in [
            (vec![], "a profile has 1 to 8 licenses, not 0"),
            (many, "a profile has 1 to 8 licenses, not 9"),
            (vec![license("a", None), license("a", None)], "the license a is defined twice"),
            (
                vec![license("a", None), license("b", Some("a"))],
                "a, to which b falls back, does not stand below it",
            ),
            (vec![license("a", Some("a"))], "a, to which a falls back, does not stand below it"),
            (
                vec![Definition { policy: Policy::Fallback, ..license("a", None) }],
                "the license a has the policy fallback and no fallback",
            ),
        ] {
            assert_eq!(Licenses::new(definitions).unwrap_err(), told);
        }
    }
}
