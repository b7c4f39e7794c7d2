//! Licenses of the plan and roles of the profile as resources, for Okta's entitlement discovery and for
//! draft-ietf-scim-roles-entitlements: each with its seats in the transaction that reads them.

use profiles::discovery::{Attributes, Numbers, Seats, roles_and_entitlements};
use scim_core::ResourceKind;
use seat_ledger::{
    Policy, holders,
    pools::{self, Pool},
};
use serde_json::{Map, Value, json};
use store::ReadTx;

use crate::{Product, ProvisioningError, Rules};

/// All resources of a read-only kind, whole: `{"schemas": […], "id": "member_lite", "displayName": "Member Lite", "type":
/// "License", "description": "3 of 3 Member Lite seats in use; 0 waiting.", "meta": {…}}`. Of other kinds none.
///
/// # Errors
/// When the store fails.
pub fn all(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    rules: &Rules,
) -> Result<Vec<Map<String, Value>>, ProvisioningError> {
    let (product, profile) = (&rules.product, rules.profile());
    let resources = match kind {
        ResourceKind::License => profile.okta_licenses(&numbers(tx, product)?),
        ResourceKind::Role if profile.discovery.roles_and_entitlements => {
            let roles = holders::by_role(tx)?;
            profile.assignable_roles(&Numbers { roles, ..numbers(tx, product)? })
        }
        ResourceKind::Role => profile.okta_roles(&numbers(tx, product)?),
        ResourceKind::Entitlement => profile.entitlements(&numbers(tx, product)?),
        ResourceKind::User | ResourceKind::Group => Vec::new(),
    };
    Ok(resources.into_iter().map(|attributes| resource(rules, kind, attributes)).collect())
}

/// What `/ServiceProviderConfig` of the tenant says of them, as a member.
#[must_use]
pub fn in_config(rules: &Rules) -> Option<(String, Value)> {
    let is_told = rules.has(ResourceKind::Entitlement);
    is_told.then(|| ("RolesAndEntitlements".to_owned(), roles_and_entitlements()))
}

fn numbers(tx: &mut ReadTx<'_>, product: &Product) -> Result<Numbers, ProvisioningError> {
    let seats = |pool: &Pool| Seats {
        quota: pool.quota,
        used: pool.used,
        waiting: pool.waiting,
        falls_back: pool.policy == Policy::Fallback,
    };
    let pools = pools::all(tx, product.licenses())?;
    let licenses = pools.iter().map(|pool| (pool.license.key().to_owned(), seats(pool))).collect();
    Ok(Numbers { licenses, ..Numbers::default() })
}

/// Without times and a version: the counts change with every seat, and clients write none of these.
fn resource(rules: &Rules, kind: ResourceKind, mut attributes: Attributes) -> Map<String, Value> {
    let rt = rules.resource_type(kind);
    let id = attributes.get("id").and_then(Value::as_str).unwrap_or_default();
    let meta = json!({ "resourceType": rt.kind.name(), "location": rules.base.location(rt, id) });
    attributes.insert("schemas".into(), json!([rt.core.id]));
    attributes.insert("meta".into(), meta);
    attributes
}
