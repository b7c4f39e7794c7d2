//! The figures of a tenant that operators' metrics show.

use std::collections::BTreeMap;

use diesel::{dsl::sql, prelude::*, sql_types::BigInt};
use serde::{Deserialize, Serialize};
use store::{ReadTx, WriteTx};

use crate::{
    error::RegistryError,
    names::TenantId,
    registry::Registry,
    schema::{seat_figures, verdicts},
};

/// Casts, because PostgreSQL's sum of bigint is numeric.
const USED: &str = "CAST(COALESCE(SUM(used), 0) AS BIGINT)";
const QUOTA: &str = "CAST(COALESCE(SUM(quota), 0) AS BIGINT)";
const WAITING: &str = "CAST(COALESCE(SUM(waiting), 0) AS BIGINT)";
const HELD: &str = "CAST(COALESCE(SUM(held), 0) AS BIGINT)";

/// A recount is overdue after so long, of a tenant that was written since.
const RECOUNT_MS: i64 = 3_600_000;

/// What nobody searches for. Times are in milliseconds since 1970 UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// The last call of each identity provider, by its word.
    pub last_calls_ms: BTreeMap<String, i64>,
    /// The usual pause between two calls.
    pub gap_ms: Option<i64>,
    /// How near Entra's line of quarantine the tenant is; 1 is the line.
    pub quarantine_risk: f64,
}

/// The seats of one license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatFigures {
    /// The license.
    pub license: String,
    /// Seats in use.
    pub used: i64,
    /// Seats in force; `None` is unlimited.
    pub quota: Option<i64>,
    /// People who wait.
    pub waiting: i64,
    /// Operations refused for want of one, of all time.
    pub refused: i64,
    /// Days until the last one is taken.
    pub days_left: Option<i64>,
}

/// When the seats of a tenant were recounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recount {
    /// In milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Whether they added up.
    pub adds_up: bool,
}

impl Recount {
    /// Whether another one is due.
    #[must_use]
    pub fn is_due(recount: Option<Self>, now_ms: i64) -> bool {
        recount.is_none_or(|recount| now_ms.saturating_sub(recount.at_ms) >= RECOUNT_MS)
    }
}

/// Sums over the tenants of a region.
#[derive(Clone, Debug, Default)]
pub struct RegionSums {
    /// By license: seats in use, seats in force of those with a limit, people who wait.
    pub seats: Vec<SeatSums>,
    /// Losses of access that breakers hold.
    pub held: i64,
    /// Tenants whose seats did not add up.
    pub imbalanced: i64,
    /// The oldest recount that is overdue, in milliseconds since 1970 UTC.
    pub overdue_ms: Option<i64>,
}

/// Sums of one license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatSums {
    /// The license.
    pub license: String,
    /// Seats in use.
    pub used: i64,
    /// Seats in force, of tenants with a limit.
    pub limit: i64,
    /// People who wait.
    pub waiting: i64,
}

impl Registry {
    /// Sums over all tenants, as of their last looks.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sums(&self) -> Result<RegionSums, RegistryError> {
        self.store.read(sums).await
    }
}

fn sums(tx: &mut ReadTx<'_>) -> Result<RegionSums, RegistryError> {
    let seats: Vec<(String, i64, i64, i64)> = seat_figures::table
        .group_by(seat_figures::license)
        .order(seat_figures::license)
        .select((seat_figures::license, sql::<BigInt>(USED), sql::<BigInt>(QUOTA), sql::<BigInt>(WAITING)))
        .load(tx.connection())?;
    let seat_sums = |(license, used, limit, waiting)| SeatSums { license, used, limit, waiting };
    let held = verdicts::table.select(sql::<BigInt>(HELD)).get_result(tx.connection())?;
    let imbalanced = verdicts::table.filter(verdicts::adds_up.eq(0)).count().get_result(tx.connection())?;
    let overdue_ms = verdicts::table
        .filter(verdicts::recounted_ms.le((verdicts::written_ms - RECOUNT_MS).nullable()))
        .select(diesel::dsl::min(verdicts::recounted_ms))
        .get_result(tx.connection())?;
    Ok(RegionSums { seats: seats.into_iter().map(seat_sums).collect(), held, imbalanced, overdue_ms })
}

/// Writes the seats of a tenant.
pub(crate) fn write_seats(
    tx: &mut WriteTx<'_>,
    tenant: &TenantId,
    seats: &[SeatFigures],
) -> Result<(), RegistryError> {
    forget(tx, tenant)?;
    let rows: Vec<_> = seats
        .iter()
        .map(|seats| {
            (
                seat_figures::tenant_id.eq(tenant.as_str()),
                seat_figures::license.eq(&seats.license),
                seat_figures::used.eq(seats.used),
                seat_figures::quota.eq(seats.quota),
                seat_figures::waiting.eq(seats.waiting),
                seat_figures::refused.eq(seats.refused),
                seat_figures::days_left.eq(seats.days_left),
            )
        })
        .collect();
    for row in rows {
        diesel::insert_into(seat_figures::table).values(row).execute(tx.connection())?;
    }
    Ok(())
}

/// The seats of these tenants, by tenant.
pub(crate) fn seats_of(
    tx: &mut ReadTx<'_>,
    ids: &[&str],
) -> Result<BTreeMap<String, Vec<SeatFigures>>, RegistryError> {
    type Row = (String, String, i64, Option<i64>, i64, i64, Option<i64>);
    let rows: Vec<Row> = seat_figures::table
        .filter(seat_figures::tenant_id.eq_any(ids))
        .order((seat_figures::tenant_id, seat_figures::license))
        .load(tx.connection())?;
    let mut seats: BTreeMap<String, Vec<SeatFigures>> = BTreeMap::new();
    for (id, license, used, quota, waiting, refused, days_left) in rows {
        let of_tenant = seats.entry(id).or_default();
        of_tenant.push(SeatFigures { license, used, quota, waiting, refused, days_left });
    }
    Ok(seats)
}

pub(crate) fn forget(tx: &mut WriteTx<'_>, tenant: &TenantId) -> Result<(), RegistryError> {
    let own = seat_figures::table.filter(seat_figures::tenant_id.eq(tenant.as_str()));
    diesel::delete(own).execute(tx.connection())?;
    Ok(())
}
