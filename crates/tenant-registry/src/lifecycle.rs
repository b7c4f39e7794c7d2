//! How tenants are created and deleted. The row that names a tenant's store is written before the store is made and removed after it,
//! so that a crash leaves a tenant whose deletion can be completed, never a file without a row.

use std::sync::Arc;

use diesel::prelude::*;
use serde_json::json;
use store::{StoreError, WriteTx};

use crate::{
    admin_tokens,
    by::By,
    cells, credentials, due_times,
    error::{RegistryError, TenantName},
    leases,
    names::{CompanyKey, TenantId},
    place::Placement,
    profiles,
    registry::{Forgets, Registry},
    schema::tenants,
    tenant::{Tenant, TenantSettings, TenantState, find, record, text_of, write_state},
    upgrade::newest,
    verdicts,
};

/// After how long the tick looks into a new tenant's store for the first time, where nothing falls due before.
const FIRST_LOOK_MS: i64 = 86_400_000;

/// What a new tenant is made of.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// Its name in URLs.
    pub company_key: CompanyKey,
    /// Its name in sentences.
    pub name: String,
    /// The name of its profile.
    pub profile: String,
    /// What staff set.
    pub settings: TenantSettings,
    /// Where its store shall be; `None`: in the emptiest open cell, or in a file where the region has no cell.
    pub placement: Option<Placement>,
}

impl Registry {
    /// Makes a tenant: its row, its store with the contents that `initialise` writes, then the state `active`. A crash in between
    /// leaves a tenant in the state `deleting`, whose deletion is completed when its lease has ended.
    ///
    /// # Errors
    /// [`RegistryError::KeyTaken`], [`RegistryError::BeingDeleted`], [`RegistryError::Initialise`], or the store's.
    pub async fn create<F>(&self, new: NewTenant, by: By, initialise: F) -> Result<Tenant, RegistryError>
    where
        F: FnOnce(&mut WriteTx<'_>) -> Result<(), RegistryError> + Send + 'static,
    {
        let tenant = self.insert(new).await?;
        let _renewal = leases::renew(&self.store, &tenant.id, &self.holder);
        match self.furnish(&tenant, by, initialise).await {
            Ok(tenant) => Ok(tenant),
            Err(error) => {
                self.remove(&tenant).await?;
                Err(error)
            }
        }
    }

    /// Writes the row alone, in the state `deleting`, with a lease.
    async fn insert(&self, new: NewTenant) -> Result<Tenant, RegistryError> {
        let (region, place, holder) = (self.region.clone(), self.place.clone(), self.holder.clone());
        let check = self.check_profile;
        let version = newest(self.tenant_migrations);
        let taken = RegistryError::KeyTaken(TenantName::new(&region, &new.company_key));
        let work = move |tx: &mut WriteTx<'_>| {
            match find(tx, &region, &new.company_key) {
                Ok(tenant) if tenant.state == TenantState::Deleting && !leases::is_held(tx, &tenant.id)? => {
                    let name = TenantName::new(&region, &new.company_key);
                    // On PostgreSQL each statement sees what is committed by then: between these two the process that makes the
                    // tenant may have ended its lease because the tenant is made.
                    return Err(match find(tx, &region, &new.company_key) {
                        Ok(tenant) if tenant.state != TenantState::Deleting => RegistryError::KeyTaken(name),
                        _ => RegistryError::BeingDeleted(name),
                    });
                }
                Ok(_) => return Err(RegistryError::KeyTaken(TenantName::new(&region, &new.company_key))),
                Err(RegistryError::NoTenant(_)) => {}
                Err(error) => return Err(error),
            }
            let version_of_profile =
                profiles::version_for(tx, check, &region, &new.profile, &new.settings.overrides)?;
            let settings = text_of(&new.settings)?;
            let id = TenantId::new(&tx.new_id())?;
            let location = cells::place(tx, &region, &place, &id, new.placement.as_ref())?;
            let (cell, schema) = location.columns();
            let row = (
                tenants::id.eq(id.as_str()),
                tenants::company_key.eq(new.company_key.as_str()),
                tenants::name.eq(&new.name),
                tenants::state.eq(TenantState::Deleting.key()),
                tenants::profile.eq(&new.profile),
                tenants::settings.eq(settings),
                tenants::created_ms.eq(tx.now_ms()),
                tenants::cell.eq(cell),
                tenants::schema.eq(schema),
                tenants::store_version.eq(version),
                tenants::profile_version.eq(version_of_profile),
            );
            diesel::insert_into(tenants::table).values(row).execute(tx.connection())?;
            let tenant = find(tx, &region, &new.company_key)?;
            let at_ms = tx.now_ms() + FIRST_LOOK_MS;
            due_times::note(tx, &tenant.id, at_ms, 0)?;
            leases::take(tx, &tenant, &holder)?;
            Ok(tenant)
        };
        let inserted = self.store.write(work).await;
        inserted.map_err(|error| match error {
            // Another process was faster.
            RegistryError::Store(StoreError::Unique(_)) => taken,
            error => error,
        })
    }

    /// Makes the store, and then the tenant an active one.
    async fn furnish<F>(&self, tenant: &Tenant, by: By, initialise: F) -> Result<Tenant, RegistryError>
    where
        F: FnOnce(&mut WriteTx<'_>) -> Result<(), RegistryError> + Send + 'static,
    {
        let location = self.place.locate(&tenant.id, &tenant.location)?;
        self.stores.create(&location, self.tenant_migrations).await?.write(initialise).await?;
        let (region, holder) = (self.region.clone(), self.holder.clone());
        let made = Tenant { state: TenantState::Active, ..tenant.clone() };
        let work = move |tx: &mut WriteTx<'_>| {
            if !leases::end(tx, &made.id, &holder)? {
                // This took so long that another process deletes it.
                return Err(RegistryError::BeingDeleted(TenantName::new(&region, &made.company_key)));
            }
            write_state(tx, &made, TenantState::Active)?;
            let detail = json!({ "key": made.company_key, "profile": made.profile });
            record(tx, &made, &by, "tenant.created", &detail)?;
            Ok(made)
        };
        self.store.write(work).await
    }

    /// Deletes a tenant: its tokens at once, then its store, then its row. A deletion that failed can be repeated; each start
    /// repeats it too.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], [`RegistryError::Occupied`], [`RegistryError::NotRemoved`], or the store's.
    pub async fn delete(&self, key: &CompanyKey, by: By) -> Result<(), RegistryError> {
        let (region, key, holder) = (self.region.clone(), key.clone(), self.holder.clone());
        let known = Arc::clone(&self.known);
        let work = move |tx: &mut WriteTx<'_>| {
            let tenant = find(tx, &region, &key)?;
            if !leases::take(tx, &tenant, &holder)? {
                return Err(RegistryError::Occupied(TenantName::new(&region, &key)));
            }
            if tenant.state != TenantState::Deleting {
                write_state(tx, &tenant, TenantState::Deleting)?;
                credentials::forget_tenant(tx, &tenant)?;
                admin_tokens::forget_tenant(tx, &tenant)?;
                record(tx, &tenant, &by, "tenant.deleted", &json!({ "key": tenant.company_key }))?;
            }
            let forgets = Forgets { known, tenant: tenant.id.clone() };
            Ok((tenant, forgets))
        };
        let (tenant, _) = self.write_registry(work).await?;
        let _renewal = leases::renew(&self.store, &tenant.id, &self.holder);
        let removed = self.remove(&tenant).await;
        if removed.is_err() {
            self.end_lease(&tenant.id).await;
        }
        removed
    }

    /// Ends this process's lease, so that what it could not complete can be tried again, or settled, at once.
    pub(crate) async fn end_lease(&self, tenant: &TenantId) {
        let (id, holder) = (tenant.clone(), self.holder.clone());
        let end = move |tx: &mut WriteTx<'_>| leases::end(tx, &id, &holder);
        let _ends_by_itself = self.write_registry(end).await;
    }

    /// Completes a deletion. Only with its lease: when that has ended, another process may have made the tenant anew.
    pub(crate) async fn remove(&self, tenant: &Tenant) -> Result<(), RegistryError> {
        let (asked, holder) = (tenant.clone(), self.holder.clone());
        let is_own = move |tx: &mut WriteTx<'_>| leases::is_own(tx, &asked, &holder);
        if !self.write_registry(is_own).await? {
            return Err(RegistryError::Occupied(TenantName::new(&self.region, &tenant.company_key)));
        }
        let location = self.place.locate(&tenant.id, &tenant.location)?;
        self.stores.destroy(&location).await.map_err(|cause| RegistryError::NotRemoved {
            tenant: TenantName::new(&self.region, &tenant.company_key),
            cause,
        })?;
        let (id, holder) = (tenant.id.clone(), self.holder.clone());
        let work = move |tx: &mut WriteTx<'_>| {
            leases::end(tx, &id, &holder)?;
            due_times::forget(tx, &id)?;
            verdicts::forget(tx, &id)?;
            diesel::delete(tenants::table.find(id.as_str())).execute(tx.connection())?;
            Ok(())
        };
        self.write_registry(work).await
    }
}
