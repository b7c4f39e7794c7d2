//! How a tenant is: what needs a hand, since when, and what to do about it. Here is what the tenant's own store can tell; what the registry
//! knows of its credentials comes beside it (`staff::health`).

mod code;
mod hours;
mod judgement;
mod makers;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};

use directory::{
    breaker::losses,
    group_wipes,
    log::{self, Wanted},
    role_changes, traffic as stored,
};
use seat_ledger::{DAY_MS, forecast, pools, waiting};
use store::{ReadTx, WriteTx};

use crate::{
    ProvisioningError, Rules, audit,
    explain::Asked,
    log::{Details, Idp, LogResult, every_row},
};

pub use code::{Code, Finding};
pub use hours::Counts;
pub use makers::maker_left;
pub(crate) use traffic::traffic_of_all;
pub use traffic::{Span, Traffic, TrafficByCredential, Written, by_idp, together, usual_gap_ms};

/// Changes of role are told of that were within this time.
pub(crate) const FLAPPING_MS: i64 = DAY_MS;

/// People who are told of by name for one finding.
const NAMED: i64 = 5;

/// What a tenant's store tells of how the tenant is.
#[derive(Clone, Debug)]
pub struct OfStore {
    /// What needs a hand.
    pub findings: Vec<Finding>,
    /// What each credential was used for.
    pub traffic: TrafficByCredential,
    /// Its licenses.
    pub pools: Vec<pools::Pool>,
    /// Losses of access that its breaker holds.
    pub held: i64,
    /// How near Entra's line of quarantine it is; 1 is the line.
    pub quarantine_risk: f64,
}

/// What a recount of all seats finds. It costs more the larger the tenant is.
#[derive(Clone, Debug)]
pub struct Recounted {
    /// Whether they add up.
    pub adds_up: bool,
    /// Days until the last seat is taken, by license, where they grow fewer.
    pub days_left: BTreeMap<String, i64>,
}

/// Recounts all seats.
///
/// # Errors
/// When the store fails.
pub fn recount(tx: &mut ReadTx<'_>, rules: &Rules, now_ms: i64) -> Result<Recounted, ProvisioningError> {
    let licenses = rules.product.licenses();
    let adds_up = audit::run(tx, licenses)?.ok;
    let refused = refused_of_last_day(tx, now_ms)?;
    let mut days_left = BTreeMap::new();
    for pool in pools::all(tx, licenses)? {
        let is_full = pool.quota.is_some_and(|quota| quota > 0 && pool.used >= quota);
        let days = match is_full && refused.contains(pool.license.key()) {
            true => Some(0),
            false => forecast::days_to_exhaustion(tx, &pool, now_ms)?,
        };
        if let Some(days) = days {
            days_left.insert(pool.license.key().to_owned(), days);
        }
    }
    Ok(Recounted { adds_up, days_left })
}

/// The newest refused writes of a day that are looked at.
const REFUSED: usize = 1_000;

/// The licenses for want of whose seats people were refused in the last day. Their seats in use do not grow then, so the growth alone would
/// tell of no end (S10).
fn refused_of_last_day(tx: &mut ReadTx<'_>, now_ms: i64) -> Result<BTreeSet<String>, ProvisioningError> {
    let (results, since_ms) = (vec![LogResult::Refused.word()], Some(now_ms - DAY_MS));
    let rows = log::page(tx, &Wanted { results, since_ms, ..every_row() }, None, REFUSED)?;
    Ok(rows.iter().filter_map(|row| Details::of(row).text("license_requested").map(str::to_owned)).collect())
}

/// Reads it.
///
/// # Errors
/// When the store fails.
pub fn read(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    now_ms: i64,
    asked: Asked<'_>,
) -> Result<OfStore, ProvisioningError> {
    let traffic = traffic_of_all(tx)?;
    let pools = pools::all(tx, rules.product.licenses())?;
    let mut findings = judgement::of_traffic(&traffic, rules, now_ms, asked);
    findings.extend(judgement::of_pools(&pools, asked));
    let idp = traffic.values().map(|of| of.idp).find(|idp| *idp != Idp::Other).unwrap_or_default();
    let waits = waiting(tx, rules.product.licenses(), 1)?.into_iter().map(|first| first.since_ms).min();
    if let Some(since_ms) = waits {
        findings.push(judgement::of_waiting(&pools, since_ms, asked));
    }
    let often = rules.profile().log.flapping_per_day;
    let flapping = role_changes::of_more_than(tx, often, now_ms - FLAPPING_MS, NAMED)?;
    if !flapping.is_empty() {
        findings.push(judgement::of_flapping(tx, rules, &flapping, idp)?);
    }
    let held = losses::count(tx)?;
    if let Some(since_ms) = held.since_ms {
        findings.push(judgement::of_breaker(held.people, since_ms, asked));
    }
    if let Some(since_ms) = group_wipes::oldest_ms(tx)? {
        findings.push(judgement::of_group_wipes(since_ms, asked));
    }
    findings.extend(makers::left(tx, rules, now_ms)?);
    let lost = log::lost(tx)?;
    if lost > 0 {
        findings.push(judgement::of_losses(lost, asked));
    }
    findings.sort_by_key(|finding| finding.code);
    let quarantine_risk = judgement::quarantine_risk(&traffic, now_ms);
    Ok(OfStore { findings, traffic, pools, held: held.people, quarantine_risk })
}

/// Adds newer traffic to what is stored.
///
/// # Errors
/// When the store fails.
pub fn add(tx: &mut WriteTx<'_>, newer: &TrafficByCredential) -> Result<(), ProvisioningError> {
    tx.go_beyond_limit();
    // Two processes that add at once must not lose what one has added.
    pools::take_turn(tx)?;
    let before = stored::all(tx)?;
    for (credential, newer) in newer {
        let mut traffic = before.get(credential).map(|text| Traffic::of_text(text)).unwrap_or_default();
        traffic.add(newer.clone());
        stored::put(tx, credential, &traffic.text())?;
    }
    Ok(())
}
