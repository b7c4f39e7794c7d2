//! A tenant's plan: quotas and policies, changed by staff while the gateway runs. Each change is recorded in the tenant's
//! change log, in its own transaction (attack 58).

use seat_ledger::{License, Policy, pools, seats};
use serde_json::json;
use store::WriteTx;

use crate::{Act, ProvisioningError, promotion, records};

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
    let before = pools::set_quota(tx, license, quota)?;
    let detail = json!({ "license": license.key(), "before": before, "after": quota });
    records::record_act(tx, act, "plan.quota", detail)?;
    let promoted = seats::promote(tx, license.all())?;
    promotion::record(tx, &promoted, &act.request_id)
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
    pools::set_policy(tx, license, policy)?;
    let detail = json!({ "license": license.key(), "after": policy.key() });
    records::record_act(tx, act, "plan.policy", detail)
}
