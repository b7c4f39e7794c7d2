//! Bounded counters by source: the least used are dropped first, which begins them anew.

use std::{convert::Infallible, hash::Hash};

use quick_cache::sync::Cache;

/// The counter of a source; a new one where there is none.
pub(crate) fn counter<K, V>(counters: &Cache<K, V>, source: &K, new: impl FnOnce() -> V) -> V
where
    K: Clone + Eq + Hash,
    V: Clone,
{
    match counters.get_or_insert_with(source, || Ok::<_, Infallible>(new())) {
        Ok(counter) => counter,
        Err(never) => match never {},
    }
}
