//! A table of people beside a tenant's: what its rows would do, and in what they differ.

use std::{
    fs::File,
    io::{BufReader, Seek as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use provisioning::{
    ProvisioningError, RequestContext, Rules, TENANT_LOGS,
    preview::{Counts, RefusedRow, Trial},
    reconcile::{self, Reconciled},
    table::Table,
};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{ReadTx, StoreError, in_background};

use crate::{StaffError, TenantActs};

/// How many rows were tried.
#[derive(Debug, Default)]
pub struct PreviewProgress(AtomicU64);

impl PreviewProgress {
    /// Rows that were tried.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a table would do.
#[derive(Clone, Debug, Serialize)]
pub struct Previewed<P> {
    /// By what the rows would do.
    #[serde(flatten)]
    pub counts: Counts,
    /// The seats of each license, before and after.
    pub licenses: Map<String, Value>,
    /// Refused rows, in their order.
    pub problems: Vec<P>,
}

/// A table to be tried.
pub struct PreviewRequest {
    /// As it was received.
    pub table: File,
    /// Of the identity provider that would send it.
    pub context: RequestContext,
    /// After so many refusals for want of a seat nobody is refused; 0 is never.
    pub refusals_before_hold: i64,
    /// How far it is.
    pub progress: Arc<PreviewProgress>,
}

impl TenantActs {
    /// Writes each row into a copy of the tenant's store, which is thrown away. `describe` says what is told of a refused row, if
    /// anything is.
    ///
    /// # Errors
    /// 400 for a header that names no columns; or the store's.
    pub async fn preview<P: Send + 'static>(
        &self,
        request: PreviewRequest,
        mut describe: impl FnMut(RefusedRow) -> Option<P> + Send + 'static,
    ) -> Result<Previewed<P>, StaffError> {
        let PreviewRequest { table, context, refusals_before_hold, progress } = request;
        let mut table = open(table, Arc::clone(&context.rules)).await?;
        let mut scratch = self.registry.scratch(&self.tenant().await?, TENANT_LOGS).await?;
        in_background(move || {
            let mut problems = Vec::new();
            let far = |rows| progress.0.store(rows, Ordering::Relaxed);
            let trial = Trial { context: &context, refusals_before_hold, progress: &far };
            let (counts, licenses) =
                trial.run(&mut scratch, &mut table, |refused| problems.extend(describe(refused)))?;
            Ok(Previewed { counts, licenses, problems })
        })
        .await
    }

    /// Compares the tenant's people with a table.
    ///
    /// # Errors
    /// 400 for a header that names no columns; or the store's.
    pub async fn reconcile(&self, rules: Arc<Rules>, table: File) -> Result<Reconciled, StaffError> {
        let table = open(table, Arc::clone(&rules)).await?;
        let store = self.registry.store_of(&self.tenant().await?).await?;
        let compare = move |tx: &mut ReadTx<'_>| reconcile::run(tx, &rules, table);
        Ok(store.in_background().read(compare).await?)
    }
}

async fn open(mut file: File, rules: Arc<Rules>) -> Result<Table<BufReader<File>>, StaffError> {
    in_background(move || {
        file.rewind().map_err(|error| StoreError::of_file("the file of a table", &error))?;
        Ok(Table::open(BufReader::new(file), &rules).map_err(ProvisioningError::from)?)
    })
    .await
}
