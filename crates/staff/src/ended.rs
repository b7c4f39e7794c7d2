//! One long act in one transaction, for real or to see what it would do: a dry run ends by undoing it.

use provisioning::ProvisioningError;
use store::{StoreError, WriteTx};

use crate::{StaffError, TenantActs};

impl TenantActs {
    /// Runs work in a transaction, and undoes it if it is a dry run; what the work has found out is returned.
    pub(crate) async fn write_or_try<T: Send + 'static>(
        &self,
        is_dry: bool,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, ProvisioningError> + Clone + Send + 'static,
    ) -> Result<T, StaffError> {
        let work = move |tx: &mut WriteTx<'_>| {
            let done = work(tx).map_err(|error| Ended::Failed(error.into()))?;
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
enum Ended<T> {
    /// It was a dry run.
    Dry(T),
    /// It failed.
    Failed(StaffError),
}

impl<T> Ended<T> {
    fn is_full(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_full())
    }
}

impl<T> From<StoreError> for Ended<T> {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
