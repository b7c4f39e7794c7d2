//! Entitlements for Okta's entitlement discovery: the licenses of the plan and the roles of the profile, each with its seats
//! in use and waiting in the transaction that reads them. The `entitlements` and `roles` that an identity provider sends are
//! stored as data; only the attribute that the profile names decides about seats.

use std::fmt::Write as _;

use scim_core::ResourceKind;
use seat_ledger::{
    License, Policy,
    pools::{self, Pool},
};
use serde_json::{Map, Value, json};
use store::ReadTx;

use crate::{ProvisioningError, Rules, profile::Role};

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
    let pools = pools::all(tx, rules.profile.licenses())?;
    let of = |id: &str, name: &str, description: &str| resource(rules, kind, id, name, description);
    Ok(match kind {
        ResourceKind::License => {
            let license = |pool: &Pool| of(pool.license.key(), pool.license.title(), &sentence(pool));
            pools.iter().map(license).collect()
        }
        ResourceKind::Role => {
            let roles = rules.profile.roles().into_iter();
            let described = |name: &str, role: &Role, values: &[&str]| {
                of(name, &title(name), &describe_role(rules, &pools, name, role, values))
            };
            roles.map(|(name, (role, values))| described(name, &role, &values)).collect()
        }
        ResourceKind::User | ResourceKind::Group => Vec::new(),
    })
}

/// Without times and a version: the counts change with every seat, and clients write none of these.
fn resource(
    rules: &Rules,
    kind: ResourceKind,
    id: &str,
    name: &str,
    description: &str,
) -> Map<String, Value> {
    let rt = rules.resource_type(kind);
    let resource = json!({
        "schemas": [rt.core.id],
        "id": id,
        "displayName": name,
        "type": rt.kind.name(),
        "description": description,
        "meta": { "resourceType": rt.kind.name(), "location": rules.base.location(rt, id) },
    });
    match resource {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The seats of a license in one sentence, such as `5 of 5 Member seats in use; 2 waiting.`
fn sentence(pool: &Pool) -> String {
    let (used, license) = (pool.used, pool.license.title());
    let in_use = match pool.quota {
        None => format!("{used} {license} seats in use, without limit"),
        Some(0) if used == 0 => format!("The plan has no {license} seats"),
        Some(quota) => format!("{used} of {quota} {license} seats in use"),
    };
    format!("{in_use}; {} waiting.", pool.waiting)
}

/// The license of a role, its seats in use, and the values that give the role.
fn describe_role(rules: &Rules, pools: &[Pool], name: &str, role: &Role, values: &[&str]) -> String {
    let profile = &rules.profile;
    let mut text = format!("Uses a {} seat", role.license.title());
    if let Some(pool) = pools.iter().find(|pool| pool.license == role.license) {
        if role.may_fall_back && pool.policy == Policy::Fallback {
            let lesser = role.license.fallback();
            let lesser = lesser.as_ref().map(License::title).unwrap_or_default();
            // Writing to a String cannot fail, here and below.
            let _ = write!(text, ", or a {lesser} seat while none is free");
        }
        let _ = write!(text, ". {}", sentence(pool));
    }
    let attribute = &profile.class_attribute;
    if !values.is_empty() {
        let _ = write!(text, " Given by {attribute} {}", values.join(", "));
        let _ = write!(text, "{}.", if profile.is_default_role(name) { " or by none" } else { "" });
    }
    text.chars().take(MAX_DESCRIPTION).collect()
}

/// Characters of a description: Okta shows no more.
const MAX_DESCRIPTION: usize = 1_000;

/// `member_lite` as people write it: `Member Lite`.
fn title(key: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    };
    key.split('_').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn license(key: &str) -> License {
        crate::Profile::built_in("default").unwrap().licenses().get(key).unwrap()
    }

    fn pool(quota: Option<i64>, used: i64, waiting: i64) -> Pool {
        Pool {
            license: license("member"),
            quota,
            used,
            waiting,
            policy: Policy::Fallback,
            in_force: Policy::Fallback,
            why: None,
            overage: None,
            grace: None,
            borrowed: 0,
            debt: 0,
        }
    }

    #[test]
    fn the_seats_of_a_license_are_told_in_one_sentence() {
        for (quota, used, waiting, told) in [
            (Some(5), 5, 2, "5 of 5 Member seats in use; 2 waiting."),
            (Some(5), 7, 0, "7 of 5 Member seats in use; 0 waiting."),
            (Some(0), 0, 1, "The plan has no Member seats; 1 waiting."),
            (None, 12, 0, "12 Member seats in use, without limit; 0 waiting."),
        ] {
            assert_eq!(sentence(&pool(quota, used, waiting)), told);
        }
    }

    #[test]
    fn a_role_tells_its_license_its_fallback_and_what_to_send() {
        let rules = Rules::new(crate::Profile::built_in("default").unwrap());
        let lite = Pool { license: license("member_lite"), policy: Policy::Refuse, ..pool(None, 0, 0) };
        let pools = [pool(Some(5), 5, 2), lite];
        let roles = rules.profile.roles();
        let told = |name: &str| {
            let (role, values) = &roles[name];
            describe_role(&rules, &pools, name, role, values)
        };
        assert_eq!(
            told("member"),
            "Uses a Member seat, or a Member Lite seat while none is free. 5 of 5 Member seats in use; 2 waiting. \
             Given by userType member, user."
        );
        assert_eq!(
            told("admin"),
            "Uses a Member seat. 5 of 5 Member seats in use; 2 waiting. Given by userType admin."
        );
        assert_eq!(
            told("member_lite"),
            "Uses a Member Lite seat. 0 Member Lite seats in use, without limit; 0 waiting. \
             Given by userType member_lite or by none."
        );
    }

    #[test]
    fn names_are_shown_as_people_write_them() {
        assert_eq!((title("admin"), title("member_lite")), ("Admin".into(), "Member Lite".into()));
    }
}
