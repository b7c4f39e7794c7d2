//! What metrics showed when they were last asked for.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use prometheus::IntCounter;
use tenant_registry::RegionCode;

/// What was seen when the metrics were last asked for.
#[derive(Default)]
pub(crate) struct LastSeen {
    /// Counts that registries keep.
    counts: Mutex<HashMap<(RegionCode, &'static str), u64>>,
    /// The licenses of each region whose sums are shown.
    licenses: Mutex<HashMap<RegionCode, Vec<String>>>,
}

impl LastSeen {
    /// Adds to a counter what has come since. A registry that was opened anew begins at 0.
    pub(crate) fn add(&self, region: &RegionCode, what: &'static str, now: u64, counter: &IntCounter) {
        let mut seen = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.insert((region.clone(), what), now).unwrap_or_default();
        counter.inc_by(if now >= before { now - before } else { now });
    }

    /// Notes the licenses that are shown from now on; returns those that were.
    pub(crate) fn show(&self, region: &RegionCode, licenses: Vec<String>) -> Vec<String> {
        let mut shown = self.licenses.lock().unwrap_or_else(PoisonError::into_inner);
        shown.insert(region.clone(), licenses).unwrap_or_default()
    }
}
