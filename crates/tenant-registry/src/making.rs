//! Tenants that are being made now: two creations of one company key exclude each other.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::names::CompanyKey;

/// The company keys of tenants that are being made now. Only this process makes tenants here.
#[derive(Default)]
pub(crate) struct Making(Mutex<HashSet<CompanyKey>>);

/// One of them, until it is dropped.
pub(crate) struct MakingOne<'a>(&'a Making, CompanyKey);

impl Making {
    pub(crate) fn begin(&self, key: &CompanyKey) -> Option<MakingOne<'_>> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key.clone()).then(|| MakingOne(self, key.clone()))
    }
}

impl Drop for MakingOne<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}
