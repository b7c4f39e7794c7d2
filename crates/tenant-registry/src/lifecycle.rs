//! How tenants are created and deleted. The row that names a tenant's store is written before the store is made and removed after it,
//! so that a crash leaves a tenant whose deletion can be completed, never a file without a row.

use diesel::prelude::*;
use serde_json::json;
use store::WriteTx;

use crate::{
    credentials,
    error::{RegistryError, TenantName},
    names::CompanyKey,
    registry::Registry,
    schema::tenants,
    tenant::{Tenant, TenantSettings, TenantState, find, record, write_state},
};

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
}

impl Registry {
    /// Makes a tenant: its row, its store with the contents that `initialise` writes, then the state `active`. A crash in between
    /// leaves a tenant in the state `deleting`; the next start completes that deletion.
    ///
    /// # Errors
    /// [`RegistryError::KeyTaken`], [`RegistryError::BeingDeleted`], [`RegistryError::Initialise`], or the store's.
    pub async fn create<F>(&self, new: NewTenant, initialise: F) -> Result<Tenant, RegistryError>
    where
        F: FnOnce(&mut WriteTx<'_>) -> Result<(), RegistryError> + Send + 'static,
    {
        let key = new.company_key.clone();
        let _making = self.making.begin(&key).ok_or_else(|| self.key_taken(&key))?;
        match self.tenant(&key).await {
            Ok(_) => return Err(self.key_taken(&key)),
            Err(RegistryError::NoTenant(_)) => {}
            Err(error) => return Err(error),
        }
        let tenant = self.insert(new).await?;
        match self.furnish(&tenant, initialise).await {
            Ok(tenant) => Ok(tenant),
            Err(error) => {
                self.remove(&tenant).await?;
                Err(error)
            }
        }
    }

    fn key_taken(&self, key: &CompanyKey) -> RegistryError {
        RegistryError::KeyTaken(TenantName::new(&self.region, key))
    }

    /// Writes the row alone, in the state `deleting`.
    async fn insert(&self, new: NewTenant) -> Result<Tenant, RegistryError> {
        let region = self.region.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            let settings = serde_json::to_string(&new.settings)
                .map_err(|e| RegistryError::Damaged(format!("settings: {e}")))?;
            let id = tx.new_id();
            let row = (
                tenants::id.eq(&id),
                tenants::company_key.eq(new.company_key.as_str()),
                tenants::name.eq(&new.name),
                tenants::state.eq(TenantState::Deleting.key()),
                tenants::profile.eq(&new.profile),
                tenants::settings.eq(settings),
                tenants::created_ms.eq(tx.now_ms()),
            );
            diesel::insert_into(tenants::table).values(row).execute(tx.connection())?;
            find(tx, &region, &new.company_key)
        };
        self.store.write(work).await
    }

    /// Makes the store, and then the tenant an active one.
    async fn furnish<F>(&self, tenant: &Tenant, initialise: F) -> Result<Tenant, RegistryError>
    where
        F: FnOnce(&mut WriteTx<'_>) -> Result<(), RegistryError> + Send + 'static,
    {
        let location = self.location(&tenant.id)?;
        self.stores.create(&location, self.tenant_migrations).await?.write(initialise).await?;
        let region = self.region.clone();
        let made = Tenant { state: TenantState::Active, ..tenant.clone() };
        let work = move |tx: &mut WriteTx<'_>| {
            // Fails if staff have deleted it meanwhile.
            find(tx, &region, &made.company_key)?;
            write_state(tx, &made, TenantState::Active)?;
            record(tx, &made, "tenant.created", &json!({ "profile": made.profile }))?;
            Ok(made)
        };
        self.store.write(work).await
    }

    /// Deletes a tenant: its tokens at once, then its store, then its row. A deletion that failed can be repeated; each start
    /// repeats it too.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], [`RegistryError::NotRemoved`], or the store's.
    pub async fn delete(&self, key: &CompanyKey) -> Result<(), RegistryError> {
        let (region, key) = (self.region.clone(), key.clone());
        let work = move |tx: &mut WriteTx<'_>| {
            let tenant = find(tx, &region, &key)?;
            if tenant.state != TenantState::Deleting {
                write_state(tx, &tenant, TenantState::Deleting)?;
                credentials::forget_tenant(tx, &tenant)?;
                record(tx, &tenant, "tenant.deleted", &json!({}))?;
            }
            Ok(tenant)
        };
        let tenant = self.write_as_staff(None, RegistryError::is_full, work).await?;
        self.remove(&tenant).await
    }

    /// Completes a deletion.
    pub(crate) async fn remove(&self, tenant: &Tenant) -> Result<(), RegistryError> {
        let location = self.location(&tenant.id)?;
        self.stores.destroy(&location).await.map_err(|cause| RegistryError::NotRemoved {
            tenant: TenantName::new(&self.region, &tenant.company_key),
            cause,
        })?;
        let id = tenant.id.to_string();
        let work = move |tx: &mut WriteTx<'_>| {
            diesel::delete(tenants::table.find(&id)).execute(tx.connection())?;
            Ok(())
        };
        self.write_as_staff(None, RegistryError::is_full, work).await
    }
}
