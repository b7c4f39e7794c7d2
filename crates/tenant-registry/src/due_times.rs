//! When something in a tenant's store falls due, so that the tick opens no other store. The row is written before the transaction that
//! leaves the due thing commits: after a crash between the two the tick looks once for nothing, and never misses anything.
//!
//! A writer relies on a row for [`RELIED_ON`] without writing it again; the tick leaves a row alone for [`SETTLES_MS`] after it was
//! written, which is longer than that and the longest transaction together. So no tick takes a row away from under a writer, whatever
//! process each is in.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
};
use store::{ReadTx, StoreError, WriteTx};

use crate::{
    error::RegistryError,
    names::{RegionCode, TenantId},
    schema::{due_times, tenants},
    tenant::{self, Tenant, TenantState},
};

/// How long a writer relies on a row.
const RELIED_ON: Duration = Duration::from_secs(300);

/// How long the tick leaves a row as it is after a writer has written it.
pub(crate) const SETTLES_MS: i64 = 600_000;

/// Tenants of which this process has written rows, at the most; the others' are written again.
const REMEMBERED: usize = 20_000;

/// What this process knows of the rows.
#[derive(Default)]
pub(crate) struct DueTimes(Mutex<HashMap<TenantId, Noted>>);

/// A row that this process has written.
#[derive(Clone, Copy)]
pub(crate) struct Noted {
    pub(crate) due_ms: i64,
    pub(crate) at: Instant,
    /// The same by the machine's clock, which the tick settles by, and which may be set forward meanwhile.
    pub(crate) wall: SystemTime,
}

impl Noted {
    /// Whether the tick still leaves the row as it is.
    fn may_be_relied_on(&self) -> bool {
        // A clock that was set back makes the tick wait longer.
        self.at.elapsed() < RELIED_ON && self.wall.elapsed().map_or(true, |elapsed| elapsed < RELIED_ON)
    }
}

impl DueTimes {
    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Noted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the transaction leaves to be done, if no row that may be relied on tells of it.
    pub(crate) fn unnoted(&self, tenant: &TenantId, tx: &WriteTx<'_>) -> Option<i64> {
        tx.due_ms().filter(|at_ms| !self.covers(tenant, *at_ms))
    }

    fn covers(&self, tenant: &TenantId, at_ms: i64) -> bool {
        self.lock().get(tenant).is_some_and(|noted| noted.due_ms <= at_ms && noted.may_be_relied_on())
    }

    pub(crate) fn remember(&self, tenant: TenantId, noted: Noted) {
        let mut known = self.lock();
        if known.len() >= REMEMBERED {
            known.retain(|_, noted| noted.may_be_relied_on());
        }
        if known.len() < REMEMBERED {
            known.insert(tenant, noted);
        }
    }
}

/// Stands for "nothing is missing".
const NOTHING: i64 = i64::MAX;

/// Asked at the end of each transaction of a tenant whether what it leaves to be done later will be looked after.
#[derive(Clone)]
pub struct DueGuard {
    known: Arc<DueTimes>,
    tenant: TenantId,
    missing: Arc<AtomicI64>,
}

impl DueGuard {
    pub(crate) fn new(known: &Arc<DueTimes>, tenant: &TenantId) -> Self {
        let missing = Arc::new(AtomicI64::new(NOTHING));
        Self { known: Arc::clone(known), tenant: tenant.clone(), missing }
    }

    /// Lets a transaction commit that leaves nothing to be done, or of which the registry knows.
    ///
    /// # Errors
    /// `Busy`: nothing may be committed yet. `Registry::write_noting` writes the row and runs the transaction again.
    pub fn admit(&self, tx: &WriteTx<'_>) -> Result<(), StoreError> {
        let Some(at_ms) = self.known.unnoted(&self.tenant, tx) else { return Ok(()) };
        self.missing.store(at_ms, Ordering::Release);
        Err(StoreError::Busy)
    }

    pub(crate) fn missing(&self) -> Option<i64> {
        Some(self.missing.load(Ordering::Acquire)).filter(|at_ms| *at_ms != NOTHING)
    }
}

/// One tenant that the tick is to look at.
#[derive(Clone, Debug)]
pub struct DueTenant {
    /// Which one.
    pub tenant: Tenant,
    pub(crate) due_ms: i64,
}

/// Tenants that are served and of which something may be due now.
pub(crate) fn due_by(
    tx: &mut ReadTx<'_>,
    region: &RegionCode,
    now_ms: i64,
    after: &str,
    most: i64,
) -> Result<Vec<DueTenant>, RegistryError> {
    let rows: Vec<(i64, tenant::Row)> = due_times::table
        .inner_join(tenants::table)
        .filter(due_times::due_ms.le(now_ms))
        .filter(due_times::tenant_id.gt(after))
        .filter(tenants::state.eq(TenantState::Active.key()))
        .order(due_times::tenant_id)
        .limit(most)
        .select((due_times::due_ms, tenants::all_columns))
        .load(tx.connection())?;
    let due = |(due_ms, row)| Ok(DueTenant { tenant: Tenant::of_row(region, row)?, due_ms });
    rows.into_iter().map(due).collect()
}

/// The tick looks at a tenant soon: its store, or how it is read, is another one now.
pub(crate) fn look_soon(tx: &mut WriteTx<'_>, tenant: &TenantId) -> Result<(), RegistryError> {
    let at_ms = tx.now_ms();
    // No writer relies on it.
    note(tx, tenant, at_ms, 0)
}

pub(crate) fn note(
    tx: &mut WriteTx<'_>,
    tenant: &TenantId,
    at_ms: i64,
    noted_ms: i64,
) -> Result<(), RegistryError> {
    let upsert =
        sql_query(NOTE).bind::<Text, _>(tenant.as_str()).bind::<BigInt, _>(at_ms).bind::<BigInt, _>(noted_ms);
    upsert.execute(tx.connection())?;
    Ok(())
}

/// The earlier time and the later note stay.
const NOTE: &str = "INSERT INTO due_times (tenant_id, due_ms, noted_ms) VALUES ($1, $2, $3) \
    ON CONFLICT (tenant_id) DO UPDATE SET \
    due_ms = CASE WHEN due_times.due_ms < excluded.due_ms THEN due_times.due_ms ELSE excluded.due_ms END, \
    noted_ms = CASE WHEN due_times.noted_ms > excluded.noted_ms THEN due_times.noted_ms ELSE excluded.noted_ms END";

/// Forgets a tenant that is gone.
pub(crate) fn forget(tx: &mut WriteTx<'_>, tenant: &TenantId) -> Result<(), RegistryError> {
    diesel::delete(due_times::table.find(tenant.as_str())).execute(tx.connection())?;
    Ok(())
}
