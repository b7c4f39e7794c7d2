//! Live credentials in memory. All credentials of a tenant share one value of it, so that the tenant is forgotten in one step. What is
//! forgotten while a credential is being read does not come back with it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use quick_cache::sync::Cache;

use crate::{cached_tenant::CachedTenant, credentials::Grant, names::TenantId};

/// The most credentials in the cache.
const CACHED_KEY_IDS: usize = 20_000;

/// The credentials of one region.
pub(crate) struct GrantCache {
    grants: Cache<String, Arc<Grant>>,
    tenants: Mutex<Tenants>,
    /// Milliseconds after which a tenant is read again; 0 for no limit.
    limit_ms: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How often the cache was asked, and was told to forget, since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// A credential was there.
    pub hits: u64,
    /// It was not.
    pub misses: u64,
    /// A tenant, or everything, was forgotten.
    pub forgettings: u64,
}

#[derive(Default)]
struct Tenants {
    /// Grows with everything that is forgotten.
    forgettings: u64,
    cached: HashMap<TenantId, Weak<CachedTenant>>,
    /// How many entries make it worth to remove those that nothing refers to.
    full: usize,
}

/// The state of the cache before a credential is read.
pub(crate) struct Before(u64);

impl GrantCache {
    pub(crate) fn new() -> Self {
        Self {
            grants: Cache::new(CACHED_KEY_IDS),
            tenants: Mutex::default(),
            limit_ms: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// A credential that may be served.
    pub(crate) fn get(&self, key_id: &str) -> Option<Arc<Grant>> {
        let grant = self.grants.get(key_id).filter(|grant| self.holds(&grant.cached));
        let counted = if grant.is_some() { &self.hits } else { &self.misses };
        counted.fetch_add(1, Ordering::Relaxed);
        grant
    }

    pub(crate) fn counts(&self) -> CacheCounts {
        CacheCounts {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            forgettings: self.lock().forgettings,
        }
    }

    pub(crate) fn before(&self) -> Before {
        Before(self.lock().forgettings)
    }

    /// Keeps a credential that was read after `before`, unless something was forgotten since.
    pub(crate) fn keep(&self, before: &Before, grant: Grant) -> Arc<Grant> {
        let mut tenants = self.lock();
        if before.0 != tenants.forgettings {
            return Arc::new(grant);
        }
        let id = grant.cached.tenant.id.clone();
        let shared = tenants.cached.get(&id).and_then(Weak::upgrade);
        let grant = match shared.filter(|shared| self.holds(shared)) {
            Some(cached) => grant.sharing(cached),
            None => {
                tenants.insert(id, &grant.cached);
                grant
            }
        };
        let grant = Arc::new(grant);
        self.grants.insert(grant.key_id.clone(), Arc::clone(&grant));
        grant
    }

    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut tenants = self.lock();
        tenants.forgettings += 1;
        if let Some(cached) = tenants.cached.remove(tenant).and_then(|cached| cached.upgrade()) {
            cached.forget();
        }
    }

    pub(crate) fn forget_all(&self) {
        let mut tenants = self.lock();
        tenants.forgettings += 1;
        for cached in tenants.cached.drain().filter_map(|(_, cached)| cached.upgrade()) {
            cached.forget();
        }
    }

    /// How long a tenant may be served as it was read; `None` for as long as it is not forgotten.
    pub(crate) fn limit_time(&self, limit: Option<Duration>) {
        let ms = limit.map_or(0, |limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1));
        self.limit_ms.store(ms, Ordering::Relaxed);
    }

    fn holds(&self, cached: &CachedTenant) -> bool {
        let limit = match self.limit_ms.load(Ordering::Relaxed) {
            0 => None,
            limit => Some(Duration::from_millis(limit)),
        };
        cached.holds(limit)
    }

    fn lock(&self) -> MutexGuard<'_, Tenants> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tenants {
    fn insert(&mut self, id: TenantId, cached: &Arc<CachedTenant>) {
        if self.cached.len() >= self.full {
            self.cached.retain(|_, cached| cached.strong_count() > 0);
            self.full = 2 * self.cached.len() + 64;
        }
        self.cached.insert(id, Arc::downgrade(cached));
    }
}
