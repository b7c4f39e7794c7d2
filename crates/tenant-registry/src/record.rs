//! Everything that a registry holds of one tenant: what an export has of it, and what a backup's registry says.

use diesel::{IntoSql as _, prelude::*, sql_types::Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{ReadTx, StoreConnection};
use transfer::versions;

use crate::{
    error::RegistryError,
    kind::CredentialKind,
    migrations::{CREDENTIALS, ISSUERS, OAUTH, STAFF},
    names::{CompanyKey, TenantId},
    schema::{credentials, staff_acts, tenants},
    scopes::Scopes,
    tenant::{TenantState, read_settings},
};

/// One tenant's rows.
#[derive(Clone, Debug)]
pub struct TenantRecord {
    pub(crate) tenant: TenantRow,
    pub(crate) credentials: Vec<CredentialRow>,
    pub(crate) acts: Vec<ActRow>,
}

/// Its own row, without where it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantRow {
    pub(crate) id: TenantId,
    pub(crate) key: CompanyKey,
    pub(crate) name: String,
    pub(crate) state: TenantState,
    pub(crate) profile: String,
    /// As they are stored.
    pub(crate) settings: Value,
    pub(crate) created_ms: i64,
}

/// A credential's row: the salted hash of its secret, never the secret. What a bearer token with all scopes does not need is left out of
/// an export, so that the release before reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable)]
#[diesel(table_name = credentials)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialRow {
    pub(crate) key_id: String,
    pub(crate) salt: String,
    pub(crate) hash: String,
    pub(crate) created_ms: i64,
    pub(crate) expires_ms: Option<i64>,
    pub(crate) revoked_ms: Option<i64>,
    pub(crate) last_used_ms: Option<i64>,
    /// Empty in an export of an earlier release, as are the actor and the request of an act.
    #[serde(default)]
    pub(crate) maker: String,
    #[serde(default = "bearer", skip_serializing_if = "is_bearer")]
    pub(crate) kind: String,
    #[serde(default = "all_scopes", skip_serializing_if = "is_all_scopes")]
    pub(crate) scopes: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) made_by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) client_id: String,
    /// What an issuer is trusted for, as it is stored.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) trust: String,
}

fn bearer() -> String {
    CredentialKind::Bearer.key().to_owned()
}

fn is_bearer(kind: &str) -> bool {
    kind == CredentialKind::Bearer.key()
}

fn all_scopes() -> String {
    Scopes::ALL.to_string()
}

fn is_all_scopes(scopes: &str) -> bool {
    Scopes::parse(scopes) == Some(Scopes::ALL)
}

/// What a registry of an earlier release has of a credential.
type OldCredential = (String, String, String, i64, Option<i64>, Option<i64>, Option<i64>, String);

impl CredentialRow {
    fn of_old(row: OldCredential) -> Self {
        let (key_id, salt, hash, created_ms, expires_ms, revoked_ms, last_used_ms, maker) = row;
        Self {
            key_id,
            salt,
            hash,
            created_ms,
            expires_ms,
            revoked_ms,
            last_used_ms,
            maker,
            kind: bearer(),
            scopes: all_scopes(),
            note: String::new(),
            made_by: String::new(),
            client_id: String::new(),
            trust: String::new(),
        }
    }
}

/// What staff did to the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable)]
#[diesel(table_name = staff_acts)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActRow {
    pub(crate) id: String,
    pub(crate) at_ms: i64,
    pub(crate) act: String,
    pub(crate) detail: String,
    #[serde(default)]
    pub(crate) actor: String,
    #[serde(default)]
    pub(crate) request_id: String,
}

/// The kinds of lines that a record is in an export.
const TENANT: &str = "tenant";
const CREDENTIAL: &str = "credential";
const ACT: &str = "staff_act";

type Columns = (String, String, String, String, String, String, i64);

impl TenantRecord {
    /// What a registry, or a copy of one, holds of the tenant of this key; `None` for no tenant and for one that is unfinished.
    ///
    /// # Errors
    /// What the database says; `Damaged`.
    pub fn read(tx: &mut ReadTx<'_>, key: &CompanyKey) -> Result<Option<Self>, RegistryError> {
        let row: Option<Columns> = tenants::table
            .filter(tenants::company_key.eq(key.as_str()))
            .select((
                tenants::id,
                tenants::company_key,
                tenants::name,
                tenants::state,
                tenants::profile,
                tenants::settings,
                tenants::created_ms,
            ))
            .get_result(tx.connection())
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        let tenant = TenantRow::of_columns(row)?;
        if tenant.state == TenantState::Deleting {
            return Ok(None);
        }
        // A copy in a backup is as old as its run.
        let has = versions(tx)?;
        let has = |version: &str| has.iter().any(|known| known == version);
        let nobody = || "".into_sql::<Text>();
        let of_tenant = credentials::table
            .filter(credentials::tenant_id.eq(tenant.id.as_str()))
            .order((credentials::created_ms, credentials::key_id));
        let old = (
            credentials::key_id,
            credentials::salt,
            credentials::hash,
            credentials::created_ms,
            credentials::expires_ms,
            credentials::revoked_ms,
            credentials::last_used_ms,
        );
        let (a, b, c, d, e, f, g) = old;
        use credentials::{client_id, kind, made_by, maker, note, scopes};
        let credentials = if has(ISSUERS) {
            of_tenant.select(CredentialRow::as_select()).load(tx.connection())?
        } else if has(OAUTH) {
            let columns = (a, b, c, d, e, f, g, maker, kind, scopes, note, made_by, client_id, nobody());
            of_tenant.select(columns).load(tx.connection())?
        } else if has(CREDENTIALS) {
            let columns = (a, b, c, d, e, f, g, maker, kind, scopes, note, made_by, nobody(), nobody());
            of_tenant.select(columns).load(tx.connection())?
        } else {
            let rows: Vec<OldCredential> = match has(STAFF) {
                true => of_tenant.select((a, b, c, d, e, f, g, credentials::maker)).load(tx.connection())?,
                false => of_tenant.select((a, b, c, d, e, f, g, nobody())).load(tx.connection())?,
            };
            rows.into_iter().map(CredentialRow::of_old).collect()
        };
        let of_tenant =
            staff_acts::table.filter(staff_acts::tenant_id.eq(tenant.id.as_str())).order(staff_acts::id);
        let acts = match has(STAFF) {
            true => of_tenant.select(ActRow::as_select()).load(tx.connection())?,
            false => {
                let old = (
                    staff_acts::id,
                    staff_acts::at_ms,
                    staff_acts::act,
                    staff_acts::detail,
                    nobody(),
                    nobody(),
                );
                of_tenant.select(old).load(tx.connection())?
            }
        };
        Ok(Some(Self { tenant, credentials, acts }))
    }

    /// Names the tenant's store.
    #[must_use]
    pub fn id(&self) -> &TenantId {
        &self.tenant.id
    }

    /// The record as lines, each with its kind.
    ///
    /// # Errors
    /// None in practice.
    pub fn lines(&self) -> serde_json::Result<Vec<(&'static str, Value)>> {
        let mut lines = vec![(TENANT, serde_json::to_value(&self.tenant)?)];
        for credential in &self.credentials {
            lines.push((CREDENTIAL, serde_json::to_value(credential)?));
        }
        for act in &self.acts {
            lines.push((ACT, serde_json::to_value(act)?));
        }
        Ok(lines)
    }

    /// Reads such lines back.
    ///
    /// # Errors
    /// A sentence for lines that are no record.
    pub fn of_lines(lines: Vec<(String, Value)>) -> Result<Self, RegistryError> {
        let strange =
            |error: serde_json::Error| RegistryError::Unfit(format!("a record in it is unknown: {error}"));
        let (mut tenant, mut credentials, mut acts) = (None, Vec::new(), Vec::new());
        for (kind, value) in lines {
            match kind.as_str() {
                TENANT => tenant = Some(serde_json::from_value(value).map_err(strange)?),
                CREDENTIAL => credentials.push(serde_json::from_value(value).map_err(strange)?),
                ACT => acts.push(serde_json::from_value(value).map_err(strange)?),
                other => {
                    return Err(RegistryError::Unfit(format!(
                        "it has a record of the unknown kind {other:?}"
                    )));
                }
            }
        }
        let Some(tenant) = tenant else {
            return Err(RegistryError::Unfit("it has no record of a tenant".to_owned()));
        };
        Ok(Self { tenant, credentials, acts })
    }
}

impl TenantRow {
    fn of_columns(columns: Columns) -> Result<Self, RegistryError> {
        let (id, key, name, state, profile, settings, created_ms) = columns;
        Ok(Self {
            id: TenantId::new(&id)?,
            key: CompanyKey::new(&key)?,
            name,
            state: TenantState::of_column(&state)?,
            profile,
            settings: read_settings(&id, &settings)?,
            created_ms,
        })
    }
}

/// The ids of the tenants whose stores are files, each with whether it is in service, from a copy of a registry.
///
/// # Errors
/// What the database says; `Damaged`.
pub fn tenants_with_files(tx: &mut ReadTx<'_>) -> Result<Vec<(TenantId, bool)>, RegistryError> {
    let with_files = tenants::table.filter(tenants::cell.is_null()).order(tenants::id);
    let rows: Vec<(String, String)> =
        with_files.select((tenants::id, tenants::state)).load(tx.connection())?;
    rows.into_iter()
        .map(|(id, state)| Ok((TenantId::new(&id)?, state != TenantState::Deleting.key())))
        .collect()
}

/// Marks tenants of a copy of a registry as being deleted, as the registry itself did meanwhile; the first start completes that.
///
/// # Errors
/// What the database says.
pub fn mark_as_deleted(connection: &mut StoreConnection, ids: &[TenantId]) -> Result<(), RegistryError> {
    for id in ids {
        diesel::delete(credentials::table.filter(credentials::tenant_id.eq(id.as_str())))
            .execute(connection)?;
        diesel::update(tenants::table.find(id.as_str()))
            .set(tenants::state.eq(TenantState::Deleting.key()))
            .execute(connection)?;
    }
    Ok(())
}
