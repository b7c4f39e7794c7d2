//! `member=5` and `member=refuse`: what a plan says of one license, as it is typed and as the admin API reads it.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::mistake::Mistake;

/// The licenses that are sold, dearest first.
const LICENSES: [&str; 2] = ["member", "member_lite"];

/// `LICENSE=SEATS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    license: &'static str,
    /// `None` is without limit.
    seats: Option<u32>,
}

/// `LICENSE=POLICY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyOf {
    license: &'static str,
    policy: &'static str,
}

/// `{"member": 5, "member_lite": null}`.
pub(super) struct Quotas(pub(super) Map<String, Value>);

/// `{"member": "refuse"}`.
pub(super) struct Policies(pub(super) Map<String, Value>);

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (license, seats) = split(text, "member=5")?;
        let seats = match seats {
            "unlimited" => None,
            number => Some(number.parse().map_err(|_| {
                format!(
                    "`{number}` is no number of seats; give a whole number from 0 to {}, or `unlimited`",
                    u32::MAX
                )
            })?),
        };
        Ok(Self { license, seats })
    }
}

impl FromStr for PolicyOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (license, policy) = split(text, "member=refuse")?;
        let policy = ["refuse", "fallback"]
            .into_iter()
            .find(|known| *known == policy)
            .ok_or_else(|| format!("`{policy}` is no policy; it is `refuse` or `fallback`"))?;
        Ok(Self { license, policy })
    }
}

fn split<'a>(text: &'a str, example: &str) -> Result<(&'static str, &'a str), String> {
    let (license, value) =
        text.split_once('=').ok_or_else(|| format!("say license and value, such as `{example}`"))?;
    let known = LICENSES.into_iter().find(|known| *known == license.trim());
    let license = known
        .ok_or_else(|| format!("`{license}` is no license; the licenses are {}", LICENSES.join(" and ")))?;
    Ok((license, value.trim()))
}

impl TryFrom<Vec<Quota>> for Quotas {
    type Error = Mistake;

    fn try_from(quotas: Vec<Quota>) -> Result<Self, Mistake> {
        once_each(quotas.into_iter().map(|quota| (quota.license, quota.seats.into()))).map(Self)
    }
}

impl TryFrom<Vec<PolicyOf>> for Policies {
    type Error = Mistake;

    fn try_from(policies: Vec<PolicyOf>) -> Result<Self, Mistake> {
        once_each(policies.into_iter().map(|choice| (choice.license, choice.policy.into()))).map(Self)
    }
}

/// Two values for one license contradict each other, so neither is taken.
fn once_each(pairs: impl Iterator<Item = (&'static str, Value)>) -> Result<Map<String, Value>, Mistake> {
    let mut map = Map::new();
    for (license, value) in pairs {
        if map.insert(license.into(), value).is_some() {
            return Err(Mistake::usage(format!("License {license} is named twice; say it once.")));
        }
    }
    Ok(map)
}
