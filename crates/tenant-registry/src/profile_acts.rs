//! How staff change the profiles that rest in a region's registry, and which one a tenant has.

use std::{collections::BTreeMap, sync::Arc};

use diesel::{dsl::count_star, prelude::*};
use serde_json::{Map, json};
use store::{ReadTx, StoreError, WriteTx};

use crate::{
    arrival,
    by::By,
    due_times,
    error::RegistryError,
    names::{CompanyKey, TenantId},
    profiles::{
        ProfileChoice, StoredProfile, current, current_version, find, insert, newest, tenants_that_take,
        version_for,
    },
    record::TenantRecord,
    registry::{Forgets, Known, Registry},
    schema::tenants,
    tenant::{Tenant, TenantSettings, record, record_of, write_settings},
};

impl Registry {
    /// The profiles that rest here, in the order of their names.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn profiles(&self) -> Result<Vec<StoredProfile>, RegistryError> {
        self.store.read(current).await
    }

    /// The profile of this name, if it rests here.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn profile(&self, name: &str) -> Result<Option<StoredProfile>, RegistryError> {
        let name = name.to_owned();
        self.store.read(move |tx| find(tx, &name)).await
    }

    /// How many tenants have each profile, by its name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tenants_by_profile(&self) -> Result<BTreeMap<String, i64>, RegistryError> {
        let work = |tx: &mut ReadTx<'_>| {
            let counts = tenants::table.group_by(tenants::profile).select((tenants::profile, count_star()));
            Ok(counts.load::<(String, i64)>(tx.connection())?.into_iter().collect())
        };
        self.store.read(work).await
    }

    /// The newest number that a version of this profile ever had; 0: none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn newest_version(&self, name: &str) -> Result<i64, RegistryError> {
        let name = name.to_owned();
        self.store.read(move |tx| newest(tx, &name)).await
    }

    /// Adds a profile, or its next version, which holds for the next request of each of its tenants. `keeps` looks at the version before,
    /// if tenants have it.
    ///
    /// # Errors
    /// `Profile` when a tenant's overrides do not fit; `ProfileInUse` or what else `keeps` says; or the store's.
    pub async fn put_profile<F>(&self, new: StoredProfile, by: By, keeps: F) -> Result<(), RegistryError>
    where
        F: FnOnce(&StoredProfile) -> Result<(), RegistryError> + Clone + Send + 'static,
    {
        let (check, known) = (self.check_profile, Arc::clone(&self.known));
        let work = move |tx: &mut WriteTx<'_>| {
            let ids = tenants_that_take(tx, check, &new, keeps)?;
            insert(tx, &new.name, new.version, Some(&new.text))?;
            let of_profile = tenants::table.filter(tenants::profile.eq(&new.name));
            diesel::update(of_profile)
                .set(tenants::profile_version.eq(new.version))
                .execute(tx.connection())?;
            let detail = json!({ "profile": new.name, "version": new.version });
            record_of(tx, "", &by, "profile.put", &detail)?;
            // Delays may have become shorter.
            ids.iter().map(|id| changed(tx, id, &known)).collect::<Result<Vec<_>, _>>()
        };
        let beaten =
            || RegistryError::ProfileInUse("somebody else adds this profile now; try again".to_owned());
        self.write_registry(work).await.map(drop).map_err(|error| match error {
            RegistryError::Store(StoreError::Unique(_)) => beaten(),
            error => error,
        })
    }

    /// Whether [`Registry::put_profile`] would add this version now.
    ///
    /// # Errors
    /// As it.
    pub async fn may_put_profile<F>(&self, new: StoredProfile, keeps: F) -> Result<(), RegistryError>
    where
        F: FnOnce(&StoredProfile) -> Result<(), RegistryError> + Send + 'static,
    {
        let check = self.check_profile;
        self.store.read(move |tx| tenants_that_take(tx, check, &new, keeps).map(drop)).await
    }

    /// Takes a profile away that no tenant has.
    ///
    /// # Errors
    /// `NoProfile`, `ProfileInUse`, or the store's.
    pub async fn remove_profile(&self, name: &str, by: By) -> Result<(), RegistryError> {
        let (name, region) = (name.to_owned(), self.region.clone());
        let work = move |tx: &mut WriteTx<'_>| {
            let Some(before) = find(tx, &name)? else {
                return Err(RegistryError::NoProfile { region, name });
            };
            let having = tenants::table.filter(tenants::profile.eq(&name)).count();
            let having: i64 = having.get_result(tx.connection())?;
            if having > 0 {
                return Err(RegistryError::ProfileInUse(format!(
                    "{having} tenants of region {region} have the profile {name}; give them another first"
                )));
            }
            insert(tx, &name, before.version + 1, None)?;
            record_of(tx, "", &by, "profile.removed", &json!({ "profile": name }))
        };
        self.write_registry(work).await
    }

    /// Gives a tenant another profile or other overrides, which were checked against the tenant as it was read. `None`: it is another one
    /// meanwhile, or the profile is.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn choose_profile(
        &self,
        key: &CompanyKey,
        read: ProfileChoice,
        new: ProfileChoice,
        by: By,
    ) -> Result<Option<Tenant>, RegistryError> {
        self.act(key, move |tx, tenant| {
            let is_as_read = ProfileChoice::of(tenant) == read;
            if !is_as_read || current_version(tx, &new.profile)? != new.version {
                return Ok(None);
            }
            let settings = TenantSettings { overrides: new.overrides.clone(), ..tenant.settings.clone() };
            write_settings(tx, tenant, &by, &settings)?;
            let columns = (tenants::profile.eq(&new.profile), tenants::profile_version.eq(new.version));
            diesel::update(tenants::table.find(tenant.id.as_str())).set(columns).execute(tx.connection())?;
            let detail = json!({ "profile": new.profile, "overrides": new.overrides });
            record(tx, tenant, &by, "tenant.profile", &detail)?;
            due_times::look_soon(tx, &tenant.id)?;
            let ProfileChoice { profile, version: profile_version, .. } = new;
            Ok(Some(Tenant { settings, profile, profile_version, ..tenant.clone() }))
        })
        .await
    }

    /// # Errors
    /// `UnreadableProfile`, or the store's.
    pub(crate) async fn check_profiles(&self) -> Result<(), RegistryError> {
        for StoredProfile { name, version, text } in self.profiles().await? {
            (self.check_profile)(&name, Some(&text), &Map::new()).map_err(|why| {
                RegistryError::UnreadableProfile(format!(
                    "this version of usher cannot read the profile {name} (version {version}) of region {}: {why}",
                    self.region
                ))
            })?;
        }
        Ok(())
    }

    /// # Errors
    /// `Profile` when a tenant of this record could not be read here; or the store's.
    pub(crate) async fn check_profile_of(&self, from: &TenantRecord) -> Result<(), RegistryError> {
        let (check, region) = (self.check_profile, self.region.clone());
        let (profile, settings) = (from.tenant.profile.clone(), arrival::known(&from.tenant.settings)?);
        let work = move |tx: &mut ReadTx<'_>| {
            version_for(tx, check, &region, &profile, &settings.overrides).map(drop)
        };
        self.store.read(work).await
    }
}

/// What follows for a tenant whose profile is another one.
fn changed(tx: &mut WriteTx<'_>, id: &str, known: &Arc<Known>) -> Result<Forgets, RegistryError> {
    let tenant = TenantId::new(id)?;
    due_times::look_soon(tx, &tenant)?;
    Ok(Forgets { known: Arc::clone(known), tenant })
}
