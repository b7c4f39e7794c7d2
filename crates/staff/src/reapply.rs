//! Reading everybody's role again by the profile that holds now, for real or to see what it would do.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use provisioning::{
    Rules,
    reapply::{self, Reapplied},
};
use store::{StoreError, WriteTx};

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
            let done = reapply::run(tx, &rules, &act, &far).map_err(|error| Ended::Failed(error.into()))?;
            if is_dry { Err(Ended::Dry(done)) } else { Ok(done) }
        };
        match self.registry.write_as_staff(&self.tenant().await?, Ended::is_full, work).await {
            Ok(done) | Err(Ended::Dry(done)) => Ok(done),
            Err(Ended::Failed(error)) => Err(error),
        }
    }
}

/// How a transaction ends that is undone.
#[derive(Debug)]
enum Ended {
    /// It was a dry run.
    Dry(Reapplied),
    /// It failed.
    Failed(StaffError),
}

impl Ended {
    fn is_full(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_full())
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
