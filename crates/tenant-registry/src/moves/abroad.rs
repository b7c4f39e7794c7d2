//! The other region's side of a move: a row that names the store before it is made, and that becomes the tenant when all of it is
//! there. The region that the tenant comes from decides; until then nobody here touches the row.

use std::sync::Arc;

use diesel::prelude::*;
use serde_json::json;
use store::{StoreError, WriteTx};

use crate::{
    arrival,
    by::By,
    error::{RegistryError, TenantName},
    leases,
    names::{RegionCode, TenantId},
    place::TenantLocation,
    record::TenantRecord,
    registry::{Forgets, Registry},
    schema::tenants,
    tenant::{TenantState, find, record},
    upgrade::newest,
};

impl Registry {
    /// Writes the row of a tenant that comes from another region, in the state `deleting`.
    pub(super) async fn expect(
        &self,
        from: TenantRecord,
        location: TenantLocation,
    ) -> Result<(), RegistryError> {
        let (region, check) = (self.region.clone(), self.check_profile);
        let taken = RegistryError::KeyTaken(TenantName::new(&region, &from.tenant.key));
        let work = move |tx: &mut WriteTx<'_>| {
            let key = &from.tenant.key;
            let tenant = arrival::insert(tx, &region, &from, key, &location, check)?;
            leases::reserve(tx, &tenant.id)
        };
        self.write_registry(work).await.map_err(|error| match error {
            RegistryError::Store(StoreError::Unique(_)) => taken,
            error => error,
        })
    }

    /// Removes that row again, unless the tenant has arrived.
    pub(super) async fn expect_no_more(&self, tenant: &TenantId) -> Result<(), RegistryError> {
        let id = tenant.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            if leases::end_reserved(tx, &id)? {
                let row = tenants::table.find(id.as_str());
                let unfinished = row.filter(tenants::state.eq(TenantState::Deleting.key()));
                diesel::delete(unfinished).execute(tx.connection())?;
            }
            Ok(())
        };
        self.write_registry(work).await
    }

    /// Makes the row the tenant that has left the other region; nothing, if it is so already.
    pub(super) async fn welcome(
        &self,
        from: TenantRecord,
        sender: &RegionCode,
        by: By,
    ) -> Result<(), RegistryError> {
        let (region, sender, known) = (self.region.clone(), sender.clone(), Arc::clone(&self.known));
        let version = newest(self.tenant_migrations);
        let work = move |tx: &mut WriteTx<'_>| {
            let forgets = Forgets { known, tenant: from.tenant.id.clone() };
            if leases::end_reserved(tx, &from.tenant.id)? {
                let tenant = find(tx, &region, &from.tenant.key)?;
                arrival::complete(tx, &tenant, &from, from.tenant.state, version)?;
                record(tx, &tenant, &by, "tenant.arrived", &json!({ "from_region": sender }))?;
            }
            Ok(forgets)
        };
        drop(self.write_registry(work).await?);
        Ok(())
    }
}
