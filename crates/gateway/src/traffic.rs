//! What tenants' identity providers have sent since it was last written down ([`crate::health_writer`]), and for which tenants staff have
//! changed something.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use provisioning::health::{Traffic, TrafficByCredential};
use store::StoreLocation;
use tenant_registry::{CompanyKey, RegionCode, Tenant, TenantId, Token, WrongSecrets};

/// A tenant's traffic and its row in the registry are written at most once in so many milliseconds.
const EVERY_MS: u64 = 60_000;

/// Key ids of wrong secrets that are remembered between two times of writing. Anybody can make up more.
const KEY_IDS: usize = 1_000;

/// The traffic that waits.
#[derive(Default)]
pub(crate) struct UnwrittenTraffic(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: HashMap<TenantId, Waiting>,
    /// By region and company key.
    touched: BTreeSet<(RegionCode, CompanyKey)>,
    /// When tenants were written last, in milliseconds since 1970 UTC.
    written: HashMap<TenantId, i64>,
    /// Stores at rest that were woken to write, and how often each is still let rest.
    woken: HashMap<StoreLocation, u32>,
    wrong_secrets: HashMap<RegionCode, HashMap<String, WrongSecrets>>,
    wrong_secrets_written_ms: i64,
}

/// What is to be written of one tenant: its row in the registry, and its traffic if there is any.
struct Waiting {
    tenant: Arc<Tenant>,
    /// By the key id of each credential. A list, because a tenant has one or two: a tree has room for eleven, and there may be ten thousand
    /// tenants.
    traffic: Vec<(String, Traffic)>,
}

impl Waiting {
    /// None of this tenant.
    fn of(tenant: &Arc<Tenant>) -> Self {
        Self { tenant: Arc::clone(tenant), traffic: Vec::with_capacity(1) }
    }

    fn of_credential(&mut self, credential: &str) -> Option<&mut Traffic> {
        self.traffic.iter_mut().find(|(known, _)| known == credential).map(|(_, traffic)| traffic)
    }

    /// Adds what came after what is here.
    fn add(&mut self, credential: String, newer: Traffic) {
        match self.of_credential(&credential) {
            Some(traffic) => traffic.add(newer),
            None => self.traffic.push((credential, newer)),
        }
    }
}

/// A request with a right credential.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) tenant: &'a Arc<Tenant>,
    /// The key id.
    pub(crate) credential: &'a str,
}

impl UnwrittenTraffic {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to the traffic of a credential.
    pub(crate) fn add(&self, call: Call<'_>, add: impl FnOnce(&mut Traffic)) {
        let mut state = self.lock();
        let waiting = match state.waiting.get_mut(&call.tenant.id) {
            Some(waiting) => waiting,
            None => state.waiting.entry(call.tenant.id.clone()).or_insert_with(|| Waiting::of(call.tenant)),
        };
        match waiting.of_credential(call.credential) {
            Some(traffic) => add(traffic),
            None => {
                let mut traffic = Traffic::default();
                add(&mut traffic);
                waiting.traffic.push((call.credential.to_owned(), traffic));
            }
        }
    }

    /// Notes that a store at rest was woken to write, and how often more it is to be let rest.
    pub(crate) fn note_woken(&self, location: StoreLocation, rests: u32) {
        let mut state = self.lock();
        let known = state.woken.entry(location).or_default();
        *known = rests.max(*known);
    }

    /// The stores that were woken, and how often each is still let rest.
    pub(crate) fn take_woken(&self) -> HashMap<StoreLocation, u32> {
        std::mem::take(&mut self.lock().woken)
    }

    /// Notes that staff have changed something of a tenant, or asked how it is.
    pub(crate) fn touch(&self, region: RegionCode, key: CompanyKey) {
        self.lock().touched.insert((region, key));
    }

    /// Tenants that staff have changed.
    pub(crate) fn take_touched(&self) -> BTreeSet<(RegionCode, CompanyKey)> {
        std::mem::take(&mut self.lock().touched)
    }

    /// The traffic of a tenant that waits.
    pub(crate) fn take(&self, tenant: &TenantId) -> TrafficByCredential {
        let taken = self.lock().waiting.remove(tenant).map(|waiting| waiting.traffic);
        taken.into_iter().flatten().collect()
    }

    /// Whether the row of a tenant that was looked at at this time may be written: none was in the minute before. The tenant counts as
    /// written at this time then; else it waits, and is looked at again when it is due.
    pub(crate) fn may_write_row(&self, tenant: &Arc<Tenant>, now_ms: i64) -> bool {
        let mut state = self.lock();
        let State { waiting, written, .. } = &mut *state;
        let is_early = written.get(&tenant.id).is_some_and(|at_ms| was_just_now(*at_ms, now_ms));
        if is_early {
            waiting.entry(tenant.id.clone()).or_insert_with(|| Waiting::of(tenant));
        } else {
            written.insert(tenant.id.clone(), now_ms);
        }
        !is_early
    }

    /// The tenants with traffic, or with a row that came too early, that were not written in the last minute. They count as written now.
    pub(crate) fn due(&self, now_ms: i64) -> Vec<Arc<Tenant>> {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            return Vec::new();
        }
        state.written.retain(|_, at_ms| was_just_now(*at_ms, now_ms));
        let State { waiting, written, .. } = &mut *state;
        let due = waiting.iter().filter(|(tenant, _)| !written.contains_key(*tenant));
        let due: Vec<Arc<Tenant>> = due.map(|(_, waiting)| Arc::clone(&waiting.tenant)).collect();
        written.extend(due.iter().map(|tenant| (tenant.id.clone(), now_ms)));
        due
    }

    /// The tenants with traffic, or with a row that came too early.
    pub(crate) fn all(&self) -> Vec<Arc<Tenant>> {
        self.lock().waiting.values().map(|waiting| Arc::clone(&waiting.tenant)).collect()
    }

    /// Puts back what could not be written.
    pub(crate) fn put_back(&self, tenant: &Arc<Tenant>, unwritten: TrafficByCredential) {
        let mut state = self.lock();
        let waiting = state.waiting.entry(tenant.id.clone()).or_insert_with(|| Waiting::of(tenant));
        let newer = std::mem::replace(&mut waiting.traffic, unwritten.into_iter().collect());
        for (credential, newer) in newer {
            waiting.add(credential, newer);
        }
    }

    /// Counts a request that named a key id and was not accepted: for its secret, or for its path.
    pub(crate) fn wrong_secret(&self, token: &Token, at_ms: i64) {
        let mut state = self.lock();
        let known = state.wrong_secrets.entry(token.region().clone()).or_default();
        if known.len() >= KEY_IDS && !known.contains_key(token.key_id()) {
            return;
        }
        let wrong = known.entry(token.key_id().to_owned()).or_default();
        let since_ms = if wrong.number == 0 { at_ms } else { wrong.since_ms };
        *wrong = WrongSecrets { number: wrong.number + 1, since_ms, last_ms: at_ms };
    }

    /// The wrong secrets of a region.
    pub(crate) fn take_wrong_secrets(&self, region: &RegionCode) -> Vec<(String, WrongSecrets)> {
        self.lock().wrong_secrets.remove(region).unwrap_or_default().into_iter().collect()
    }

    /// The regions with wrong secrets, if none were written in the last minute.
    pub(crate) fn with_wrong_secrets(&self, now_ms: i64) -> Vec<RegionCode> {
        let mut state = self.lock();
        if state.wrong_secrets.is_empty() || was_just_now(state.wrong_secrets_written_ms, now_ms) {
            return Vec::new();
        }
        state.wrong_secrets_written_ms = now_ms;
        state.wrong_secrets.keys().cloned().collect()
    }
}

/// Whether something was written less than a minute ago. The clock may have been ahead then.
fn was_just_now(at_ms: i64, now_ms: i64) -> bool {
    now_ms.abs_diff(at_ms) < EVERY_MS
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use crate::some_tenant::some_tenant;

    #[test]
    fn a_row_is_written_once_a_minute_and_one_that_comes_earlier_waits_until_it_is_due() {
        let (traffic, [acme, other]) = (UnwrittenTraffic::default(), [1, 2].map(some_tenant));
        let due = |now_ms| traffic.due(now_ms).iter().map(|tenant| tenant.id.clone()).collect::<Vec<_>>();
        assert!(traffic.may_write_row(&acme, 100_000));
        assert!(due(100_001).is_empty());
        assert!(!traffic.may_write_row(&acme, 159_999));
        assert!(traffic.may_write_row(&other, 159_999), "each tenant has its own minute");
        assert!(due(159_999).is_empty());
        assert_eq!(due(160_000), slice::from_ref(&acme.id));
        assert!(!traffic.may_write_row(&acme, 160_001), "who was due is written");
        // Traffic waits for the same minute, and the process writes everything when it ends.
        traffic.add(Call { tenant: &other, credential: "key" }, |_| {});
        assert!(due(160_002).is_empty());
        assert_eq!(traffic.all().len(), 2);
        // A clock that was ahead holds nothing back.
        assert!(traffic.may_write_row(&acme, 1_000));
    }
}
