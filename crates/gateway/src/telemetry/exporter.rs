//! Which regions this process tells of in its metrics, where several processes serve them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tenant_registry::{RegionCode, Registry};

/// The lease is asked for again after so long; it lasts three times as long.
const AGAIN: Duration = Duration::from_secs(60);

/// The leases of this process.
#[derive(Default)]
pub(crate) struct Exporter {
    /// When each was taken last.
    taken: Mutex<HashMap<RegionCode, Instant>>,
}

impl Exporter {
    /// Whether this process tells of the region's tenants. A registry in a file belongs to one process, which needs no lease.
    pub(crate) async fn tells_of(&self, registry: &Registry) -> bool {
        if registry.is_file() {
            return true;
        }
        let region = registry.region();
        let is_fresh = self.lock().get(region).is_some_and(|taken| taken.elapsed() < AGAIN);
        if is_fresh {
            return true;
        }
        let taken = registry.is_exporter().await.unwrap_or(false);
        if taken {
            self.lock().insert(region.clone(), Instant::now());
        } else {
            self.lock().remove(region);
        }
        taken
    }

    /// Gives the lease of a region back, if this process has it.
    pub(crate) async fn end(&self, registry: &Registry) {
        if self.lock().remove(registry.region()).is_some() {
            // It ends by itself where that fails.
            let _given_back = registry.give_exporter_back().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RegionCode, Instant>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
