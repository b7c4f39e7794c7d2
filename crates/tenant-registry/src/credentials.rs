//! Credentials of tenants: their rows, and whether a token is one of them.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use store::{ReadTx, WriteTx};

use crate::{
    by::By,
    cached_tenant::CachedTenant,
    error::RegistryError,
    names::{RegionCode, TokenName},
    schema::{credentials, tenants},
    tenant::{self, Tenant},
    token::Token,
};

/// A new token, which is shown only once.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// When it expires, in milliseconds since 1970 UTC.
    pub expires_ms: Option<i64>,
    /// The tenant that it opens.
    pub tenant: Tenant,
}

/// A token as staff see it, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable, Selectable)]
#[diesel(table_name = credentials)]
pub struct CredentialInfo {
    /// The public part of the token; it is revoked by this id.
    pub key_id: String,
    /// Milliseconds since 1970 UTC, as all times here.
    pub created_ms: i64,
    /// When it expires.
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
    /// When it was last used, to the minute.
    pub last_used_ms: Option<i64>,
    /// Who issued it; empty for one of an earlier release. It lives on without its maker (MO10).
    pub maker: String,
}

/// A live credential and the one tenant that it opens.
#[derive(Debug)]
pub struct Grant {
    /// The public part of the token.
    pub key_id: String,
    pub(crate) cached: Arc<CachedTenant>,
    salt: String,
    hash: String,
    expires_ms: Option<i64>,
    last_used_ms: AtomicI64,
}

/// `last_used_ms` is written at most once in this many milliseconds, so that a sync of 10,000 users is not 10,000 writes.
const USE_NOTED_EVERY_MS: u64 = 60_000;

impl Grant {
    /// The tenant. All grants that are served at a time share one value of it.
    #[must_use]
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.cached.tenant
    }

    /// The grant with another equal value of its tenant.
    pub(crate) fn sharing(self, cached: Arc<CachedTenant>) -> Self {
        Self { cached, ..self }
    }

    pub(crate) fn admits(&self, token: &Token, now_ms: i64) -> bool {
        let genuine = token.is(&self.salt, &self.hash);
        genuine && self.expires_ms.is_none_or(|end| now_ms < end)
    }

    /// Whether the caller should write this use down, with [`Registry::write_use`](crate::Registry::write_use): true at most once a
    /// minute, for one caller.
    #[must_use]
    pub fn note_use(&self, now_ms: i64) -> bool {
        let last = self.last_used_ms.load(Ordering::Relaxed);
        // The absolute difference: after a clock was ahead, its time must not suppress writes for years.
        now_ms.abs_diff(last) >= USE_NOTED_EVERY_MS
            && self.last_used_ms.compare_exchange(last, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

type GrantRow = (String, String, Option<i64>, Option<i64>, tenant::Row);

/// The live credential of a key id with its tenant.
pub(crate) fn find(
    tx: &mut ReadTx<'_>,
    region: &RegionCode,
    key_id: &str,
) -> Result<Option<Grant>, RegistryError> {
    let row: Option<GrantRow> = credentials::table
        .inner_join(tenants::table)
        .filter(credentials::key_id.eq(key_id).and(credentials::revoked_ms.is_null()))
        .select((
            credentials::salt,
            credentials::hash,
            credentials::expires_ms,
            credentials::last_used_ms,
            tenants::all_columns,
        ))
        .get_result(tx.connection())
        .optional()?;
    let Some((salt, hash, expires_ms, last_used_ms, tenant)) = row else { return Ok(None) };
    let cached = Arc::new(CachedTenant::new(Tenant::of_row(region, tenant)?));
    let last_used_ms = AtomicI64::new(last_used_ms.unwrap_or_default());
    Ok(Some(Grant { key_id: key_id.to_owned(), cached, salt, hash, expires_ms, last_used_ms }))
}

pub(crate) fn insert(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    token: &Token,
    expires_ms: Option<i64>,
    by: &By,
) -> Result<(), RegistryError> {
    let (salt, hash) = token.salted();
    let row = (
        credentials::key_id.eq(token.key_id()),
        credentials::tenant_id.eq(tenant.id.as_str()),
        credentials::salt.eq(salt),
        credentials::hash.eq(hash),
        credentials::created_ms.eq(tx.now_ms()),
        credentials::expires_ms.eq(expires_ms),
        credentials::maker.eq(&by.actor),
    );
    diesel::insert_into(credentials::table).values(row).execute(tx.connection())?;
    Ok(())
}

/// Sorted by creation time and key id, which never change; begins after the token of this key id.
pub(crate) fn of_tenant(
    tx: &mut ReadTx<'_>,
    tenant: &Tenant,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<CredentialInfo>, RegistryError> {
    let of_tenant = || credentials::table.filter(credentials::tenant_id.eq(tenant.id.as_str()));
    // Key ids are not empty and times not negative, so this is before all of them.
    let (mut made, after) = (-1_i64, after.unwrap_or_default());
    if !after.is_empty() {
        let found = of_tenant().filter(credentials::key_id.eq(after)).select(credentials::created_ms);
        let found = found.get_result(tx.connection()).optional()?;
        made = found.ok_or_else(|| RegistryError::NoToken(after.to_owned()))?;
    }
    let is_later = credentials::created_ms
        .gt(made)
        .or(credentials::created_ms.eq(made).and(credentials::key_id.gt(after)));
    let rows = of_tenant().filter(is_later).select(CredentialInfo::as_select());
    let rows = rows.order((credentials::created_ms, credentials::key_id)).limit(limit);
    Ok(rows.load(tx.connection())?)
}

/// Revokes one token; returns whether it was live.
pub(crate) fn revoke(tx: &mut WriteTx<'_>, tenant: &Tenant, key_id: &str) -> Result<bool, RegistryError> {
    let live = credentials::table
        .find(key_id)
        .filter(credentials::tenant_id.eq(tenant.id.as_str()).and(credentials::revoked_ms.is_null()));
    let revoked =
        diesel::update(live).set(credentials::revoked_ms.eq(tx.now_ms())).execute(tx.connection())?;
    Ok(revoked == 1)
}

pub(crate) fn forget_tenant(tx: &mut WriteTx<'_>, tenant: &Tenant) -> Result<(), RegistryError> {
    let rows = credentials::table.filter(credentials::tenant_id.eq(tenant.id.as_str()));
    diesel::delete(rows).execute(tx.connection())?;
    Ok(())
}

/// Writes down, for each tenant's live token that this maker issued, that it lives on without its maker (MO10).
pub(crate) fn outlive(
    tx: &mut WriteTx<'_>,
    region: &RegionCode,
    maker: &TokenName,
    by: &By,
) -> Result<(), RegistryError> {
    let rows: Vec<(String, tenant::Row)> = credentials::table
        .inner_join(tenants::table)
        .filter(credentials::maker.eq(maker.as_str()).and(credentials::revoked_ms.is_null()))
        .order((credentials::created_ms, credentials::key_id))
        .select((credentials::key_id, tenants::all_columns))
        .load(tx.connection())?;
    for (key_id, row) in rows {
        let tenant = Tenant::of_row(region, row)?;
        let detail = json!({ "keyId": key_id, "maker": maker });
        tenant::record(tx, &tenant, by, "token.maker_revoked", &detail)?;
    }
    Ok(())
}

pub(crate) fn set_last_used(tx: &mut WriteTx<'_>, key_id: &str, at_ms: i64) -> Result<(), RegistryError> {
    diesel::update(credentials::table.find(key_id))
        .set(credentials::last_used_ms.eq(at_ms))
        .execute(tx.connection())?;
    Ok(())
}
