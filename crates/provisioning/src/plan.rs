//! A tenant's plan: quotas and policies, changed by staff while the gateway runs. Each change is recorded in the tenant's
//! change log, in its own transaction (attack 58).

use seat_ledger::{Grace, License, Licenses, Overage, Policy, lines::Line, plan, refusals, seats};
use serde_json::json;
use store::WriteTx;

use crate::{Act, ProvisioningError, facts::Cause, promotion, records};

/// Sets a quota (`None` is unlimited) and gives seats that became free to users who wait; no user is evicted (S7).
///
/// # Errors
/// When the store fails.
pub fn set_quota(
    tx: &mut WriteTx<'_>,
    license: &License,
    quota: Option<i64>,
    act: &Act,
) -> Result<(), ProvisioningError> {
    let before = plan::set_quota(tx, license, quota)?;
    let detail = json!({ "license": license.key(), "before": before, "after": quota });
    records::record_act(tx, act, "plan.quota", detail)?;
    promote(tx, license, act)
}

/// Sets the policy of a license, for the case that no seat is free.
///
/// # Errors
/// `NoFallback` for a license that has nothing to fall back to, or the store's.
pub fn set_policy(
    tx: &mut WriteTx<'_>,
    license: &License,
    policy: Policy,
    act: &Act,
) -> Result<(), ProvisioningError> {
    plan::set_policy(tx, license, policy)?;
    refusals::forget(tx)?;
    let detail = json!({ "license": license.key(), "after": policy.key() });
    records::record_act(tx, act, "plan.policy", detail)?;
    promote(tx, license, act)
}

/// Sets the seats that are granted beyond the quota under [`Policy::Overage`].
///
/// # Errors
/// When the store fails.
pub fn set_overage(
    tx: &mut WriteTx<'_>,
    license: &License,
    overage: Option<Overage>,
    act: &Act,
) -> Result<(), ProvisioningError> {
    plan::set_overage(tx, license, overage)?;
    let detail = json!({ "license": license.key(), "after": overage });
    records::record_act(tx, act, "plan.overage", detail)?;
    promote(tx, license, act)
}

/// Sets what a swap at full seats may borrow.
///
/// # Errors
/// When the store fails.
pub fn set_grace(
    tx: &mut WriteTx<'_>,
    license: &License,
    grace: Option<Grace>,
    act: &Act,
) -> Result<(), ProvisioningError> {
    plan::set_grace(tx, license, grace)?;
    let detail = json!({ "license": license.key(), "after": grace });
    records::record_act(tx, act, "plan.grace", detail)
}

/// Adds a dated line to a quota; returns it with its number.
///
/// # Errors
/// `Line` for one that can never hold, or the store's.
pub fn add_line(tx: &mut WriteTx<'_>, new: Line, act: &Act) -> Result<Line, ProvisioningError> {
    let line = plan::add_line(tx, new)?;
    records::record_act(tx, act, "plan.line_added", json!(line))?;
    promote(tx, &line.license, act)?;
    Ok(line)
}

/// Takes a dated line away; whether there was one of this number.
///
/// # Errors
/// When the store fails.
pub fn remove_line(
    tx: &mut WriteTx<'_>,
    licenses: &Licenses,
    number: i64,
    act: &Act,
) -> Result<bool, ProvisioningError> {
    let Some(line) = plan::remove_line(tx, licenses, number)? else { return Ok(false) };
    records::record_act(tx, act, "plan.line_removed", json!(line))?;
    Ok(true)
}

/// Gives seats that became free to users who wait, in the transaction of the act.
fn promote(tx: &mut WriteTx<'_>, license: &License, act: &Act) -> Result<(), ProvisioningError> {
    let moves = seats::promote(tx, license.all())?;
    promotion::record(tx, &moves, Cause::of_plan(act))
}
