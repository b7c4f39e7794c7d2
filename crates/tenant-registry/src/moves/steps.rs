//! What follows the copy, and what undoes it. Each step may be repeated, by this process or by another one; each transaction of the
//! registry is this process's only while it has the lease.

use std::sync::Arc;

use diesel::prelude::*;
use serde_json::{Value, json};
use store::{ReadTx, StoreError, WriteTx};

use super::{Move, Settled};
use crate::{
    admin_tokens, credentials, due_times,
    error::RegistryError,
    leases,
    move_row::MoveRow,
    moved,
    names::{RegionCode, TenantId},
    record::TenantRecord,
    registry::{Forgets, Registry},
    schema::{staff_acts, tenants},
    tenant::{Tenant, TenantState, find, record, write_state},
    upgrade::newest,
    verdicts,
};

impl Move {
    /// Completes the move if the source is fenced; otherwise undoes it.
    pub(super) async fn settle(&self) -> Result<Settled, RegistryError> {
        let (row, tenant) = self.look().await?;
        let is_switched = if self.is_abroad() { row.record.is_some() } else { tenant.location == row.to };
        if is_switched {
            return self.finish().await.map(Settled::moved);
        }
        if self.is_fenced().await? {
            return self.go_on().await;
        }
        self.undo().await?;
        Ok(Settled::Undone)
    }

    /// From the fence to the end.
    pub(super) async fn go_on(&self) -> Result<Settled, RegistryError> {
        self.switch().await?;
        self.finish().await.map(Settled::moved)
    }

    async fn look(&self) -> Result<(MoveRow, Tenant), RegistryError> {
        let (region, key, id) = (self.source.region.clone(), self.key.clone(), self.row.tenant.clone());
        let read = move |tx: &mut ReadTx<'_>| {
            Ok::<_, RegistryError>((MoveRow::find(tx, &id)?, find(tx, &region, &key)?))
        };
        let (row, tenant) = self.source.store.read(read).await?;
        Ok((row.ok_or_else(|| self.occupied())?, tenant))
    }

    /// Asks the source itself. Its writers' turn is taken for that, so a fence that is being committed is waited for, and a process
    /// that has lost its lease sets none afterwards.
    async fn is_fenced(&self) -> Result<bool, RegistryError> {
        let (stores, from) = (&self.source.stores, self.from()?);
        let held = match stores.open(&from, self.source.tenant_migrations).await {
            Ok(store) => store.hold(self.source.take_all_turns).await,
            Err(error) => Err(error),
        };
        match held {
            Ok(hold) => {
                hold.let_go().await;
                Ok(false)
            }
            Err(StoreError::Missing | StoreError::Corrupt(_)) => Ok(stores.is_fenced(&from).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// From now on the registry leads to the copy. A tenant that leaves the region leaves it here: its tokens open nothing, and what
    /// the other region needs is in the row of the move.
    async fn switch(&self) -> Result<(), RegistryError> {
        let (source, row, key) = (&self.source, self.row.clone(), self.key.clone());
        let (region, holder) = (source.region.clone(), source.holder.clone());
        let (known, occupied) = (Arc::clone(&source.known), self.occupied().to_string());
        let version = newest(source.tenant_migrations);
        let work = move |tx: &mut WriteTx<'_>| {
            let tenant = find(tx, &region, &key)?;
            if !leases::is_own(tx, &tenant, &holder)? {
                return Err(RegistryError::Store(StoreError::Unavailable(occupied)));
            }
            // What staff have done while it was copied goes along.
            let tenant = find(tx, &region, &tenant.company_key)?;
            let to = json!({ "from": tenant.location, "to": row.to, "to_region": row.to_region });
            record(tx, &tenant, &row.by, MOVED, &to)?;
            match &row.to_region {
                None => {
                    let (cell, schema) = row.to.columns();
                    let values = (
                        tenants::cell.eq(cell),
                        tenants::schema.eq(schema),
                        tenants::store_version.eq(version),
                    );
                    diesel::update(tenants::table.find(tenant.id.as_str()))
                        .set(values)
                        .execute(tx.connection())?;
                }
                Some(other) => {
                    let record = TenantRecord::read(tx, &tenant.company_key)?;
                    let gone = || RegistryError::Damaged(format!("tenant {} is being deleted", tenant.id));
                    MoveRow::hand_over(tx, &row.tenant, &record.ok_or_else(gone)?)?;
                    moved::keep(tx, &tenant, other)?;
                    credentials::forget_tenant(tx, &tenant)?;
                    admin_tokens::forget_tenant(tx, &tenant)?;
                    write_state(tx, &tenant, TenantState::Deleting)?;
                }
            }
            Ok(Forgets { known, tenant: tenant.id })
        };
        drop(source.write_registry(work).await?);
        Ok(())
    }

    /// Lets the other region serve the tenant, if it goes to one, and removes what is left at the source.
    async fn finish(&self) -> Result<Tenant, RegistryError> {
        let (row, _) = self.look().await?;
        if let Some(record) = row.record {
            self.target.welcome(record, &self.source.region, row.by).await?;
        }
        self.source.stores.destroy(&self.from()?).await?;
        let (id, is_abroad, holder) = (row.tenant, self.is_abroad(), self.source.holder.clone());
        let work = move |tx: &mut WriteTx<'_>| {
            if !leases::end(tx, &id, &holder)? {
                return Ok(());
            }
            MoveRow::remove(tx, &id)?;
            if is_abroad {
                due_times::forget(tx, &id)?;
                verdicts::forget(tx, &id)?;
                diesel::delete(tenants::table.find(id.as_str())).execute(tx.connection())?;
            }
            Ok(())
        };
        self.source.write_registry(work).await?;
        self.target.tenant(&self.key).await
    }

    async fn undo(&self) -> Result<(), RegistryError> {
        self.source.stores.destroy(&self.to()?).await?;
        if self.is_abroad() {
            self.target.expect_no_more(&self.row.tenant).await?;
        }
        self.source.forget_move(&self.row.tenant).await
    }

    pub(super) async fn require_lease(&self) -> Result<(), RegistryError> {
        let (region, key) = (self.source.region.clone(), self.key.clone());
        let (holder, occupied) = (self.source.holder.clone(), self.occupied());
        let work = move |tx: &mut WriteTx<'_>| {
            let tenant = find(tx, &region, &key)?;
            leases::is_own(tx, &tenant, &holder)
        };
        if self.source.write_registry(work).await? { Ok(()) } else { Err(occupied) }
    }
}

/// The act, as the list of staff's acts has it.
const MOVED: &str = "tenant.moved";

impl Registry {
    /// Removes the row of a move or a restoration that was undone, with this process's lease, if it has it still.
    pub(crate) async fn forget_move(&self, tenant: &TenantId) -> Result<(), RegistryError> {
        let (id, holder) = (tenant.clone(), self.holder.clone());
        let forget = move |tx: &mut WriteTx<'_>| {
            if leases::end(tx, &id, &holder)? {
                MoveRow::remove(tx, &id)?;
            }
            Ok(())
        };
        self.write_registry(forget).await
    }

    /// Whether this tenant went from here to that region.
    pub(super) async fn has_sent(&self, tenant: &TenantId, to: &RegionCode) -> Result<bool, RegistryError> {
        let acts = staff_acts::table
            .filter(staff_acts::tenant_id.eq(tenant.to_string()).and(staff_acts::act.eq(MOVED)))
            .select(staff_acts::detail);
        let acts: Vec<String> =
            self.store.read(move |tx| Ok::<_, RegistryError>(acts.load(tx.connection())?)).await?;
        let leads_there = |detail: &String| {
            let detail: Option<Value> = serde_json::from_str(detail).ok();
            detail.is_some_and(|detail| detail.get("to_region").is_some_and(|code| code == to.as_str()))
        };
        Ok(acts.iter().any(leads_there))
    }
}
