//! Leases: which process makes, deletes or moves a tenant. While a process holds the lease it renews it; when it has died, the lease
//! ends, and any process may complete or undo what it left.

use std::time::Duration;

use diesel::{prelude::*, sql_types::BigInt};
use store::{ReadTx, Store, StoreConnection, WriteTx};
use tracing::warn;

use crate::{
    error::RegistryError,
    move_row::is_moving,
    names::{CompanyKey, TenantId},
    schema::{leases, moves, tenants},
    tenant::{Tenant, TenantState, take_turn},
};

/// A lease that is not renewed ends after so long.
const LASTS_MS: i64 = 10_000;

/// The lease of a tenant that comes from another region does not end by itself.
const NEVER_MS: i64 = i64::MAX;

/// The holder of such a lease.
const ANOTHER_REGION: &str = "another region";

/// How often the holder renews it.
const RENEWED_EVERY: Duration = Duration::from_secs(3);

/// Renews a lease until it is dropped. It does not end the lease: the transaction that completes the work does.
pub(crate) struct Renewal(tokio::task::JoinHandle<()>);

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Keeps the lease of this holder from ending.
pub(crate) fn renew(store: &Store, tenant: &TenantId, holder: &str) -> Renewal {
    let (store, tenant, holder) = (store.clone(), tenant.to_string(), holder.to_owned());
    Renewal(tokio::spawn(async move {
        loop {
            tokio::time::sleep(RENEWED_EVERY).await;
            let (tenant, holder) = (tenant.clone(), holder.clone());
            let work = move |tx: &mut WriteTx<'_>| {
                let until = now_ms(tx)? + LASTS_MS;
                let own = leases::table.find(tenant).filter(leases::holder.eq(holder));
                diesel::update(own).set(leases::until_ms.eq(until)).execute(tx.connection())?;
                Ok::<_, RegistryError>(())
            };
            if let Err(error) = store.write_urgently(work).await {
                warn!(%error, "a lease could not be renewed");
            }
        }
    }))
}

/// Takes the lease of a tenant; false when another act holds it, or a move that is to be settled first.
pub(crate) fn take(tx: &mut WriteTx<'_>, tenant: &Tenant, holder: &str) -> Result<bool, RegistryError> {
    take_turn(tx, &tenant.company_key)?;
    Ok(!is_moving(tx, &tenant.id)? && take_over(tx, tenant, holder)?)
}

/// The same for who settles the move.
pub(crate) fn take_over(tx: &mut WriteTx<'_>, tenant: &Tenant, holder: &str) -> Result<bool, RegistryError> {
    take_turn(tx, &tenant.company_key)?;
    let now = now_ms(tx)?;
    if is_held_at(tx, &tenant.id, now)? {
        return Ok(false);
    }
    diesel::delete(leases::table.find(tenant.id.as_str())).execute(tx.connection())?;
    let row = (
        leases::tenant_id.eq(tenant.id.as_str()),
        leases::holder.eq(holder),
        leases::until_ms.eq(now + LASTS_MS),
    );
    diesel::insert_into(leases::table).values(row).execute(tx.connection())?;
    Ok(true)
}

/// Whether a process works on the tenant.
pub(crate) fn is_held(tx: &mut ReadTx<'_>, tenant: &TenantId) -> Result<bool, RegistryError> {
    let now = now_ms(tx)?;
    is_held_at(tx, tenant, now)
}

fn is_held_at(tx: &mut ReadTx<'_>, tenant: &TenantId, now_ms: i64) -> Result<bool, RegistryError> {
    let live = leases::table.find(tenant.as_str()).filter(leases::until_ms.gt(now_ms)).count();
    Ok(live.get_result::<i64>(tx.connection())? > 0)
}

/// Whether this holder has the lease still; if so, nobody else gets it before this transaction ends.
pub(crate) fn is_own(tx: &mut WriteTx<'_>, tenant: &Tenant, holder: &str) -> Result<bool, RegistryError> {
    take_turn(tx, &tenant.company_key)?;
    let own = leases::table.find(tenant.id.as_str()).filter(leases::holder.eq(holder)).count();
    Ok(own.get_result::<i64>(tx.connection())? > 0)
}

/// Keeps everybody here from a tenant that comes from another region, which alone decides what becomes of it.
pub(crate) fn reserve(tx: &mut WriteTx<'_>, tenant: &TenantId) -> Result<(), RegistryError> {
    let row = (
        leases::tenant_id.eq(tenant.as_str()),
        leases::holder.eq(ANOTHER_REGION),
        leases::until_ms.eq(NEVER_MS),
    );
    diesel::insert_into(leases::table).values(row).execute(tx.connection())?;
    Ok(())
}

/// Ends that; false when it had ended before.
pub(crate) fn end_reserved(tx: &mut WriteTx<'_>, tenant: &TenantId) -> Result<bool, RegistryError> {
    end(tx, tenant, ANOTHER_REGION)
}

/// Ends this holder's lease; false when it had ended before, and another process may have begun.
pub(crate) fn end(tx: &mut WriteTx<'_>, tenant: &TenantId, holder: &str) -> Result<bool, RegistryError> {
    let own = leases::table.find(tenant.as_str()).filter(leases::holder.eq(holder));
    Ok(diesel::delete(own).execute(tx.connection())? == 1)
}

/// Whether there is any lease of a process, live or not.
pub(crate) fn are_there(tx: &mut ReadTx<'_>) -> Result<bool, RegistryError> {
    Ok(leases::table.filter(leases::until_ms.ne(NEVER_MS)).count().get_result::<i64>(tx.connection())? > 0)
}

/// Ends all leases of processes: of a registry that one process has for itself, at its start.
pub(crate) fn end_all(tx: &mut WriteTx<'_>) -> Result<(), RegistryError> {
    diesel::delete(leases::table.filter(leases::until_ms.ne(NEVER_MS))).execute(tx.connection())?;
    Ok(())
}

/// The tenants whose creation or deletion is not complete and that no process works on. Those on their way to another region are not
/// among them.
pub(crate) fn abandoned(tx: &mut ReadTx<'_>) -> Result<Vec<CompanyKey>, RegistryError> {
    let now = now_ms(tx)?;
    let held = leases::table.filter(leases::until_ms.gt(now)).select(leases::tenant_id);
    let moving = moves::table.select(moves::tenant_id);
    let left = tenants::table
        .filter(tenants::state.eq(TenantState::Deleting.key()))
        .filter(tenants::id.ne_all(held).and(tenants::id.ne_all(moving)))
        .select(tenants::company_key);
    let keys: Vec<String> = left.load(tx.connection())?;
    keys.iter().map(|key| Ok(CompanyKey::new(key)?)).collect()
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = BigInt)]
    ms: i64,
}

/// The time by which leases end, in milliseconds since 1970 UTC: the server's on PostgreSQL, because the clocks of two processes differ.
pub(crate) fn now_ms(tx: &mut ReadTx<'_>) -> Result<i64, RegistryError> {
    let sql = match tx.connection() {
        StoreConnection::Sqlite(_) => "SELECT CAST(1000 * unixepoch('now', 'subsec') AS INTEGER) AS ms",
        StoreConnection::Postgres(_) => "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT AS ms",
    };
    let now: Now = diesel::sql_query(sql).get_result(tx.connection())?;
    Ok(now.ms)
}
