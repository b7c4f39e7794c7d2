//! Which tenants trust an issuer, and which client assertions were used.

use diesel::prelude::*;
use store::{ReadTx, StoreError, WriteTx};

use crate::{
    credentials::of_columns,
    error::RegistryError,
    kind::CredentialKind,
    names::CompanyKey,
    registry::Registry,
    schema::{credentials, moved_credentials, moves, tenants, used_assertions},
    scopes::Scopes,
    tenant::TenantState,
    trust::Trust,
};

/// Why a trust holds no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By staff.
    Revoked,
    /// By its date.
    Expired,
}

/// A trust and whose it is.
#[derive(Clone, Debug)]
pub struct TenantTrust {
    /// Of the credential; [`Registry::live`] reads the rest.
    pub key_id: String,
    /// The tenant's.
    pub company_key: CompanyKey,
    /// The OAuth client that an assertion proves; empty for a bearer token.
    pub client_id: String,
    /// What its tokens may do.
    pub scopes: Scopes,
    /// The trust.
    pub trust: Trust,
    /// `None` for a live one.
    pub ended: Option<Ended>,
}

type Row = (String, String, String, String, String, Option<i64>, Option<i64>);

/// How long a used assertion is remembered after its end: clocks of processes differ.
const REMEMBERED_MS: i64 = 600_000;

impl Registry {
    /// The trusts in this issuer, of all tenants of the region, oldest first: the ended ones too, for staff.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn trusts_in(&self, issuer: &str) -> Result<Vec<TenantTrust>, RegistryError> {
        let (issuer, now_ms) = (issuer.to_owned(), self.now_ms());
        let read = move |tx: &mut ReadTx<'_>| {
            let rows: Vec<Row> = credentials::table
                .inner_join(tenants::table)
                .filter(credentials::issuer.eq(issuer).and(credentials::issuer.ne("")))
                .filter(tenants::state.ne(TenantState::Deleting.key()))
                .order((credentials::created_ms, credentials::key_id))
                .select((
                    credentials::key_id,
                    tenants::company_key,
                    credentials::client_id,
                    credentials::scopes,
                    credentials::trust,
                    credentials::expires_ms,
                    credentials::revoked_ms,
                ))
                .load(tx.connection())?;
            let mut trusts = Vec::new();
            for (key_id, company_key, client_id, scopes, trust, expires_ms, revoked_ms) in rows {
                let Some(trust) = Trust::of_column(&key_id, &trust)? else { continue };
                let (_, scopes) = of_columns(&key_id, CredentialKind::Issuer.key(), &scopes)?;
                let ended = match (revoked_ms, expires_ms) {
                    (Some(_), _) => Some(Ended::Revoked),
                    (None, Some(end)) if end <= now_ms => Some(Ended::Expired),
                    _ => None,
                };
                let company_key = CompanyKey::new(&company_key)?;
                trusts.push(TenantTrust { key_id, company_key, client_id, scopes, trust, ended });
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
            // It expired while it waited here, and the row of its first use may be gone.
            if expires_ms <= tx.now_ms() {
                return Ok(false);
            }
            let past = used_assertions::expires_ms.le(tx.now_ms() - REMEMBERED_MS);
            let past = used_assertions::table.filter(past);
            diesel::delete(past).execute(tx.connection())?;
            let row = (used_assertions::id.eq(&id), used_assertions::expires_ms.eq(expires_ms));
            diesel::insert_into(used_assertions::table).values(row).execute(tx.connection())?;
            Ok(true)
        };
        match self.store.write(work).await {
            Ok(is_new) => Ok(is_new),
            Err(RegistryError::Store(StoreError::Unique(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
