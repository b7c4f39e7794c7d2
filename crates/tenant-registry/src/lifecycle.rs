//! How tenants come and go. The row that names a tenant's store is there before the store is made and until it is gone, so that
//! a crash, or a file that cannot be removed, leaves a tenant whose deletion can be ended and never a file that nobody knows.

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
    /// Makes a tenant: its row, its store with what `initialise` writes into it, then the state in which it is served. A crash
    /// in between leaves a tenant that is being deleted; the next start ends that.
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

    /// The row alone, of a tenant that is as good as gone.
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
            // Gone when staff have deleted it meanwhile.
            find(tx, &region, &made.company_key)?;
            write_state(tx, &made, TenantState::Active)?;
            record(tx, &made, "tenant.created", &json!({ "profile": made.profile }))?;
            Ok(made)
        };
        self.store.write(work).await
    }

    /// Removes a tenant with everything it had: its tokens end at once, then its store goes, then its row. Where that failed it
    /// can be said again; a start tries it too.
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

    /// Ends a deletion.
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
