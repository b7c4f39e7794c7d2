//! Attributes and schemas that identity providers send and no schema of the tenant knows: accepted, dropped, and counted by name
//! (ME12), so that support can say what is not kept. In memory, since the start; names are what callers sent, so they are
//! told to staff alone and never become labels of metrics (attack 25).

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use scim_core::leniency::Leniency;

/// Names that are told apart for one tenant; what comes after is counted together.
const NAMES: usize = 200;
/// Tenants that are counted at the same time.
const TENANTS: usize = 1_000;
/// The name of all further names.
const OTHERS: &str = "(others)";

/// Counts by tenant id and name.
#[derive(Default)]
pub(crate) struct Dropped(Mutex<BTreeMap<String, BTreeMap<String, u64>>>);

impl Dropped {
    /// Counts what one request, or one operation of a bulk, was accepted with.
    pub(crate) fn count(&self, tenant_id: &str, leniencies: &[(Leniency, String)]) {
        let dropped = |kind: &Leniency| matches!(kind, Leniency::UnknownAttribute | Leniency::UnknownSchema);
        for (_, name) in leniencies.iter().filter(|(kind, _)| dropped(kind)) {
            self.count_name(tenant_id, name);
        }
    }

    fn count_name(&self, tenant_id: &str, name: &str) {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= TENANTS && !tenants.contains_key(tenant_id) {
            tenants.pop_first();
        }
        let names = tenants.entry(tenant_id.to_owned()).or_default();
        let name = if names.len() < NAMES || names.contains_key(name) { name } else { OTHERS };
        *names.entry(name.to_owned()).or_default() += 1;
    }

    /// The counts of one tenant.
    pub(crate) fn of(&self, tenant_id: &str) -> BTreeMap<String, u64> {
        let tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant_id).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn me12_dropped_names_are_counted_and_bounded_for_each_tenant() {
        let dropped = Dropped::default();
        dropped.count_name("a", "favouriteColour");
        (0..1_000).for_each(|n| dropped.count_name("a", &format!("invented{n}")));
        dropped.count_name("a", "favouriteColour");
        let names = dropped.of("a");
        assert_eq!((names["favouriteColour"], names.len()), (2, NAMES + 1));
        assert_eq!(names[OTHERS], 1_001 - u64::try_from(NAMES).unwrap());
        assert!(dropped.of("b").is_empty());
    }
}
