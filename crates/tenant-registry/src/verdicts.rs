//! How each tenant was when it was last looked at, so that those who need a hand are found while their stores are closed; and what the
//! registry knows of the use of credentials.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde_json::Value;
use store::{ReadTx, StoreError, WriteTx};

use crate::{
    credentials::{self, CredentialInfo, MAKER_REVOKED},
    error::RegistryError,
    figures::{self, Figures, Recount, SeatFigures},
    names::{CompanyKey, RegionCode, TenantId},
    registry::Registry,
    schema::{credentials as rows, staff_acts, tenants, verdicts},
    tenant::{self, Tenant},
    wrong_secrets::WrongSecrets,
};

/// Times are in milliseconds since 1970 UTC.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What needs a hand, by its code, and since when.
    pub codes: BTreeMap<String, i64>,
    /// When silence will be found, unless somebody calls before.
    pub silence: Option<Silence>,
    /// Whether any identity provider has called.
    pub was_called: bool,
    /// When the tenant last needed a hand.
    pub at_risk_ms: Option<i64>,
    /// What metrics show of it.
    pub figures: Figures,
    /// Its seats, by license.
    pub seats: Vec<SeatFigures>,
    /// Losses of access that its breaker holds.
    pub held: i64,
    /// The last recount of its seats.
    pub recount: Option<Recount>,
}

/// An identity provider that called regularly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Its last call.
    pub since_ms: i64,
    /// The end of the time in which it should have called again.
    pub from_ms: i64,
}

/// What the registry knows of how a tenant is.
#[derive(Clone, Debug)]
pub struct TenantStanding {
    /// The tenant.
    pub tenant: Tenant,
    /// `None` where nobody has looked yet.
    pub verdict: Option<Verdict>,
    /// All of its credentials, oldest first.
    pub credentials: Vec<CredentialInfo>,
}

#[derive(Queryable)]
struct Row {
    codes: String,
    silent_since_ms: Option<i64>,
    silent_from_ms: Option<i64>,
    was_called: i64,
    figures: String,
    at_risk_ms: Option<i64>,
    held: i64,
    recounted_ms: Option<i64>,
    adds_up: i64,
}

impl Row {
    fn verdict(self, seats: Vec<SeatFigures>) -> Verdict {
        let silence = self.silent_since_ms.zip(self.silent_from_ms);
        let adds_up = self.adds_up != 0;
        Verdict {
            codes: serde_json::from_str(&self.codes).unwrap_or_default(),
            silence: silence.map(|(since_ms, from_ms)| Silence { since_ms, from_ms }),
            was_called: self.was_called != 0,
            at_risk_ms: self.at_risk_ms,
            figures: serde_json::from_str(&self.figures).unwrap_or_default(),
            seats,
            held: self.held,
            recount: self.recounted_ms.map(|at_ms| Recount { at_ms, adds_up }),
        }
    }
}

impl Registry {
    /// The tenant's live credentials whose maker's admin token is revoked (MO10): the key ids, and since when.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn without_maker(&self, tenant: &TenantId) -> Result<Vec<(String, i64)>, RegistryError> {
        let id = tenant.clone();
        let work = move |tx: &mut ReadTx<'_>| {
            let told: Vec<(String, i64)> = staff_acts::table
                .filter(staff_acts::tenant_id.eq(id.as_str()).and(staff_acts::act.eq(MAKER_REVOKED)))
                .select((staff_acts::detail, staff_acts::at_ms))
                .load(tx.connection())?;
            let live: Vec<String> = rows::table
                .filter(rows::tenant_id.eq(id.as_str()).and(rows::revoked_ms.is_null()))
                .select(rows::key_id)
                .load(tx.connection())?;
            let key_id = |detail: &str| {
                let detail: Value = serde_json::from_str(detail).ok()?;
                detail.get("keyId")?.as_str().map(str::to_owned)
            };
            let found = told.into_iter().filter_map(|(detail, at_ms)| Some((key_id(&detail)?, at_ms)));
            Ok(found.filter(|(key_id, _)| live.contains(key_id)).collect())
        };
        self.store.read(work).await
    }

    /// What is known of a tenant.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn standing(&self, key: &CompanyKey) -> Result<TenantStanding, RegistryError> {
        let (region, key) = (self.region.clone(), key.clone());
        let work = move |tx: &mut ReadTx<'_>| {
            let tenant = tenant::by_key(tx, &region, &key)?;
            let mut known = known_of(tx, &[tenant.id.as_str()])?;
            let (verdict, credentials) = known.remove(tenant.id.as_str()).unwrap_or_default();
            Ok(TenantStanding { tenant, verdict, credentials })
        };
        self.store.read(work).await
    }

    /// The same of a page of the region's tenants, as [`Registry::page`] has them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn standings(
        &self,
        after: Option<CompanyKey>,
        limit: i64,
    ) -> Result<Vec<TenantStanding>, RegistryError> {
        let page = self.page(after, limit).await?;
        self.store.read(move |tx| standings_of_tenants(tx, page)).await
    }

    /// Writes how a tenant is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn write_verdict(&self, tenant: &TenantId, verdict: &Verdict) -> Result<(), RegistryError> {
        let (id, verdict, now_ms) = (tenant.clone(), verdict.clone(), self.now_ms());
        let work = move |tx: &mut WriteTx<'_>| {
            // A tenant that was deleted meanwhile leaves none.
            if tenants::table.find(id.as_str()).count().get_result::<i64>(tx.connection())? == 0 {
                return Ok(());
            }
            let codes = serde_json::to_string(&verdict.codes).unwrap_or_default();
            let values = (
                verdicts::codes.eq(codes),
                verdicts::silent_since_ms.eq(verdict.silence.map(|silence| silence.since_ms)),
                verdicts::silent_from_ms.eq(verdict.silence.map(|silence| silence.from_ms)),
                verdicts::was_called.eq(i64::from(verdict.was_called)),
                verdicts::written_ms.eq(now_ms),
                verdicts::figures.eq(serde_json::to_string(&verdict.figures).unwrap_or_default()),
                verdicts::at_risk_ms.eq(verdict.at_risk_ms),
                verdicts::held.eq(verdict.held),
                verdicts::recounted_ms.eq(verdict.recount.map(|recount| recount.at_ms)),
                verdicts::adds_up.eq(i64::from(verdict.recount.is_none_or(|recount| recount.adds_up))),
            );
            let row = verdicts::table.find(id.as_str());
            if diesel::update(row).set(values.clone()).execute(tx.connection())? == 0 {
                let row = (verdicts::tenant_id.eq(id.as_str()), values);
                diesel::insert_into(verdicts::table).values(row).execute(tx.connection())?;
            }
            figures::write_seats(tx, &id, &verdict.seats)
        };
        match self.store.write(work).await {
            // Another process has written it just now.
            Err(RegistryError::Store(StoreError::Unique(_))) => Ok(()),
            written => written,
        }
    }

    /// Adds to what is known of wrong secrets, by key id. Those of key ids that no credential of the region has are dropped.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_wrong_secrets(&self, newer: Vec<(String, WrongSecrets)>) -> Result<(), RegistryError> {
        self.store
            .write(move |tx| newer.iter().try_for_each(|(key_id, newer)| note_wrong(tx, key_id, *newer)))
            .await
    }

    /// Writes down what a credential was recognised as, if that says more than what is stored by now: another process may have
    /// seen a stronger sign.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn write_sender(
        &self,
        key_id: &str,
        sender: String,
        says_more: impl Fn(&str, &str) -> bool + Send + 'static,
    ) -> Result<(), RegistryError> {
        let key_id = key_id.to_owned();
        let work = move |tx: &mut WriteTx<'_>| {
            let credential = rows::table.find(key_id);
            // Again where another process wrote between the two statements.
            loop {
                let stored: Option<String> =
                    credential.clone().select(rows::sender).get_result(tx.connection()).optional()?;
                let Some(stored) = stored.filter(|stored| says_more(&sender, stored)) else { return Ok(()) };
                let unchanged = credential.clone().filter(rows::sender.eq(stored));
                let written =
                    diesel::update(unchanged).set(rows::sender.eq(&sender)).execute(tx.connection())?;
                if written > 0 {
                    return Ok(());
                }
            }
        };
        self.store.write(work).await
    }
}

fn note_wrong(tx: &mut WriteTx<'_>, key_id: &str, newer: WrongSecrets) -> Result<(), RegistryError> {
    let row: Option<(i64, Option<i64>, Option<i64>)> = rows::table
        .find(key_id)
        .select((rows::wrong_secrets, rows::wrong_since_ms, rows::last_used_ms))
        .get_result(tx.connection())
        .optional()?;
    let Some((number, since_ms, last_used_ms)) = row else { return Ok(()) };
    // Those before the last use are over.
    let before = since_ms.filter(|since_ms| last_used_ms.is_none_or(|used_ms| used_ms < *since_ms));
    let (number, since_ms) = match before {
        Some(since_ms) => (number.saturating_add(newer.number), since_ms),
        None => (newer.number, newer.since_ms),
    };
    diesel::update(rows::table.find(key_id))
        .set((
            rows::wrong_secrets.eq(number),
            rows::wrong_since_ms.eq(since_ms),
            rows::wrong_last_ms.eq(newer.last_ms),
        ))
        .execute(tx.connection())?;
    Ok(())
}

type Known = BTreeMap<String, (Option<Verdict>, Vec<CredentialInfo>)>;

/// Verdict and credentials of these tenants.
fn known_of(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Known, RegistryError> {
    let mut known = Known::new();
    for (id, credential) in credentials::of_tenants(tx, ids)? {
        known.entry(id).or_default().1.push(credential);
    }
    let found: Vec<(String, Row)> = verdicts::table
        .filter(verdicts::tenant_id.eq_any(ids))
        .select((
            verdicts::tenant_id,
            (
                verdicts::codes,
                verdicts::silent_since_ms,
                verdicts::silent_from_ms,
                verdicts::was_called,
                verdicts::figures,
                verdicts::at_risk_ms,
                verdicts::held,
                verdicts::recounted_ms,
                verdicts::adds_up,
            ),
        ))
        .load(tx.connection())?;
    let mut seats = figures::seats_of(tx, ids)?;
    for (id, row) in found {
        let seats = seats.remove(&id).unwrap_or_default();
        known.entry(id).or_default().0 = Some(row.verdict(seats));
    }
    Ok(known)
}

/// What is known of these tenants, in this order.
pub(crate) fn standings_of(
    tx: &mut ReadTx<'_>,
    region: &RegionCode,
    ids: &[String],
) -> Result<Vec<TenantStanding>, RegistryError> {
    let rows: Vec<tenant::Row> =
        tenants::table.filter(tenants::id.eq_any(ids)).order(tenants::id).load(tx.connection())?;
    let found: Result<_, _> = rows.into_iter().map(|row| Tenant::of_row(region, row)).collect();
    standings_of_tenants(tx, found?)
}

fn standings_of_tenants(
    tx: &mut ReadTx<'_>,
    tenants: Vec<Tenant>,
) -> Result<Vec<TenantStanding>, RegistryError> {
    let ids: Vec<&str> = tenants.iter().map(|tenant| tenant.id.as_str()).collect();
    let mut known = known_of(tx, &ids)?;
    let standing = |tenant: Tenant| {
        let (verdict, credentials) = known.remove(tenant.id.as_str()).unwrap_or_default();
        TenantStanding { tenant, verdict, credentials }
    };
    Ok(tenants.into_iter().map(standing).collect())
}

pub(crate) fn forget(tx: &mut WriteTx<'_>, tenant: &TenantId) -> Result<(), RegistryError> {
    figures::forget(tx, tenant)?;
    diesel::delete(verdicts::table.find(tenant.as_str())).execute(tx.connection())?;
    Ok(())
}
