//! A tenant as it was read, and whether that still holds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::tenant::Tenant;

/// One value of a tenant, shared by all its credentials in memory.
#[derive(Debug)]
pub(crate) struct CachedTenant {
    pub(crate) tenant: Arc<Tenant>,
    forgotten: AtomicBool,
    read: Instant,
}

impl CachedTenant {
    pub(crate) fn new(tenant: Tenant) -> Self {
        Self { tenant: Arc::new(tenant), forgotten: AtomicBool::new(false), read: Instant::now() }
    }

    /// From now on it must be read again.
    pub(crate) fn forget(&self) {
        self.forgotten.store(true, Ordering::Release);
    }

    /// Whether it may be served: it was not forgotten, and was read no longer ago than the limit.
    pub(crate) fn holds(&self, limit: Option<Duration>) -> bool {
        limit.is_none_or(|limit| self.read.elapsed() < limit) && !self.forgotten.load(Ordering::Acquire)
    }
}
