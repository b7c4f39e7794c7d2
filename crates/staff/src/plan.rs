//! Changes of a plan: quotas and policies.

use std::collections::BTreeMap;

use provisioning::{Act, ProvisioningError, plan};
use seat_ledger::{License, Licenses, Policy};
use serde::{Deserialize, Serialize};
use store::WriteTx;

use crate::{StaffError, present::present};

/// What changes for each license, by its key; licenses that are absent stay as they are.
pub type PlanChange = BTreeMap<String, LicenseChange>;

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

/// The changes with their licenses, dearest first.
///
/// # Errors
/// [`StaffError::BadRequest`] with the licenses that there are, when a key is none of them.
pub(crate) fn resolve(
    change: PlanChange,
    licenses: &Licenses,
) -> Result<BTreeMap<License, LicenseChange>, StaffError> {
    change.into_iter().map(|(key, change)| Ok((license(&key, licenses)?, change))).collect()
}

fn license(key: &str, licenses: &Licenses) -> Result<License, StaffError> {
    licenses.get(key).ok_or_else(|| {
        let known = licenses.keys();
        StaffError::BadRequest(format!("`{key}` is no license of this tenant; it has {known}"))
    })
}

/// Policies first, because a quota that grows gives seats by them.
pub(crate) fn apply(
    tx: &mut WriteTx<'_>,
    change: &BTreeMap<License, LicenseChange>,
    act: &Act,
) -> Result<(), ProvisioningError> {
    for (license, change) in change {
        if let Some(policy) = change.policy {
            plan::set_policy(tx, license, policy, act)?;
        }
    }
    for (license, change) in change {
        if let Some(quota) = change.quota {
            plan::set_quota(tx, license, quota.map(i64::from), act)?;
        }
    }
    Ok(())
}
