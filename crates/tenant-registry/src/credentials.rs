//! Credentials of tenants: their rows, and whether what a caller sends is one of them.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use diesel::prelude::*;
use serde_json::json;
use store::{ReadTx, WriteTx};
use strum::VariantArray as _;

use crate::{
    by::By,
    cached_tenant::CachedTenant,
    error::RegistryError,
    kind::CredentialKind,
    names::{RegionCode, TenantId, TokenName},
    schema::{credentials, tenants},
    scopes::Scopes,
    tenant::{self, Maker, Tenant, TenantState},
    token::Token,
    trust::{Trust, TrustedFor},
    wrong_secrets::WrongSecrets,
};

/// A credential to be made.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// How it is used.
    pub kind: CredentialKind,
    /// What it may do.
    pub scopes: Scopes,
    /// Milliseconds since 1970 UTC, as all times here.
    pub expires_ms: Option<i64>,
    /// For people; empty for none.
    pub note: String,
    /// The userName of the person of the tenant for whom it is made; empty for nobody.
    pub made_by: String,
    /// The OAuth client that gets one more secret, or that an issuer's assertions prove; `None` for a new client, and for the other kinds.
    pub client_id: Option<String>,
    /// What an issuer is trusted for; `None` for the other kinds.
    pub trust: Option<Trust>,
}

impl NewCredential {
    /// A bearer token that may do everything, without an end.
    #[must_use]
    pub fn bearer() -> Self {
        Self {
            kind: CredentialKind::Bearer,
            scopes: Scopes::ALL,
            expires_ms: None,
            note: String::new(),
            made_by: String::new(),
            client_id: None,
            trust: None,
        }
    }

    /// Whether it is an issuer whose tokens prove a client.
    pub(crate) fn is_for_assertions(&self) -> bool {
        self.trust.as_ref().is_some_and(|trust| trust.purpose == TrustedFor::Assertion)
    }
}

/// A new credential, whose secret is shown only once.
#[derive(Clone, Debug)]
pub struct IssuedCredential {
    /// The token, the key with its secret, or the client's secret; without a text for an issuer.
    pub token: Token,
    /// The OAuth client; empty for the other kinds.
    pub client_id: String,
    /// What an issuer is trusted for.
    pub trust: Option<Trust>,
    /// When it expires.
    pub expires_ms: Option<i64>,
    /// The tenant that it opens.
    pub tenant: Tenant,
}

/// A credential as staff see it, without the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialInfo {
    /// Its public part; it is revoked by this id.
    pub key_id: String,
    /// How it is used.
    pub kind: CredentialKind,
    /// What it may do.
    pub scopes: Scopes,
    /// The OAuth client; empty for the other kinds.
    pub client_id: String,
    /// What an issuer is trusted for; `None` for the other kinds.
    pub trust: Option<Trust>,
    /// For people.
    pub note: String,
    /// The person of the tenant for whom it was made; else who of the staff issued it. Empty for one of an earlier release. It lives on
    /// without its maker (MO10).
    pub made_by: String,
    /// When it was made.
    pub created_ms: i64,
    /// When it expires.
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
    /// When it was last used, to the minute.
    pub last_used_ms: Option<i64>,
    /// What was not accepted since.
    pub wrong_secrets: WrongSecrets,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = credentials)]
struct InfoRow {
    key_id: String,
    kind: String,
    scopes: String,
    client_id: String,
    trust: String,
    note: String,
    made_by: String,
    maker: String,
    created_ms: i64,
    expires_ms: Option<i64>,
    revoked_ms: Option<i64>,
    last_used_ms: Option<i64>,
    wrong_secrets: i64,
    wrong_since_ms: Option<i64>,
    wrong_last_ms: Option<i64>,
}

impl CredentialInfo {
    /// Requests with its key id that were not accepted since it was last accepted; `None` where there were none.
    #[must_use]
    pub fn refused(&self) -> Option<WrongSecrets> {
        let is_later =
            |wrong: &WrongSecrets| self.last_used_ms.is_none_or(|used_ms| used_ms < wrong.since_ms);
        Some(self.wrong_secrets).filter(|wrong| wrong.number > 0 && is_later(wrong))
    }

    /// Whether a request with it would be accepted.
    #[must_use]
    pub fn is_live(&self, now_ms: i64) -> bool {
        self.revoked_ms.is_none() && self.expires_ms.is_none_or(|end| now_ms < end)
    }

    fn of_row(row: InfoRow) -> Result<Self, RegistryError> {
        let (kind, scopes) = of_columns(&row.key_id, &row.kind, &row.scopes)?;
        Ok(Self {
            trust: Trust::of_column(&row.key_id, &row.trust)?,
            key_id: row.key_id,
            kind,
            scopes,
            client_id: row.client_id,
            note: row.note,
            made_by: if row.made_by.is_empty() { row.maker } else { row.made_by },
            created_ms: row.created_ms,
            expires_ms: row.expires_ms,
            revoked_ms: row.revoked_ms,
            last_used_ms: row.last_used_ms,
            wrong_secrets: WrongSecrets {
                number: row.wrong_secrets,
                since_ms: row.wrong_since_ms.unwrap_or_default(),
                last_ms: row.wrong_last_ms.unwrap_or_default(),
            },
        })
    }
}

/// Kind and scopes, as they are stored.
pub(crate) fn of_columns(
    key_id: &str,
    kind: &str,
    scopes: &str,
) -> Result<(CredentialKind, Scopes), RegistryError> {
    let damaged = |what: &str, text: &str| {
        RegistryError::Damaged(format!("the {what} {text:?} of the credential {key_id} is not known"))
    };
    let scopes = Scopes::parse(scopes).ok_or_else(|| damaged("scopes", scopes))?;
    Ok((kind.parse().map_err(|_| damaged("kind", kind))?, scopes))
}

/// A live credential and the one tenant that it opens.
#[derive(Debug)]
pub struct Grant {
    /// The public part of the credential.
    pub key_id: String,
    /// How it is used.
    pub kind: CredentialKind,
    /// What it may do.
    pub scopes: Scopes,
    /// The OAuth client; empty for the other kinds.
    pub client_id: String,
    /// What it was recognised as, as [`Registry::write_sender`](crate::Registry::write_sender) wrote it; empty for nothing.
    pub sender: String,
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
        genuine && token.kind() == self.kind && self.is_valid(now_ms)
    }

    /// Whether it has not expired and its tenant is not being deleted.
    pub(crate) fn is_valid(&self, now_ms: i64) -> bool {
        self.expires_ms.is_none_or(|end| now_ms < end) && self.tenant().state != TenantState::Deleting
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

type GrantRow = (String, String, String, String, String, String, Option<i64>, Option<i64>, tenant::Row);

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
            credentials::kind,
            credentials::scopes,
            credentials::client_id,
            credentials::sender,
            credentials::salt,
            credentials::hash,
            credentials::expires_ms,
            credentials::last_used_ms,
            tenants::all_columns,
        ))
        .get_result(tx.connection())
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let (kind, scopes, client_id, sender, salt, hash, expires_ms, last_used_ms, tenant) = row;
    let (kind, scopes) = of_columns(key_id, &kind, &scopes)?;
    let cached = Arc::new(CachedTenant::new(Tenant::of_row(region, tenant)?));
    let last_used_ms = AtomicI64::new(last_used_ms.unwrap_or_default());
    let key_id = key_id.to_owned();
    Ok(Some(Grant { key_id, kind, scopes, client_id, sender, cached, salt, hash, expires_ms, last_used_ms }))
}

pub(crate) fn insert(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    token: &Token,
    new: &NewCredential,
    client_id: &str,
    by: &By,
) -> Result<(), RegistryError> {
    // A client that proves itself by assertions alone has its id from staff.
    if let (Some(client_id), None) = (&new.client_id, &new.trust) {
        let of_client = credentials::table.filter(credentials::client_id.eq(client_id));
        let of_client = of_client.filter(credentials::tenant_id.eq(tenant.id.as_str()));
        if of_client.count().get_result::<i64>(tx.connection())? == 0 {
            return Err(RegistryError::NoClient(client_id.clone()));
        }
    }
    let (salt, hash) = match new.trust {
        Some(_) => Default::default(),
        None => token.salted(),
    };
    let (issuer, trust) = Trust::columns(new.trust.as_ref())?;
    let row = (
        credentials::key_id.eq(token.key_id()),
        credentials::tenant_id.eq(tenant.id.as_str()),
        credentials::kind.eq(new.kind.key()),
        credentials::scopes.eq(new.scopes.to_string()),
        credentials::salt.eq(salt),
        credentials::hash.eq(hash),
        credentials::created_ms.eq(tx.now_ms()),
        credentials::expires_ms.eq(new.expires_ms),
        credentials::note.eq(&new.note),
        credentials::made_by.eq(&new.made_by),
        credentials::client_id.eq(client_id),
        credentials::issuer.eq(issuer),
        credentials::trust.eq(trust),
        credentials::maker.eq(&by.actor),
    );
    diesel::insert_into(credentials::table).values(row).execute(tx.connection())?;
    note_makers(tx, &tenant.id)
}

/// Writes into the tenant's row for whom its live credentials were made; done with every change of them.
pub(crate) fn note_makers(tx: &mut WriteTx<'_>, tenant: &TenantId) -> Result<(), RegistryError> {
    let of_people = credentials::tenant_id.eq(tenant.as_str()).and(credentials::made_by.ne(""));
    let rows: Vec<(String, String, Option<i64>)> = credentials::table
        .filter(of_people.and(credentials::revoked_ms.is_null()))
        .order((credentials::created_ms, credentials::key_id))
        .select((credentials::made_by, credentials::key_id, credentials::expires_ms))
        .load(tx.connection())?;
    let maker = |(user_name, key_id, expires_ms)| Maker { user_name, key_id, expires_ms };
    let makers: Vec<Maker> = rows.into_iter().map(maker).collect();
    diesel::update(tenants::table.find(tenant.as_str()))
        .set(tenants::makers.eq(json!(makers).to_string()))
        .execute(tx.connection())?;
    Ok(())
}

/// Sorted by creation time and key id, which never change; begins after the credential of this key id.
pub(crate) fn of_tenant(
    tx: &mut ReadTx<'_>,
    tenant: &Tenant,
    kind: Option<CredentialKind>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<CredentialInfo>, RegistryError> {
    let of_tenant = || credentials::table.filter(credentials::tenant_id.eq(tenant.id.as_str()));
    // Key ids are not empty and times not negative, so this is before all of them.
    let (mut made, after) = (-1_i64, after.unwrap_or_default());
    if !after.is_empty() {
        let found = of_tenant().filter(credentials::key_id.eq(after)).select(credentials::created_ms);
        let found = found.get_result(tx.connection()).optional()?;
        made = found.ok_or_else(|| RegistryError::NoCredential(after.to_owned()))?;
    }
    let is_later = credentials::created_ms
        .gt(made)
        .or(credentials::created_ms.eq(made).and(credentials::key_id.gt(after)));
    let rows = of_tenant().filter(is_later).select(InfoRow::as_select());
    let mut rows = rows.order((credentials::created_ms, credentials::key_id)).limit(limit).into_boxed();
    if let Some(kind) = kind {
        rows = rows.filter(credentials::kind.eq(kind.key()));
    }
    let rows: Vec<InfoRow> = rows.load(tx.connection())?;
    rows.into_iter().map(CredentialInfo::of_row).collect()
}

/// All credentials of these tenants, each with its tenant's id, oldest first.
pub(crate) fn of_tenants(
    tx: &mut ReadTx<'_>,
    ids: &[&str],
) -> Result<Vec<(String, CredentialInfo)>, RegistryError> {
    let rows: Vec<(String, InfoRow)> = credentials::table
        .filter(credentials::tenant_id.eq_any(ids))
        .order((credentials::created_ms, credentials::key_id))
        .select((credentials::tenant_id, InfoRow::as_select()))
        .load(tx.connection())?;
    rows.into_iter().map(|(id, row)| Ok((id, CredentialInfo::of_row(row)?))).collect()
}

/// One credential of a tenant, in whatever state.
pub(crate) fn one_of_tenant(
    tx: &mut ReadTx<'_>,
    tenant: &Tenant,
    key_id: &str,
) -> Result<CredentialInfo, RegistryError> {
    let row = credentials::table
        .find(key_id)
        .filter(credentials::tenant_id.eq(tenant.id.as_str()))
        .select(InfoRow::as_select())
        .get_result(tx.connection())
        .optional()?;
    CredentialInfo::of_row(row.ok_or_else(|| RegistryError::NoCredential(key_id.to_owned()))?)
}

/// What a registry knows of a credential, in whatever state.
#[derive(Debug)]
pub enum Inspected {
    /// Nothing has its key id.
    Unknown,
    /// Something has its key id and another secret.
    WrongSecret,
    /// It is genuine, and of this tenant.
    Known(Box<(Tenant, CredentialInfo)>),
}

/// Looks a credential up by its key id; with `token` its secret is compared.
pub(crate) fn inspect(
    tx: &mut ReadTx<'_>,
    region: &RegionCode,
    key_id: &str,
    token: Option<&Token>,
) -> Result<Inspected, RegistryError> {
    let row: Option<(InfoRow, String, String, tenant::Row)> = credentials::table
        .inner_join(tenants::table)
        .filter(credentials::key_id.eq(key_id))
        .select((InfoRow::as_select(), credentials::salt, credentials::hash, tenants::all_columns))
        .get_result(tx.connection())
        .optional()?;
    let Some((info, salt, hash, tenant)) = row else { return Ok(Inspected::Unknown) };
    let info = CredentialInfo::of_row(info)?;
    if token.is_some_and(|token| !token.is(&salt, &hash) || token.kind() != info.kind) {
        return Ok(Inspected::WrongSecret);
    }
    Ok(Inspected::Known(Box::new((Tenant::of_row(region, tenant)?, info))))
}

/// The kinds of the tenant's live credentials, each once, bearer tokens first. An issuer whose tokens prove a client counts as the client.
pub(crate) fn kinds_of_tenant(
    tx: &mut ReadTx<'_>,
    tenant: &TenantId,
    now_ms: i64,
) -> Result<Vec<CredentialKind>, RegistryError> {
    let is_live = credentials::expires_ms.is_null().or(credentials::expires_ms.gt(now_ms));
    let of_tenant = credentials::tenant_id.eq(tenant.as_str()).and(credentials::revoked_ms.is_null());
    let rows: Vec<(String, bool)> = credentials::table
        .filter(of_tenant.and(is_live))
        .select((credentials::kind, credentials::client_id.ne("")))
        .distinct()
        .load(tx.connection())?;
    let word = |(kind, is_client): &(String, bool)| match is_client {
        true => CredentialKind::Oauth.key().to_owned(),
        false => kind.clone(),
    };
    let kinds: Vec<String> = rows.iter().map(word).collect();
    let has = |kind: &CredentialKind| kinds.iter().any(|word| word == kind.key());
    Ok(CredentialKind::VARIANTS.iter().copied().filter(has).collect())
}

/// Revokes one credential; returns whether it was live.
pub(crate) fn revoke(tx: &mut WriteTx<'_>, tenant: &Tenant, key_id: &str) -> Result<bool, RegistryError> {
    let live = credentials::table
        .find(key_id)
        .filter(credentials::tenant_id.eq(tenant.id.as_str()).and(credentials::revoked_ms.is_null()));
    let revoked =
        diesel::update(live).set(credentials::revoked_ms.eq(tx.now_ms())).execute(tx.connection())?;
    note_makers(tx, &tenant.id)?;
    Ok(revoked == 1)
}

pub(crate) fn forget_tenant(tx: &mut WriteTx<'_>, tenant: &Tenant) -> Result<(), RegistryError> {
    let rows = credentials::table.filter(credentials::tenant_id.eq(tenant.id.as_str()));
    diesel::delete(rows).execute(tx.connection())?;
    Ok(())
}

/// The record of a credential that lives on without its maker.
pub(crate) const MAKER_REVOKED: &str = "credential.maker_revoked";

/// Writes down, for each tenant's live credential that this maker issued, that it lives on without its maker (MO10).
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
        tenant::record(tx, &tenant, by, MAKER_REVOKED, &detail)?;
    }
    Ok(())
}

pub(crate) fn set_last_used(tx: &mut WriteTx<'_>, key_id: &str, at_ms: i64) -> Result<(), RegistryError> {
    diesel::update(credentials::table.find(key_id))
        .set(credentials::last_used_ms.eq(at_ms))
        .execute(tx.connection())?;
    Ok(())
}
