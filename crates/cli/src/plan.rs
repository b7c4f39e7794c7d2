//! `member=5` and `member=refuse`: the quota or the policy of one license, as it is typed. Which licenses there are is known to
//! the tenant alone, so the gateway answers for their names.

use std::collections::BTreeMap;

use seat_ledger::Policy;

use crate::mistake::Mistake;

/// A license and its seats or its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfLicense<T> {
    license: String,
    value: T,
}

/// `LICENSE=SEATS`; `None` is unlimited.
pub(crate) type Quota = OfLicense<Option<u32>>;

/// Reads `LICENSE=SEATS`.
pub(crate) fn quota(text: &str) -> Result<Quota, String> {
    of_license(text, "member=5", |seats| match seats {
        "unlimited" => Ok(None),
        number => number.parse().map(Some).map_err(|_| {
            let most = u32::MAX;
            format!("`{number}` is no number of seats; give a whole number from 0 to {most}, or `unlimited`")
        }),
    })
}

/// Reads `LICENSE=POLICY`.
pub(crate) fn policy(text: &str) -> Result<OfLicense<Policy>, String> {
    of_license(text, "member=refuse", |policy| {
        Policy::from_key(policy)
            .ok_or_else(|| format!("`{policy}` is no policy; it is `refuse` or `fallback`"))
    })
}

fn of_license<T>(
    text: &str,
    example: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<OfLicense<T>, String> {
    let (license, value) =
        text.split_once('=').ok_or_else(|| format!("say license and value, such as `{example}`"))?;
    let license = license.trim().to_owned();
    if license.is_empty() {
        return Err(format!("say license and value, such as `{example}`"));
    }
    Ok(OfLicense { license, value: read(value.trim())? })
}

/// Two values for one license are a mistake.
pub(crate) fn once_each<T>(values: Vec<OfLicense<T>>) -> Result<BTreeMap<String, T>, Mistake> {
    let mut map = BTreeMap::new();
    for OfLicense { license, value } in values {
        if map.contains_key(&license) {
            return Err(Mistake::usage(format!("License {license} is named twice; say it once.")));
        }
        map.insert(license, value);
    }
    Ok(map)
}
