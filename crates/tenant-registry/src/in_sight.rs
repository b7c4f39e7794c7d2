//! Which tenants operators' metrics show, and which process shows them.

use std::collections::BTreeSet;

use diesel::prelude::*;
use store::{ReadTx, WriteTx};

use crate::{
    ending::DAY_MS,
    error::RegistryError,
    leases::now_ms,
    names::CompanyKey,
    registry::Registry,
    schema::{credentials, exporter, tenants, verdicts},
    tenant::TenantState,
    verdicts::{TenantStanding, standings_of},
};

/// A tenant that needed a hand stays in sight for so long, so that rates and forecasts do not break off.
const IN_SIGHT_MS: i64 = 7 * DAY_MS;

/// A credential needs a hand from so many days before its end.
pub const EXPIRING_DAYS: i64 = 14;

/// A lease that is not taken again ends after so long: three scrapes of a minute.
const LEASE_MS: i64 = 180_000;

/// Which tenants are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InSight {
    /// Those that need a hand, or did in the last days.
    AtRisk,
    /// Every one.
    All,
    /// These.
    Listed(BTreeSet<CompanyKey>),
}

/// Tenants that are shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The oldest first.
    pub tenants: Vec<TenantStanding>,
    /// How many more there are.
    pub omitted: usize,
}

impl Registry {
    /// Whether this process is the one that shows the region's tenants in its metrics. If so it stays so while it asks at least every two
    /// minutes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_exporter(&self) -> Result<bool, RegistryError> {
        let holder = self.holder.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            let now_ms = now_ms(tx)?;
            let mine_or_ended =
                exporter::table.filter(exporter::holder.eq(holder.clone()).or(exporter::until_ms.le(now_ms)));
            let taken = (exporter::holder.eq(holder), exporter::until_ms.eq(now_ms + LEASE_MS));
            Ok(diesel::update(mine_or_ended).set(taken).execute(tx.connection())? == 1)
        };
        self.store.write(work).await
    }

    /// Lets another process show the region's tenants: this one ends.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn give_exporter_back(&self) -> Result<(), RegistryError> {
        let holder = self.holder.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            let mine = exporter::table.filter(exporter::holder.eq(holder));
            diesel::update(mine).set(exporter::until_ms.eq(0)).execute(tx.connection())?;
            Ok(())
        };
        self.store.write(work).await
    }

    /// At most so many of the tenants that are to be shown.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn in_sight(&self, which: InSight, limit: usize) -> Result<Shown, RegistryError> {
        let (region, now_ms) = (self.region.clone(), self.now_ms());
        let work = move |tx: &mut ReadTx<'_>| {
            let mut ids = ids(tx, &which, now_ms)?;
            let omitted = ids.len().saturating_sub(limit);
            ids.truncate(limit);
            Ok(Shown { tenants: standings_of(tx, &region, &ids)?, omitted })
        };
        self.store.read(work).await
    }
}

/// The tenants that are to be shown, the oldest first: an order that does not change, so that a series does not come and go.
fn ids(tx: &mut ReadTx<'_>, which: &InSight, now_ms: i64) -> Result<Vec<String>, RegistryError> {
    let all = tenants::table
        .filter(tenants::state.ne(TenantState::Deleting.key()))
        .order(tenants::id)
        .select((tenants::id, tenants::company_key));
    let all: Vec<(String, String)> = all.load(tx.connection())?;
    let at_risk = match which {
        InSight::AtRisk => at_risk(tx, now_ms)?,
        InSight::All | InSight::Listed(_) => BTreeSet::new(),
    };
    let is_meant = |(id, key): &(String, String)| match which {
        InSight::All => true,
        InSight::AtRisk => at_risk.contains(id),
        InSight::Listed(keys) => keys.iter().any(|listed| listed.is(key)),
    };
    Ok(all.into_iter().filter(is_meant).map(|(id, _)| id).collect())
}

/// Those that needed a hand lately, or need one by now because time has passed.
fn at_risk(tx: &mut ReadTx<'_>, now_ms: i64) -> Result<BTreeSet<String>, RegistryError> {
    let from_ms = now_ms - IN_SIGHT_MS;
    let looked_at: Vec<String> = verdicts::table
        .filter(verdicts::at_risk_ms.ge(from_ms).or(verdicts::silent_from_ms.le(now_ms)))
        .select(verdicts::tenant_id)
        .load(tx.connection())?;
    let ends = credentials::expires_ms.between(from_ms, now_ms + EXPIRING_DAYS * DAY_MS);
    let was_there = credentials::revoked_ms.is_null().or(credentials::revoked_ms.ge(from_ms));
    let by_credential: Vec<String> = credentials::table
        .filter(ends.and(was_there).or(credentials::wrong_last_ms.ge(from_ms)))
        .select(credentials::tenant_id)
        .load(tx.connection())?;
    Ok(looked_at.into_iter().chain(by_credential).collect())
}
