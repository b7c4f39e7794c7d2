//! Which tenants trust an issuer, and which client assertions were used.

use diesel::prelude::*;
use store::{ReadTx, StoreError, WriteTx};

use crate::{
    error::RegistryError,
    names::CompanyKey,
    registry::Registry,
    schema::{credentials, moved_credentials, moves, tenants, used_assertions},
    tenant::TenantState,
    trust::Trust,
};

/// A live trust and whose it is.
#[derive(Clone, Debug)]
pub struct TenantTrust {
    /// Of the credential; [`Registry::live`] reads the rest.
    pub key_id: String,
    /// The tenant's.
    pub company_key: CompanyKey,
    /// The OAuth client that an assertion proves; empty for a bearer token.
    pub client_id: String,
    /// The trust.
    pub trust: Trust,
}

impl Registry {
    /// The live trusts in this issuer, of all tenants of the region.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn trusts_in(&self, issuer: &str) -> Result<Vec<TenantTrust>, RegistryError> {
        let (issuer, now_ms) = (issuer.to_owned(), self.now_ms());
        let read = move |tx: &mut ReadTx<'_>| {
            let is_live = credentials::expires_ms.is_null().or(credentials::expires_ms.gt(now_ms));
            let is_live = is_live.and(credentials::revoked_ms.is_null());
            let rows: Vec<(String, String, String, String)> = credentials::table
                .inner_join(tenants::table)
                .filter(credentials::issuer.eq(issuer).and(credentials::issuer.ne("")).and(is_live))
                .filter(tenants::state.ne(TenantState::Deleting.key()))
                .order((credentials::created_ms, credentials::key_id))
                .select((
                    credentials::key_id,
                    tenants::company_key,
                    credentials::client_id,
                    credentials::trust,
                ))
                .load(tx.connection())?;
            let mut trusts = Vec::new();
            for (key_id, company_key, client_id, trust) in rows {
                if let Some(trust) = Trust::of_column(&key_id, &trust)? {
                    trusts.push(TenantTrust {
                        company_key: CompanyKey::new(&company_key)?,
                        key_id,
                        client_id,
                        trust,
                    });
                }
            }
            Ok(trusts)
        };
        self.store.read(read).await
    }

    /// Whether a tenant that trusts this issuer is on its way to another region, which does not serve it yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_trust_on_its_way(&self, issuer: &str) -> Result<bool, RegistryError> {
        let issuer = issuer.to_owned();
        let read = move |tx: &mut ReadTx<'_>| {
            let moving = moves::table.select(moves::tenant_id);
            let leaving = moved_credentials::table
                .filter(moved_credentials::issuer.eq(issuer).and(moved_credentials::issuer.ne("")))
                .filter(moved_credentials::tenant_id.eq_any(moving));
            Ok(leaving.count().get_result::<i64>(tx.connection())? > 0)
        };
        self.store.read(read).await
    }

    /// Uses up a client assertion, which is told by a hash of its issuer and `jti`; false when it was used before, here or by another
    /// process. It is remembered until it expires.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn use_assertion(&self, id: String, expires_ms: i64) -> Result<bool, RegistryError> {
        let work = move |tx: &mut WriteTx<'_>| {
            let past = used_assertions::table.filter(used_assertions::expires_ms.le(tx.now_ms()));
            diesel::delete(past).execute(tx.connection())?;
            let row = (used_assertions::id.eq(&id), used_assertions::expires_ms.eq(expires_ms));
            diesel::insert_into(used_assertions::table).values(row).execute(tx.connection())?;
            Ok::<_, RegistryError>(())
        };
        match self.store.write(work).await {
            Ok(()) => Ok(true),
            Err(RegistryError::Store(StoreError::Unique(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
