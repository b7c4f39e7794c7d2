//! Reading everybody's role again by the profile that holds now, for real or to see what it would do.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use provisioning::{
    Rules,
    reapply::{self, Reapplied},
};
use store::WriteTx;

use crate::{StaffError, TenantActs};

/// How far it is.
#[derive(Debug, Default)]
pub struct ReapplyProgress {
    read: AtomicI64,
    people: AtomicI64,
}

impl ReapplyProgress {
    /// People whose role was read.
    #[must_use]
    pub fn read(&self) -> i64 {
        self.read.load(Ordering::Relaxed)
    }

    /// People there are; 0 while it is not known.
    #[must_use]
    pub fn people(&self) -> i64 {
        self.people.load(Ordering::Relaxed)
    }
}

impl TenantActs {
    /// Reads all roles again and moves seats, in one transaction; a dry run ends by undoing it.
    pub async fn reapply(
        &self,
        rules: Arc<Rules>,
        is_dry: bool,
        progress: Arc<ReapplyProgress>,
    ) -> Result<Reapplied, StaffError> {
        let act = self.act.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            let far = |read, people| {
                progress.read.store(read, Ordering::Relaxed);
                progress.people.store(people, Ordering::Relaxed);
            };
            reapply::run(tx, &rules, &act, &far)
        };
        self.write_or_try(is_dry, work).await
    }
}
