//! A tenant's plan: quotas and policies, changed by staff while the gateway runs. Each change is recorded in the tenant's
//! change log, in its own transaction (attack 58).

use directory::changes::{self, Change};
use seat_ledger::{License, Policy, pools, seats};
use serde_json::{Value, json};
use store::WriteTx;

use crate::{Act, ProvisioningError, promotion};

/// Sets a quota (`None` is unlimited) and gives what became free to those who wait; nobody is evicted (S7).
///
/// # Errors
/// When the store fails.
pub fn set_quota(
    tx: &mut WriteTx<'_>,
    license: License,
    quota: Option<i64>,
    act: &Act,
) -> Result<(), ProvisioningError> {
    let before = pools::set_quota(tx, license, quota)?;
    record(tx, "plan.quota", act, json!({ "license": license.key(), "before": before, "after": quota }))?;
    let promoted = seats::promote(tx)?;
    promotion::record(tx, &promoted, act)
}

/// Sets what happens at the limit of a license.
///
/// # Errors
/// `NoFallback` for a license that has nothing to fall back to, or the store's.
pub fn set_policy(
    tx: &mut WriteTx<'_>,
    license: License,
    policy: Policy,
    act: &Act,
) -> Result<(), ProvisioningError> {
    pools::set_policy(tx, license, policy)?;
    record(tx, "plan.policy", act, json!({ "license": license.key(), "after": policy.key() }))
}

fn record(
    tx: &mut WriteTx<'_>,
    kind: &'static str,
    act: &Act,
    detail: Value,
) -> Result<(), ProvisioningError> {
    let change = Change { kind, resource_id: "", version: 0, request_id: &act.request_id, detail };
    Ok(changes::append(tx, &change)?)
}
