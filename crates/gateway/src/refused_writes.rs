//! Refused writes on their way into the log ([`crate::log_writer`]). They stay here until they are stored, so
//! that none is lost by a write that fails, or by a stop while it runs.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use provisioning::log::Refused;
use tenant_registry::{Tenant, TenantId};
use tokio::sync::Notify;

/// The most rows that wait for each tenant. Of more it is only counted that they are lost.
const MOST: usize = 10_000;

/// The refused writes that wait.
#[derive(Default)]
pub(crate) struct RefusedWrites {
    all: Mutex<All>,
    /// Told whenever a turn has ended.
    turn_ended: Notify,
}

#[derive(Default)]
struct All {
    tenants: BTreeMap<TenantId, OfTenant>,
    /// The tenants whose turn comes next, in this order. One whose store is busy stands behind the others again.
    line: VecDeque<TenantId>,
    /// The process ends.
    ends: bool,
}

struct OfTenant {
    tenant: Arc<Tenant>,
    waiting: Waiting,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Rows gather, so that they are written together.
    Gathers,
    /// The tenant stands in the line.
    InLine,
    /// The tenant has its turn.
    HasTurn,
}

/// The rows of one tenant, oldest first.
#[derive(Default)]
struct Waiting {
    rows: VecDeque<Refused>,
    lost: i64,
}

impl Waiting {
    fn push(&mut self, row: Refused) {
        if self.rows.len() < MOST {
            self.rows.push_back(row);
        } else {
            self.lost += 1;
        }
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.lost == 0
    }
}

impl All {
    fn line_up(&mut self) {
        for (id, of) in self.tenants.iter_mut().filter(|(_, of)| of.stage == Stage::Gathers) {
            of.stage = Stage::InLine;
            self.line.push_back(id.clone());
        }
    }
}

impl RefusedWrites {
    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, tenant: &Arc<Tenant>, row: Refused) {
        let mut all = self.lock();
        let of = all.tenants.entry(tenant.id.clone()).or_insert_with(|| OfTenant {
            tenant: Arc::clone(tenant),
            waiting: Waiting::default(),
            stage: Stage::Gathers,
        });
        of.waiting.push(row);
    }

    /// The number of a tenant's rows that were lost and that its store does not know of yet.
    pub(crate) fn lost(&self, tenant: &TenantId) -> i64 {
        self.lock().tenants.get(tenant).map_or(0, |of| of.waiting.lost)
    }

    /// Gives a turn to each tenant whose rows gather, unless the process ends.
    pub(crate) fn line_up(&self) {
        let mut all = self.lock();
        if !all.ends {
            all.line_up();
        }
    }

    /// Does the same for a process that ends: from now on nobody else does.
    pub(crate) fn line_up_at_the_end(&self) {
        let mut all = self.lock();
        all.ends = true;
        all.line_up();
    }

    /// The next turn in the line.
    pub(crate) fn next_turn(&self) -> Option<Turn<'_>> {
        let mut all = self.lock();
        let id = all.line.pop_front()?;
        let of = all.tenants.get_mut(&id)?;
        of.stage = Stage::HasTurn;
        Some(Turn { writes: self, tenant: Arc::clone(&of.tenant) })
    }

    /// Waits until no tenant has a turn.
    pub(crate) async fn until_nobody_has_a_turn(&self) {
        loop {
            // Made before the look: it is told of every turn that ends from here on.
            let ended = self.turn_ended.notified();
            if self.lock().tenants.values().all(|of| of.stage != Stage::HasTurn) {
                return;
            }
            ended.await;
        }
    }
}

/// The turn of one tenant: until it ends, nobody else writes the tenant's rows.
pub(crate) struct Turn<'a> {
    writes: &'a RefusedWrites,
    tenant: Arc<Tenant>,
}

/// Rows that are written together, oldest first.
pub(crate) struct Batch {
    pub(crate) rows: Vec<Refused>,
    /// The number of rows that were lost.
    pub(crate) lost: i64,
}

impl Turn<'_> {
    pub(crate) fn tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }

    /// The number of rows that wait.
    pub(crate) fn waits(&self) -> usize {
        self.writes.lock().tenants.get(&self.tenant.id).map_or(0, |of| of.waiting.rows.len())
    }

    /// The oldest rows, so many at the most, which stay here; `None` where nothing is to be written.
    pub(crate) fn batch(&self, most: usize) -> Option<Batch> {
        let all = self.writes.lock();
        let waiting = &all.tenants.get(&self.tenant.id)?.waiting;
        let rows: Vec<Refused> = waiting.rows.iter().take(most).cloned().collect();
        let lost = waiting.lost;
        (!rows.is_empty() || lost > 0).then_some(Batch { rows, lost })
    }

    /// Takes out what is stored.
    pub(crate) fn stored(&self, batch: &Batch) {
        if let Some(of) = self.writes.lock().tenants.get_mut(&self.tenant.id) {
            of.waiting.rows.drain(..batch.rows.len());
            of.waiting.lost -= batch.lost;
        }
    }

    /// Takes out everything: the tenant is not here any more.
    pub(crate) fn forget(&self) {
        if let Some(of) = self.writes.lock().tenants.get_mut(&self.tenant.id) {
            of.waiting = Waiting::default();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let (mut all, id) = (self.writes.lock(), &self.tenant.id);
        if all.tenants.get(id).is_some_and(|of| of.waiting.is_empty()) {
            all.tenants.remove(id);
        } else if let Some(of) = all.tenants.get_mut(id) {
            of.stage = Stage::Gathers;
        }
        drop(all);
        self.writes.turn_ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use futures_util::FutureExt as _;
    use provisioning::SentPerson;

    use super::*;
    use crate::some_tenant::some_tenant;

    fn row() -> Refused {
        Refused {
            at_ms: 0,
            request_id: String::new(),
            sender: provisioning::log::Sender::default(),
            credential: String::new(),
            method: None,
            kind: None,
            is_of_bulk: false,
            resource_id: None,
            sent: SentPerson::default(),
            status: 400,
            scim_type: None,
            detail: String::new(),
            license_requested: None,
            cause: None,
            leniencies: Vec::new(),
        }
    }

    #[test]
    fn more_than_can_wait_are_counted_as_lost_also_while_some_are_written() {
        let (writes, acme) = (RefusedWrites::default(), some_tenant(1));
        repeat_n((), MOST + 3).for_each(|()| writes.add(&acme, row()));
        writes.line_up();
        let turn = writes.next_turn().unwrap();
        let batch = turn.batch(500).unwrap();
        assert_eq!((batch.rows.len(), batch.lost, writes.lost(&acme.id)), (500, 3, 3));
        writes.add(&acme, row());
        turn.stored(&batch);
        assert_eq!((turn.waits(), writes.lost(&acme.id)), (MOST - 500, 1));
        writes.add(&acme, row());
        assert_eq!((turn.waits(), writes.lost(&acme.id)), (MOST - 499, 1));
    }

    #[test]
    fn rows_stay_until_they_are_stored_and_their_tenant_has_one_turn_at_a_time() {
        let writes = RefusedWrites::default();
        let [busy, other] = [1, 2].map(some_tenant);
        writes.add(&busy, row());
        writes.add(&other, row());
        assert!(writes.next_turn().is_none(), "rows gather");
        writes.line_up();
        let of_busy = writes.next_turn().unwrap();
        let of_other = writes.next_turn().unwrap();
        assert_eq!([&of_busy.tenant().id, &of_other.tenant().id], [&busy.id, &other.id]);
        of_other.stored(&of_other.batch(500).unwrap());
        assert!(of_other.batch(500).is_none());
        drop(of_other);
        // The first one's store is still busy.
        writes.add(&busy, row());
        writes.add(&other, row());
        writes.line_up();
        let of_other = writes.next_turn().unwrap();
        assert_eq!((&of_other.tenant().id, of_other.waits()), (&other.id, 1));
        assert!(writes.next_turn().is_none());
        drop(of_other);
        assert_eq!(of_busy.waits(), 2);
        // A stop waits for it. Then it has failed, and both of its rows are there for the last turn.
        assert!(writes.until_nobody_has_a_turn().now_or_never().is_none());
        drop(of_busy);
        assert!(writes.until_nobody_has_a_turn().now_or_never().is_some());
        writes.line_up_at_the_end();
        let last = [writes.next_turn(), writes.next_turn()].map(|turn| turn.unwrap().waits());
        assert_eq!(last, [2, 1]);
        writes.line_up();
        assert!(writes.next_turn().is_none(), "the process ends");
        writes.line_up_at_the_end();
        let turn = writes.next_turn().unwrap();
        turn.forget();
        drop(turn);
        assert!(!writes.lock().tenants.contains_key(&busy.id));
    }
}
