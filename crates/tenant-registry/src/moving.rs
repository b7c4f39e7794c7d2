//! The tenants that this process moves.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use crate::names::TenantId;

/// Tenants that this process moves: whoever looks for interrupted moves leaves them alone, even when their leases have ended because
/// the process was stopped for a while.
#[derive(Clone, Default)]
pub(crate) struct Moving(Arc<Mutex<HashSet<TenantId>>>);

pub(crate) struct UnderWay {
    moving: Moving,
    tenant: TenantId,
}

impl Moving {
    pub(crate) fn begin(&self, tenant: &TenantId) -> Option<UnderWay> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone());
        is_new.then(|| UnderWay { moving: self.clone(), tenant: tenant.clone() })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.moving.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tenant);
    }
}
