//! Refused writes on their way into the log ([`crate::log_writer`]).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use provisioning::log::Refused;
use tenant_registry::{Tenant, TenantId};

/// The most rows that wait for each tenant. Of more it is only counted that they are lost.
const MOST: usize = 10_000;

/// The refused writes that wait.
#[derive(Default)]
pub(crate) struct RefusedWrites(Mutex<BTreeMap<TenantId, (Arc<Tenant>, Waiting)>>);

/// Those of one tenant, oldest first.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) rows: VecDeque<Refused>,
    pub(crate) lost: i64,
}

impl Waiting {
    fn push(&mut self, row: Refused) {
        if self.rows.len() < MOST {
            self.rows.push_back(row);
        } else {
            self.lost += 1;
        }
    }

    /// Adds those that came later.
    fn append(&mut self, newer: Self) {
        self.lost += newer.lost;
        newer.rows.into_iter().for_each(|row| self.push(row));
    }
}

impl RefusedWrites {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<TenantId, (Arc<Tenant>, Waiting)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, tenant: &Arc<Tenant>, row: Refused) {
        let mut all = self.lock();
        let (_, waiting) =
            all.entry(tenant.id.clone()).or_insert_with(|| (Arc::clone(tenant), Waiting::default()));
        waiting.push(row);
    }

    /// The number of a tenant's rows that were lost and that its store does not know of yet.
    pub(crate) fn lost(&self, tenant: &TenantId) -> i64 {
        self.lock().get(tenant).map_or(0, |(_, waiting)| waiting.lost)
    }

    pub(crate) fn take_all(&self) -> Vec<(Arc<Tenant>, Waiting)> {
        std::mem::take(&mut *self.lock()).into_values().collect()
    }

    /// Puts back what could not be written, in front of what came meanwhile.
    pub(crate) fn put_back(&self, tenant: Arc<Tenant>, mut unwritten: Waiting) {
        let mut all = self.lock();
        if let Some((_, newer)) = all.remove(&tenant.id) {
            unwritten.append(newer);
        }
        all.insert(tenant.id.clone(), (tenant, unwritten));
    }
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use super::*;

    fn row() -> Refused {
        Refused {
            at_ms: 0,
            request_id: String::new(),
            sender: provisioning::log::Sender::default(),
            credential: String::new(),
            method: None,
            kind: None,
            resource_id: None,
            user_name: None,
            status: 400,
            scim_type: None,
            detail: String::new(),
            license_requested: None,
            leniencies: Vec::new(),
        }
    }

    #[test]
    fn more_than_can_wait_are_counted_as_lost_also_when_some_are_put_back() {
        let mut waiting = Waiting::default();
        repeat_n((), MOST + 3).for_each(|()| waiting.push(row()));
        assert_eq!((waiting.rows.len(), waiting.lost), (MOST, 3));
        let mut newer = Waiting::default();
        newer.push(row());
        newer.push(row());
        newer.lost = 1;
        waiting.append(newer);
        assert_eq!((waiting.rows.len(), waiting.lost), (MOST, 6));
    }
}
