//! What the tick asks the registry: of which tenants something is due, and whether this process is the one that ticks. And how a
//! transaction leaves something for it.

use std::time::{Instant, SystemTime};

use diesel::prelude::*;
use store::{StoreError, WriteTx};

use crate::{
    due_times::{self, DueGuard, DueTenant, Noted, SETTLES_MS},
    error::RegistryError,
    leases::now_ms,
    names::TenantId,
    registry::Registry,
    schema::{due_times as rows, tick},
};

/// A lease that is not taken again ends after so long: longer than one tenant should take.
const LASTS_MS: i64 = 60_000;

/// Tries of a transaction whose row is not there: the first one that fails for it writes the row.
const TRIES: usize = 3;

impl Registry {
    /// Runs a transaction of a tenant's store that asks the guard at its end; again where the registry had to be told first when
    /// something falls due.
    ///
    /// # Errors
    /// The transaction's own, or the store's when the registry cannot be told.
    pub async fn write_noting<T, E: From<StoreError>>(
        &self,
        tenant: &TenantId,
        mut write: impl AsyncFnMut(DueGuard) -> Result<T, E>,
    ) -> Result<T, E> {
        for _ in 1..TRIES {
            let guard = DueGuard::new(&self.due_times, tenant);
            let written = write(guard.clone()).await;
            match guard.missing() {
                Some(at_ms) if written.is_err() => self.note_due(tenant, at_ms).await?,
                _ => return written,
            }
        }
        write(DueGuard::new(&self.due_times, tenant)).await
    }

    /// When the first thing falls due that the transaction leaves to be done, if the registry must be told of it before the commit.
    pub fn unnoted(&self, tenant: &TenantId, tx: &WriteTx<'_>) -> Option<i64> {
        self.due_times.unnoted(tenant, tx)
    }

    /// Makes sure that the tick looks at a tenant's store at this moment or before. Returns after it is on disk.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_due(&self, tenant: &TenantId, at_ms: i64) -> Result<(), StoreError> {
        let (id, at, wall) = (tenant.clone(), Instant::now(), SystemTime::now());
        let work = move |tx: &mut WriteTx<'_>| {
            let now_ms = now_ms(tx)?;
            due_times::note(tx, &id, at_ms, now_ms)?;
            let row = rows::table.find(id.as_str()).select(rows::due_ms);
            Ok(row.get_result(tx.connection())?)
        };
        let due_ms = self.store.write_urgently(work).await.map_err(RegistryError::into_store)?;
        self.due_times.remember(tenant.clone(), Noted { due_ms, at, wall });
        Ok(())
    }

    /// Tenants that are served and of which something may be due now, in the order of their ids, after this one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn due_tenants(
        &self,
        after: Option<&TenantId>,
        most: i64,
    ) -> Result<Vec<DueTenant>, RegistryError> {
        let (region, now) = (self.region.clone(), self.now_ms());
        let after = after.map_or_else(String::new, TenantId::to_string);
        self.store.read(move |tx| due_times::due_by(tx, &region, now, &after, most)).await
    }

    /// After the tick has looked: from now on it looks again when the next thing falls due.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_next_due(&self, of: &DueTenant, next_ms: Option<i64>) -> Result<(), RegistryError> {
        let (id, before) = (of.tenant.id.clone(), of.due_ms);
        let work = move |tx: &mut WriteTx<'_>| {
            let settled = now_ms(tx)? - SETTLES_MS;
            let row = rows::table
                .filter(rows::tenant_id.eq(id.as_str()))
                .filter(rows::due_ms.eq(before))
                .filter(rows::noted_ms.lt(settled));
            match next_ms {
                Some(at_ms) => diesel::update(row).set(rows::due_ms.eq(at_ms)).execute(tx.connection())?,
                None => diesel::delete(row).execute(tx.connection())?,
            };
            Ok(())
        };
        self.store.write(work).await
    }

    /// Takes the lease, or keeps it for longer; false while another process has it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_tick(&self) -> Result<bool, RegistryError> {
        let holder = self.holder.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            let now = now_ms(tx)?;
            let free = tick::holder.eq(holder.clone()).or(tick::until_ms.le(now));
            let taken = (tick::holder.eq(&holder), tick::until_ms.eq(now + LASTS_MS));
            let row = diesel::update(tick::table.filter(free)).set(taken);
            Ok(row.execute(tx.connection())? == 1)
        };
        self.store.write_urgently(work).await
    }

    /// Lets another process tick.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_tick(&self) -> Result<(), RegistryError> {
        let holder = self.holder.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            let own = tick::table.filter(tick::holder.eq(holder));
            diesel::update(own).set(tick::until_ms.eq(0_i64)).execute(tx.connection())?;
            Ok(())
        };
        self.store.write_urgently(work).await
    }
}
