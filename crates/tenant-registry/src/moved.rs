//! The remains of the tokens of a tenant that has gone to another region: enough to tell their holders where it went.

use diesel::prelude::*;
use store::{ReadTx, WriteTx};

use crate::{
    error::RegistryError,
    names::{RegionCode, TenantId},
    registry::Registry,
    schema::{credentials, moved_credentials, moves},
    tenant::Tenant,
    token::Token,
};

/// Where the tenant of a genuine token has gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The region.
    pub to: RegionCode,
    /// Whether it may not be served there yet.
    pub on_its_way: bool,
}

type Row = (String, String, String, Option<i64>, String);

/// Keeps the tokens that a tenant has here, before they are removed.
pub(crate) fn keep(tx: &mut WriteTx<'_>, tenant: &Tenant, to: &RegionCode) -> Result<(), RegistryError> {
    forget(tx, &tenant.id)?;
    let live = credentials::table
        .filter(credentials::tenant_id.eq(tenant.id.as_str()).and(credentials::revoked_ms.is_null()))
        .select((
            credentials::key_id,
            credentials::salt,
            credentials::hash,
            credentials::expires_ms,
            credentials::issuer,
        ));
    let live: Vec<(String, String, String, Option<i64>, String)> = live.load(tx.connection())?;
    for (key_id, salt, hash, expires_ms, issuer) in live {
        let row = (
            moved_credentials::key_id.eq(key_id),
            moved_credentials::tenant_id.eq(tenant.id.as_str()),
            moved_credentials::salt.eq(salt),
            moved_credentials::hash.eq(hash),
            moved_credentials::expires_ms.eq(expires_ms),
            moved_credentials::to_region.eq(to.as_str()),
            moved_credentials::issuer.eq(issuer),
        );
        diesel::insert_into(moved_credentials::table).values(row).execute(tx.connection())?;
    }
    Ok(())
}

/// Forgets them: the tenant is here again.
pub(crate) fn forget(tx: &mut WriteTx<'_>, tenant: &TenantId) -> Result<(), RegistryError> {
    let rows = moved_credentials::table.filter(moved_credentials::tenant_id.eq(tenant.as_str()));
    diesel::delete(rows).execute(tx.connection())?;
    Ok(())
}

impl Registry {
    /// Where the tenant of this credential has gone. Asked for whoever has shown that the credential is theirs.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn gone_with(&self, key_id: &str) -> Result<Option<Gone>, RegistryError> {
        let key_id = key_id.to_owned();
        let find = move |tx: &mut ReadTx<'_>| {
            let row: Option<(String, String)> = moved_credentials::table
                .find(key_id)
                .select((moved_credentials::tenant_id, moved_credentials::to_region))
                .get_result(tx.connection())
                .optional()?;
            let Some((tenant, to)) = row else { return Ok(None) };
            let on_its_way = moves::table.find(tenant).count().get_result::<i64>(tx.connection())? > 0;
            Ok(Some(Gone { to: RegionCode::new(&to)?, on_its_way }))
        };
        self.store.read(find).await
    }

    /// Where the tenant of this token has gone, if the token is genuine. Asked for a token that opens nothing here; the work is the
    /// same for each of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn gone(&self, token: &Token, now_ms: i64) -> Result<Option<Gone>, RegistryError> {
        let key_id = token.key_id().to_owned();
        let find = move |tx: &mut ReadTx<'_>| {
            let row: Option<Row> = moved_credentials::table
                .find(key_id)
                .select((
                    moved_credentials::tenant_id,
                    moved_credentials::salt,
                    moved_credentials::hash,
                    moved_credentials::expires_ms,
                    moved_credentials::to_region,
                ))
                .get_result(tx.connection())
                .optional()?;
            let Some(row) = row else { return Ok::<_, RegistryError>(None) };
            let leaving = moves::table.find(&row.0).count().get_result::<i64>(tx.connection())?;
            Ok(Some((row, leaving > 0)))
        };
        let Some(((_, salt, hash, expires_ms, to), on_its_way)) = self.store.read(find).await? else {
            token.compare_with_nothing();
            return Ok(None);
        };
        let is_live = token.is(&salt, &hash) && expires_ms.is_none_or(|end| now_ms < end);
        if is_live { Ok(Some(Gone { to: RegionCode::new(&to)?, on_its_way })) } else { Ok(None) }
    }
}
