//! Parses words of the command line into types of the domain. A wrong word is wrong usage; nothing is sent.

use std::{num::NonZeroU64, str::FromStr};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use conformance::Profile;
use scim_core::{ResourceKind, filter::Instant};
use staff::Feature;
use strum::{EnumString, VariantNames};
use tenant_registry::{BadName, CompanyKey, Rate, RegionCode};

/// The identity provider that the guide is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Guide {
    /// Okta, with an HTTP header or Basic.
    Okta,
    /// Microsoft Entra ID, with OAuth client credentials.
    Entra,
    /// Microsoft Entra ID without a secret: by workload identity federation.
    EntraWif,
}

/// Bytes that a store may hold; `None` is unlimited.
pub(crate) type MaxBytes = Option<NonZeroU64>;

/// Requests a second; `None` is no limit.
pub(crate) type PerSecond = Option<u32>;

/// A region's code, in any letter case (MC3).
pub(crate) fn region(text: &str) -> Result<RegionCode, BadName> {
    RegionCode::new(&text.trim().to_ascii_lowercase())
}

/// A company key. Blanks around it are cut off, because keys are pasted (MC7).
pub(crate) fn key(text: &str) -> Result<CompanyKey, BadName> {
    CompanyKey::new(text.trim())
}

/// A number of bytes, or `unlimited`.
pub(crate) fn max_bytes(text: &str) -> Result<MaxBytes, String> {
    match text.trim() {
        "unlimited" => Ok(None),
        number => number.parse().map(Some).map_err(|_| {
            format!("`{number}` is no number of bytes; give a whole number from 1, or `unlimited`")
        }),
    }
}

/// A rate's requests a second, or `off`.
pub(crate) fn per_second(text: &str) -> Result<PerSecond, String> {
    match text.trim() {
        "off" => Ok(None),
        number => {
            let number = number.parse().map_err(|_| {
                format!("`{number}` is no rate; give a whole number of requests a second, or `off`")
            })?;
            Rate::new(number, None).map(|rate| Some(rate.per_second())).map_err(|e| e.to_string())
        }
    }
}

/// `on` or `off`.
pub(crate) fn on_or_off(text: &str) -> Result<bool, String> {
    match text.trim() {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(format!("`{other}` is neither `on` nor `off`")),
    }
}

/// A feature that is switched on or off.
#[derive(Clone, Copy, Debug)]
pub struct OfFeature {
    /// Which.
    pub feature: Feature,
    /// How.
    pub is_on: bool,
}

/// Reads `create=off`.
pub(crate) fn feature(text: &str) -> Result<OfFeature, String> {
    let (name, value) = text.split_once('=').ok_or("give a feature and how it is, such as create=off")?;
    let feature = name.trim().parse::<Feature>().map_err(|_| {
        let names: Vec<_> = Feature::ALL.iter().map(|feature| feature.name()).collect();
        format!("there is no feature `{name}`; there are {}", names.join(", "))
    })?;
    Ok(OfFeature { feature, is_on: on_or_off(value)? })
}

/// A rate's burst.
pub(crate) fn burst(text: &str) -> Result<u32, String> {
    let number = text.trim().parse().map_err(|_| format!("`{text}` is no whole number of requests"))?;
    let rate = Rate::new(Rate::LEAST_PER_SECOND, Some(number)).map_err(|e| e.to_string())?;
    Ok(rate.burst())
}

/// A time, in milliseconds since 1970 UTC.
pub(crate) fn instant_ms(text: &str) -> Result<i64, &'static str> {
    let ms = Instant::parse(text.trim()).and_then(Instant::as_whole_millis);
    ms.ok_or("give a time such as 2026-11-28T10:22:01Z, to the millisecond at most")
}

/// A profile of `usher conformance`.
pub(crate) fn profile(text: &str) -> Result<Profile, String> {
    let found = Profile::ALL.into_iter().find(|profile| profile.word() == text.trim().to_lowercase());
    found.ok_or_else(|| format!("there are {}", Profile::ALL.map(Profile::word).join(", ")))
}

/// A schema's URN, of characters that need no encoding in a path.
pub(crate) fn urn(text: &str) -> Result<String, &'static str> {
    let urn = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let is_urn = urn.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    if is_urn && urn.len() <= 200 && urn.chars().all(fits) {
        Ok(urn.to_owned())
    } else {
        Err("give a URN, such as urn:example:hr:2.0:User")
    }
}

/// A name and a value with an equals sign between them.
pub(crate) fn pair(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a name and a value with = between them"),
    }
}

/// One of the words of an enum.
pub(crate) fn word<T>() -> impl TypedValueParser<Value = T>
where
    T: FromStr + VariantNames + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(T::VARIANTS).try_map(|word| word.parse::<T>().map_err(|_| "unknown word"))
}

/// A kind of resource that takes a tenant's own schemas, in any letter case.
pub(crate) fn extensible_kind() -> impl TypedValueParser<Value = ResourceKind> {
    let names = ResourceKind::written().map(ResourceKind::name);
    PossibleValuesParser::new(names).try_map(|word| {
        let named = |kind: &ResourceKind| kind.name().eq_ignore_ascii_case(&word);
        ResourceKind::written().find(named).ok_or("unknown kind")
    })
}
