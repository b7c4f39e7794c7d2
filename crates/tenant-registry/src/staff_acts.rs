//! What staff did, newest first: with the actor and the request of each act.

use diesel::prelude::*;
use serde_json::Value;
use store::{ReadTx, WriteTx};

use crate::{
    by::By,
    error::RegistryError,
    names::CompanyKey,
    registry::Registry,
    schema::{staff_acts, tenants},
    tenant::{by_key, record_of},
};

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct StaffAct {
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The company key of its tenant; `None` for an act on none, or on one that is not here any more.
    pub key: Option<String>,
    /// `tenant.settings`, `credential.added`, `admin_token.added`, …
    pub act: String,
    /// JSON text.
    pub detail: String,
    /// `root`, or the name of an admin token; empty in records of earlier releases, as is the request.
    pub actor: String,
    /// The request's id.
    pub request_id: String,
}

impl Registry {
    /// Records an act that changes nothing here, on one tenant or on the region.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn record_act(
        &self,
        tenant: Option<CompanyKey>,
        act: &'static str,
        detail: Value,
        by: By,
    ) -> Result<(), RegistryError> {
        let region = self.region.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            let id = match &tenant {
                Some(key) => by_key(tx, &region, key)?.id.to_string(),
                None => String::new(),
            };
            record_of(tx, &id, &by, act, &detail)
        };
        self.write_registry(work).await
    }

    /// At most `limit` acts on one tenant, or on the region and its tenants.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn acts(&self, tenant: Option<CompanyKey>, limit: i64) -> Result<Vec<StaffAct>, RegistryError> {
        let region = self.region.clone();
        let work = move |tx: &mut ReadTx<'_>| {
            let mut acts = staff_acts::table
                .left_join(tenants::table.on(staff_acts::tenant_id.eq(tenants::id)))
                .order((staff_acts::at_ms.desc(), staff_acts::id.desc()))
                .limit(limit)
                .select((
                    staff_acts::at_ms,
                    tenants::company_key.nullable(),
                    staff_acts::act,
                    staff_acts::detail,
                    staff_acts::actor,
                    staff_acts::request_id,
                ))
                .into_boxed();
            if let Some(key) = tenant {
                let tenant = by_key(tx, &region, &key)?;
                acts = acts.filter(staff_acts::tenant_id.eq(tenant.id.to_string()));
            }
            Ok(acts.load(tx.connection())?)
        };
        self.store.read(work).await
    }
}
