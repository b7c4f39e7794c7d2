//! The profiles that rest in a region's registry, as texts with versions, and which tenant has which. Their meaning is known to the crate
//! above, which gives the registry a [`CheckProfile`].

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde_json::{Map, Value};
use store::{ReadTx, WriteTx};

use crate::{
    error::RegistryError,
    names::RegionCode,
    schema::{profiles, tenants},
    tenant::{Tenant, TenantSettings, read_settings},
};

/// Reads the profile of this name, from the registry's text or, without one, among those that ship with Usher, and applies a tenant's
/// overrides to it. A sentence, without its full stop, when one of both cannot be done.
pub type CheckProfile =
    fn(name: &str, text: Option<&str>, overrides: &Map<String, Value>) -> Result<(), String>;

/// One profile as it rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProfile {
    /// Its name.
    pub name: String,
    /// From 1; a number never means two texts.
    pub version: i64,
    /// The file, in TOML.
    pub text: String,
}

/// The profile of a tenant, and what the tenant says differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileChoice {
    /// The name.
    pub profile: String,
    /// The version; 0 for one that ships with Usher.
    pub version: i64,
    /// Nested like the file.
    pub overrides: Map<String, Value>,
}

impl ProfileChoice {
    /// The choice that a tenant has.
    #[must_use]
    pub fn of(tenant: &Tenant) -> Self {
        Self {
            profile: tenant.profile.clone(),
            version: tenant.profile_version,
            overrides: tenant.settings.overrides.clone(),
        }
    }
}

/// The ids of the tenants that have this profile, all of which can have this version of it.
pub(crate) fn tenants_that_take(
    tx: &mut ReadTx<'_>,
    check: CheckProfile,
    new: &StoredProfile,
    keeps: impl FnOnce(&StoredProfile) -> Result<(), RegistryError>,
) -> Result<Vec<String>, RegistryError> {
    let rows: Vec<(String, String, String)> = tenants::table
        .filter(tenants::profile.eq(&new.name))
        .order(tenants::company_key)
        .select((tenants::id, tenants::company_key, tenants::settings))
        .load(tx.connection())?;
    if let Some(before) = find(tx, &new.name)?.filter(|_| !rows.is_empty()) {
        keeps(&before)?;
    }
    for (id, key, settings) in &rows {
        let TenantSettings { overrides, .. } = read_settings(id, settings)?;
        if !overrides.is_empty() {
            check(&new.name, Some(&new.text), &overrides).map_err(|why| {
                RegistryError::Profile(format!("the overrides of the tenant {key} do not fit it: {why}"))
            })?;
        }
    }
    Ok(rows.into_iter().map(|(id, ..)| id).collect())
}

/// The version by which a new tenant of this profile is read.
///
/// # Errors
/// `Profile` when there is none, or it does not take these overrides; or the store's.
pub(crate) fn version_for(
    tx: &mut ReadTx<'_>,
    check: CheckProfile,
    region: &RegionCode,
    name: &str,
    overrides: &Map<String, Value>,
) -> Result<i64, RegistryError> {
    let stored = find(tx, name)?;
    let text = stored.as_ref().map(|stored| stored.text.as_str());
    check(name, text, overrides)
        .map_err(|why| RegistryError::Profile(format!("region {region} cannot have this tenant: {why}")))?;
    Ok(stored.map_or(0, |stored| stored.version))
}

/// The version of a profile that holds now; 0 for one that does not rest here.
pub(crate) fn current_version(tx: &mut ReadTx<'_>, name: &str) -> Result<i64, RegistryError> {
    Ok(find(tx, name)?.map_or(0, |stored| stored.version))
}

pub(crate) fn find(tx: &mut ReadTx<'_>, name: &str) -> Result<Option<StoredProfile>, RegistryError> {
    let newest = profiles::table
        .filter(profiles::name.eq(name))
        .order(profiles::version.desc())
        .select((profiles::version, profiles::text));
    let newest: Option<(i64, Option<String>)> = newest.first(tx.connection()).optional()?;
    Ok(newest.and_then(|(version, text)| Some(StoredProfile { name: name.to_owned(), version, text: text? })))
}

pub(crate) fn newest(tx: &mut ReadTx<'_>, name: &str) -> Result<i64, RegistryError> {
    let newest = profiles::table.filter(profiles::name.eq(name)).select(diesel::dsl::max(profiles::version));
    Ok(newest.get_result::<Option<i64>>(tx.connection())?.unwrap_or(0))
}

pub(crate) fn current(tx: &mut ReadTx<'_>) -> Result<Vec<StoredProfile>, RegistryError> {
    let names: Vec<String> =
        profiles::table.select(profiles::name).distinct().order(profiles::name).load(tx.connection())?;
    let names: BTreeSet<String> = names.into_iter().collect();
    let mut all = Vec::new();
    for name in names {
        all.extend(find(tx, &name)?);
    }
    Ok(all)
}

pub(crate) fn insert(
    tx: &mut WriteTx<'_>,
    name: &str,
    version: i64,
    text: Option<&str>,
) -> Result<(), RegistryError> {
    let row = (
        profiles::name.eq(name),
        profiles::version.eq(version),
        profiles::text.eq(text),
        profiles::added_ms.eq(tx.now_ms()),
    );
    diesel::insert_into(profiles::table).values(row).execute(tx.connection())?;
    Ok(())
}
