//! Changes of a plan: quotas and policies.

use std::collections::BTreeMap;

use provisioning::{Act, ProvisioningError, plan};
use seat_ledger::{Day, Grace, License, Licenses, Overage, Policy, lines::Line};
use serde::{Deserialize, Serialize};
use store::WriteTx;

use crate::{
    StaffError,
    present::present,
    printable::{MAX_NAME, line},
};

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
    /// Seats beyond the quota under the policy `overage`; `null` is none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub overage: Option<Option<Overage>>,
    /// What a swap at full seats may borrow; `null` is nothing.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub grace: Option<Option<Grace>>,
}

/// A dated line of a quota, to be added.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// The key of the license.
    pub license: String,
    /// Seats.
    pub seats: u32,
    /// The first day; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// The first day without them; absent: for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
    /// Where they come from: an order, a gift.
    #[serde(default)]
    pub source: String,
}

impl NewLine {
    pub(crate) fn check(self, licenses: &Licenses) -> Result<Line, StaffError> {
        let Self { license: key, seats, from, until, source } = self;
        let source = match source.as_str() {
            "" => source,
            text => line("source", text, MAX_NAME).map_err(StaffError::BadRequest)?,
        };
        Ok(Line { line: 0, license: license(&key, licenses)?, seats, from, until, source })
    }
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
        if let Some(overage) = change.overage {
            plan::set_overage(tx, license, overage, act)?;
        }
        if let Some(grace) = change.grace {
            plan::set_grace(tx, license, grace, act)?;
        }
    }
    for (license, change) in change {
        if let Some(quota) = change.quota {
            plan::set_quota(tx, license, quota.map(i64::from), act)?;
        }
    }
    Ok(())
}
