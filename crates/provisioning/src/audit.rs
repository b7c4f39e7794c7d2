//! The audit that `usher seats audit` runs: the ledger, the counters, the holders and the directory tell one story.

use std::collections::BTreeMap;

use directory::{breaker::losses, resources};
use scim_core::ResourceKind;
use seat_ledger::{Licenses, State, audit, seats};
use serde::Serialize;
use store::ReadTx;

use crate::{ProvisioningError, product::is_active};

/// The result of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether there are no problems.
    pub ok: bool,
    /// The three counts of each license.
    pub licenses: BTreeMap<String, audit::Count>,
    /// Active users in the directory; each of them holds one seat, or waits for one.
    pub active_users: u64,
    /// Users who are not active and hold a seat all the same: for some days, or because somebody must decide.
    pub kept: u64,
    /// Active users who wait and hold none.
    pub waitlisted: i64,
    /// The problems, in sentences.
    pub problems: Vec<String>,
}

/// Recounts one tenant.
///
/// # Errors
/// When the store fails.
pub fn run(tx: &mut ReadTx<'_>, licenses: &Licenses) -> Result<Report, ProvisioningError> {
    let mut problems = Vec::new();
    let mut counts = BTreeMap::new();
    let (mut holders, mut waitlisted) = (0, 0);
    for (license, count) in audit::recount(tx, licenses)? {
        if !count.adds_up() {
            problems.push(format!(
                "{license}: the ledger says {}, the counter {}, and {} users hold one",
                count.ledger, count.used, count.holders
            ));
        }
        if !count.is_within() {
            problems.push(format!(
                "{license}: {} seats are in use of {}, {} of them overage, {} borrowed and {} in debt",
                count.used,
                count.quota.unwrap_or(i64::MAX),
                count.overage,
                count.borrowed,
                count.debt
            ));
        }
        if count.keeps_waiting() {
            problems.push(format!("{license}: {} wait though a seat is free", count.waiting));
        }
        holders += count.holders;
        waitlisted += count.waitlisted;
        counts.insert(license.key().to_owned(), count);
    }
    let Users { active: active_users, kept } = check_users(tx, licenses, &mut problems)?;
    if i64::try_from(active_users + kept) != Ok(holders + waitlisted) {
        let keep = if kept == 0 { String::new() } else { format!(" and {kept} keep a seat") };
        let wait = if waitlisted == 0 { String::new() } else { format!(" and {waitlisted} wait for one") };
        problems.push(format!("{active_users} users are active{keep}, but {holders} hold a seat{wait}"));
    }
    let ok = problems.is_empty();
    Ok(Report { ok, licenses: counts, active_users, kept, waitlisted, problems })
}

/// Users by what they are to the ledger.
struct Users {
    active: u64,
    kept: u64,
}

/// Every active user holds a seat or waits for one, every other one is suspended or held back; returns how many there are.
fn check_users(
    tx: &mut ReadTx<'_>,
    licenses: &Licenses,
    problems: &mut Vec<String>,
) -> Result<Users, ProvisioningError> {
    let mut users_seen = Vec::new();
    resources::for_each(tx, ResourceKind::User, |record| {
        // Of a person whose effect waits, the seat alone tells.
        let active = record.standing.active.map_or_else(|| record.parse().map(|d| is_active(&d)), Ok)?;
        users_seen.push((record.id.clone(), record.standing.held.is_none().then_some(active)));
        Ok(())
    })?;
    // People whom the identity provider has deleted, and who keep the seat until staff decide.
    let deleted = losses::deleted_ids(tx)?;
    let deleted: Vec<&str> = deleted.iter().map(String::as_str).collect();
    let kept =
        seats::of_users(tx, licenses, &deleted)?.values().filter(|seat| seat.granted.is_some()).count();
    let mut users = Users { active: 0, kept: u64::try_from(kept).unwrap_or(u64::MAX) };
    let ids: Vec<&str> = users_seen.iter().map(|(id, _)| id.as_str()).collect();
    let seats = seats::of_users(tx, licenses, &ids)?;
    for (id, active) in &users_seen {
        let seat = seats.get(id);
        let holds = seat.is_some_and(|seat| seat.state != State::Suspended);
        let active = &active.unwrap_or(holds);
        users.active += u64::from(*active);
        users.kept += u64::from(!active && seat.is_some_and(|seat| seat.granted.is_some()));
        match seat {
            None => problems.push(format!("user {id} has no seat record")),
            Some(seat) if seat.state != State::Held && *active == (seat.state == State::Suspended) => {
                problems.push(format!("user {id} has active={active} but seat state {}", seat.state.key()));
            }
            Some(_) => {}
        }
    }
    Ok(users)
}
