//! `member=5`, `member=overage:3`: the quota, the policy or the grace of one license, as it is typed. Which licenses there are is known to
//! the tenant alone, so the gateway answers for their names.

use std::collections::BTreeMap;

use seat_ledger::{Overage, Policy};

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

/// A policy, with the seats of `overage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub(crate) policy: Policy,
    pub(crate) overage: Option<Overage>,
}

/// Reads `LICENSE=POLICY`; of `overage` also the seats and the day of its end: `member=overage:5:2026-12-01`.
pub(crate) fn policy(text: &str) -> Result<OfLicense<Choice>, String> {
    of_license(text, "member=refuse", |typed| {
        let wrong =
            || format!("`{typed}` is no policy; it is `refuse`, `fallback`, `hold` or `overage:SEATS[:DAY]`");
        let mut words = typed.split(':');
        let policy = words.next().and_then(Policy::from_key).ok_or_else(wrong)?;
        let (seats, until) = (words.next(), words.next());
        let of_overage = policy == Policy::Overage;
        if words.next().is_some() || seats.is_some() != of_overage {
            return Err(wrong());
        }
        let until = until.map(str::parse).transpose()?;
        let seats = seats.map(|seats| seats.parse().map_err(|_| wrong())).transpose()?;
        Ok(Choice { policy, overage: seats.map(|seats| Overage { seats, until }) })
    })
}

/// `LICENSE=SEATS`, or `LICENSE=off` for none.
pub(crate) fn grace(text: &str) -> Result<OfLicense<Option<u32>>, String> {
    of_license(text, "member=2", |seats| match seats {
        "off" => Ok(None),
        number => {
            number.parse().map(Some).map_err(|_| format!("`{number}` is no number of seats; `off` is none"))
        }
    })
}

impl<T> OfLicense<T> {
    /// Both parts.
    pub(crate) fn parts(self) -> (String, T) {
        (self.license, self.value)
    }
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
