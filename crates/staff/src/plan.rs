//! Changes of a plan: quotas and policies.

use std::collections::BTreeMap;

use provisioning::{Act, ProvisioningError, plan};
use seat_ledger::{License, Policy};
use serde::{Deserialize, Serialize};
use store::WriteTx;

use crate::present::present;

/// What changes for each license; licenses that are absent stay as they are.
pub type PlanChange = BTreeMap<License, LicenseChange>;

/// What changes for one license.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenseChange {
    /// Seats; `null` is unlimited, absent leaves it as it is.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub quota: Option<Option<u32>>,
    /// What happens when the license is full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// Policies first, because a quota that grows gives seats by them.
pub(crate) fn apply(tx: &mut WriteTx<'_>, change: &PlanChange, act: &Act) -> Result<(), ProvisioningError> {
    for (license, change) in change {
        if let Some(policy) = change.policy {
            plan::set_policy(tx, *license, policy, act)?;
        }
    }
    for (license, change) in change {
        if let Some(quota) = change.quota {
            plan::set_quota(tx, *license, quota.map(i64::from), act)?;
        }
    }
    Ok(())
}
