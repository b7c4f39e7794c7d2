//! Finds the moves that no process works on, because theirs has died, and completes or undoes them.

use std::sync::Arc;

use diesel::prelude::*;
use store::{ReadTx, WriteTx};
use tracing::{error, info};

use super::{Move, Settled};
use crate::{
    error::RegistryError,
    leases,
    move_row::MoveRow,
    names::{CompanyKey, RegionCode},
    registry::Registry,
    schema::tenants,
    tenant::{Tenant, find},
};

impl Registry {
    /// Settles interrupted moves. Call it again and again: another process may have died. `region` finds the other regions that this
    /// process serves; a move to one that it does not serve is left to a process that does.
    pub async fn settle_moves(self: &Arc<Self>, region: impl Fn(&RegionCode) -> Option<Arc<Self>>) {
        let left = match self.store.read(leftover).await {
            Ok(left) => left,
            Err(cause) => {
                return error!(region = self.region.as_str(), error = %cause, "interrupted moves could not be looked for");
            }
        };
        for (row, key) in left {
            let target = match &row.to_region {
                None => Some(Arc::clone(self)),
                Some(other) => region(other),
            };
            if let Some(target) = target
                && let Err(cause) = self.settle_one(target, row, key.clone()).await
            {
                let region = self.region.as_str();
                error!(region, key = key.as_str(), error = %cause, "an interrupted move or restoration could not be settled");
            }
        }
    }

    async fn settle_one(
        self: &Arc<Self>,
        target: Arc<Self>,
        row: MoveRow,
        key: CompanyKey,
    ) -> Result<(), RegistryError> {
        let Some(under_way) = self.moving.begin(&row.tenant) else { return Ok(()) };
        let (code, holder, named) = (self.region.clone(), self.holder.clone(), key.clone());
        let take = move |tx: &mut WriteTx<'_>| {
            let tenant: Tenant = find(tx, &code, &named)?;
            Ok(leases::take_over(tx, &tenant, &holder)?.then_some(tenant))
        };
        let Some(tenant) = self.write_registry(take).await? else { return Ok(()) };
        let is_restoration = row.is_restoration();
        let moving = Move::new(self, target, row, key, under_way);
        let settled = if is_restoration {
            let held = self.stores.hold(&moving.from()?).await;
            let restored = self.settle_restoration(&tenant, &held).await;
            restored.map(|restored| restored.map_or(Settled::Undone, Settled::moved))
        } else {
            moving.settle().await
        };
        let (region, key) = (self.region.as_str(), moving.key.as_str());
        match settled {
            Ok(Settled::Moved(_)) => info!(region, key, "an interrupted move or restoration was completed"),
            Ok(Settled::Undone) => info!(region, key, "an interrupted move or restoration was undone"),
            Err(cause) => {
                self.end_lease(&moving.row.tenant).await;
                return Err(cause);
            }
        }
        Ok(())
    }
}

/// The moves without a live lease, each with the tenant's company key.
fn leftover(tx: &mut ReadTx<'_>) -> Result<Vec<(MoveRow, CompanyKey)>, RegistryError> {
    let mut left = Vec::new();
    for row in MoveRow::all(tx)? {
        if leases::is_held(tx, &row.tenant)? {
            continue;
        }
        let key = tenants::table.find(row.tenant.as_str()).select(tenants::company_key);
        let key: String = key.get_result(tx.connection())?;
        left.push((row, CompanyKey::new(&key)?));
    }
    Ok(left)
}
