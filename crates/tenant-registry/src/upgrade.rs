//! Which migration each tenant's store has. A release with a new migration finds thousands of stores behind: each is migrated when it is
//! opened, and `usher migrate` opens all of them.

use std::sync::PoisonError;

use diesel::prelude::*;
use store::{Migration, ReadTx, StoreError, StoreLocation, Stores, WriteTx};

use crate::{
    error::RegistryError,
    migrations::REGISTRY_MIGRATIONS,
    names::{CompanyKey, RegionCode, TenantId},
    place::RegionPlace,
    registry::Registry,
    schema::tenants,
    tenant::{Row, Tenant, TenantState},
};

/// A tenant's store that lacks a migration.
#[derive(Clone, Debug)]
pub struct StoreBehind {
    /// The tenant's public name.
    pub company_key: CompanyKey,
    id: TenantId,
    location: StoreLocation,
}

/// A region's stores, for a process that migrates them beside those that serve.
pub struct Upgrade {
    registry: store::Store,
    stores: Stores,
    migrations: &'static [Migration],
    region: RegionCode,
    place: RegionPlace,
}

/// The name of the newest migration.
pub(crate) fn newest(migrations: &[Migration]) -> &'static str {
    migrations.last().map_or("", |newest| newest.version)
}

/// Which tenants have a store that lacks a migration; a tenant that is being deleted does not count.
#[diesel::dsl::auto_type]
fn is_behind(newest: &'static str) -> _ {
    let deleting: &'static str = TenantState::Deleting.key();
    tenants::store_version.ne(newest).and(tenants::state.ne(deleting))
}

impl Upgrade {
    /// Migrates the region's registry; `None` when the region has none yet.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(
        stores: &Stores,
        region: RegionCode,
        place: RegionPlace,
        migrations: &'static [Migration],
    ) -> Result<Option<Self>, RegistryError> {
        match stores.open(&place.registry(&region)?, REGISTRY_MIGRATIONS).await {
            Ok(registry) => Ok(Some(Self { registry, stores: stores.clone(), migrations, region, place })),
            Err(StoreError::Missing) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The stores that lack a migration, as far as the registry knows. A tenant that is being deleted does not count.
    ///
    /// # Errors
    /// The store's, or [`RegistryError::Damaged`].
    pub async fn behind(&self) -> Result<Vec<StoreBehind>, RegistryError> {
        let (region, place, newest) = (self.region.clone(), self.place.clone(), newest(self.migrations));
        let work = move |tx: &mut ReadTx<'_>| {
            let rows: Vec<Row> =
                tenants::table.filter(is_behind(newest)).order(tenants::id).load(tx.connection())?;
            let behind = rows.into_iter().map(|row| {
                let tenant = Tenant::of_row(&region, row)?;
                let location = place.locate(&tenant.id, &tenant.location)?;
                Ok(StoreBehind { company_key: tenant.company_key, id: tenant.id, location })
            });
            behind.collect()
        };
        self.registry.read(work).await
    }

    /// Migrates one store, and notes it.
    ///
    /// # Errors
    /// The store's; nothing of a failed migration stays.
    pub async fn migrate(&self, behind: StoreBehind) -> Result<(), RegistryError> {
        self.stores.open(&behind.location, self.migrations).await?;
        // So that ten thousand files are not open at the end.
        self.stores.close(&behind.location).await;
        note(&self.registry, behind.id, newest(self.migrations)).await
    }
}

impl Registry {
    /// How many tenants' stores lack a migration, as far as this registry knows.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stores_behind(&self) -> Result<i64, RegistryError> {
        let behind = tenants::table.filter(is_behind(newest(self.tenant_migrations))).count();
        self.store.read(move |tx| Ok(behind.get_result(tx.connection())?)).await
    }

    /// Notes that a tenant's store has been opened, and so has all migrations. Tried once in the life of a process: what cannot be
    /// noted, as on a full disk, is noted by the next one.
    pub(crate) async fn note_version(&self, tenant: &Tenant) {
        let newest = newest(self.tenant_migrations);
        let is_first = || {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.insert(tenant.id.clone())
        };
        if tenant.store_version != newest
            && is_first()
            && note(&self.store, tenant.id.clone(), newest).await.is_ok()
        {
            self.forget(&tenant.id);
        }
    }
}

async fn note(registry: &store::Store, id: TenantId, version: &'static str) -> Result<(), RegistryError> {
    let work = move |tx: &mut WriteTx<'_>| {
        let row = tenants::table.find(id.as_str());
        diesel::update(row).set(tenants::store_version.eq(version)).execute(tx.connection())?;
        Ok(())
    };
    registry.write(work).await
}
