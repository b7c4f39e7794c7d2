//! Makes a record a tenant of a region: by an import, a restoration, or a move from another region. First a row that names the
//! store, then, when all rows of the store are there, what the record says.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::Value;
use store::{WriteTx, in_chunks};

use crate::{
    credentials::{note_makers, of_columns},
    due_times,
    error::{RegistryError, TenantName},
    kind::CredentialKind,
    moved,
    names::{CompanyKey, RegionCode},
    place::TenantLocation,
    profiles::{self, CheckProfile},
    record::{ActRow, TenantRecord},
    schema::{credentials, staff_acts, tenants},
    tenant::{Tenant, TenantSettings, TenantState, find, text_of},
    trust::Trust,
};

/// Writes the row alone, in the state `deleting`.
pub(crate) fn insert(
    tx: &mut WriteTx<'_>,
    region: &RegionCode,
    record: &TenantRecord,
    key: &CompanyKey,
    location: &TenantLocation,
    check: CheckProfile,
) -> Result<Tenant, RegistryError> {
    match find(tx, region, key) {
        Ok(_) => return Err(RegistryError::KeyTaken(TenantName::new(region, key))),
        Err(RegistryError::NoTenant(_)) => {}
        Err(error) => return Err(error),
    }
    refuse_known(tx, region, record)?;
    let row = &record.tenant;
    let settings = known(&row.settings)?;
    let profile_version = profiles::version_for(tx, check, region, &row.profile, &settings.overrides)?;
    let (cell, schema) = location.columns();
    let values = (
        tenants::id.eq(row.id.as_str()),
        tenants::company_key.eq(key.as_str()),
        tenants::name.eq(&row.name),
        tenants::state.eq(TenantState::Deleting.key()),
        tenants::profile.eq(&row.profile),
        tenants::settings.eq(text_of(&settings)?),
        tenants::profile_version.eq(profile_version),
        tenants::created_ms.eq(row.created_ms),
        tenants::cell.eq(cell),
        tenants::schema.eq(schema),
    );
    diesel::insert_into(tenants::table).values(values).execute(tx.connection())?;
    find(tx, region, key)
}

/// Writes what the record says of the tenant, whose store has its rows now.
pub(crate) fn complete(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    from: &TenantRecord,
    state: TenantState,
    store_version: &str,
) -> Result<(), RegistryError> {
    let row = &from.tenant;
    let values = (
        tenants::name.eq(&row.name),
        tenants::state.eq(state.key()),
        tenants::profile.eq(&row.profile),
        tenants::settings.eq(text_of(&known(&row.settings)?)?),
        tenants::store_version.eq(store_version),
        tenants::profile_version.eq(profiles::current_version(tx, &row.profile)?),
    );
    diesel::update(tenants::table.find(tenant.id.as_str())).set(values).execute(tx.connection())?;
    moved::forget(tx, &tenant.id)?;
    due_times::look_soon(tx, &tenant.id)?;
    add_acts(tx, tenant, &from.acts)?;
    add_credentials(tx, tenant, from)
}

/// A tenant is in a region once, and a credential opens one tenant.
fn refuse_known(
    tx: &mut WriteTx<'_>,
    region: &RegionCode,
    record: &TenantRecord,
) -> Result<(), RegistryError> {
    let same = tenants::table.find(record.tenant.id.as_str()).select(tenants::company_key);
    if let Some(other) = same.get_result::<String>(tx.connection()).optional()? {
        return Err(RegistryError::Unfit(format!(
            "this tenant is in region {region} already, under the company key {other}"
        )));
    }
    let key_ids: Vec<&str> = record.credentials.iter().map(|credential| credential.key_id.as_str()).collect();
    let of_others = in_chunks(&key_ids, |ids| {
        let found = credentials::table.filter(credentials::key_id.eq_any(ids.to_vec()));
        found.select(credentials::key_id).load::<String>(tx.connection())
    })?;
    if of_others.is_empty() {
        return Ok(());
    }
    Err(RegistryError::Unfit(format!("a credential of it opens another tenant of region {region} already")))
}

/// The settings, if this version knows them all.
pub(crate) fn known(settings: &Value) -> Result<TenantSettings, RegistryError> {
    serde_json::from_value(settings.clone())
        .map_err(|error| RegistryError::Unfit(format!("its settings are those of another version: {error}")))
}

/// Adds the acts that are not known here.
fn add_acts(tx: &mut WriteTx<'_>, tenant: &Tenant, acts: &[ActRow]) -> Result<(), RegistryError> {
    let known = staff_acts::table.filter(staff_acts::tenant_id.eq(tenant.id.as_str())).select(staff_acts::id);
    let known: Vec<String> = known.load(tx.connection())?;
    for act in acts.iter().filter(|act| !known.contains(&act.id)) {
        let row = (
            staff_acts::id.eq(&act.id),
            staff_acts::at_ms.eq(act.at_ms),
            staff_acts::tenant_id.eq(tenant.id.as_str()),
            staff_acts::act.eq(&act.act),
            staff_acts::detail.eq(&act.detail),
            staff_acts::actor.eq(&act.actor),
            staff_acts::request_id.eq(&act.request_id),
        );
        diesel::insert_into(staff_acts::table).values(row).execute(tx.connection())?;
    }
    Ok(())
}

/// Adds the credentials that are not known here. One that staff have revoked, here or in the export, is not valid again: their acts, which
/// outlive a tenant, tell it.
fn add_credentials(tx: &mut WriteTx<'_>, tenant: &Tenant, from: &TenantRecord) -> Result<(), RegistryError> {
    let known =
        credentials::table.filter(credentials::tenant_id.eq(tenant.id.as_str())).select(credentials::key_id);
    let known: Vec<String> = known.load(tx.connection())?;
    let revoked = revoked(tx, tenant)?;
    for credential in from.credentials.iter().filter(|credential| !known.contains(&credential.key_id)) {
        of_columns(&credential.key_id, &credential.kind, &credential.scopes)
            .map_err(|error| RegistryError::Unfit(error.to_string()))?;
        let trust = Trust::of_column(&credential.key_id, &credential.trust)
            .map_err(|error| RegistryError::Unfit(error.to_string()))?;
        if trust.is_some() != (credential.kind == CredentialKind::Issuer.key()) {
            return Err(RegistryError::Unfit(format!(
                "the credential {} is of two kinds",
                credential.key_id
            )));
        }
        let (issuer, trust) = Trust::columns(trust.as_ref())?;
        let row = (
            credentials::key_id.eq(&credential.key_id),
            credentials::tenant_id.eq(tenant.id.as_str()),
            credentials::salt.eq(&credential.salt),
            credentials::hash.eq(&credential.hash),
            credentials::created_ms.eq(credential.created_ms),
            credentials::expires_ms.eq(credential.expires_ms),
            credentials::revoked_ms.eq(credential.revoked_ms.or(revoked.get(&credential.key_id).copied())),
            credentials::last_used_ms.eq(credential.last_used_ms),
            credentials::maker.eq(&credential.maker),
            credentials::kind.eq(&credential.kind),
            credentials::scopes.eq(&credential.scopes),
            credentials::note.eq(&credential.note),
            credentials::made_by.eq(&credential.made_by),
            credentials::client_id.eq(&credential.client_id),
            credentials::issuer.eq(issuer),
            credentials::trust.eq(trust),
        );
        diesel::insert_into(credentials::table).values(row).execute(tx.connection())?;
    }
    note_makers(tx, &tenant.id)
}

/// The acts that end a credential; the first is that of earlier releases.
const REVOCATIONS: [&str; 2] = ["token.revoked", "credential.revoked"];

/// The key ids of revoked credentials, each with the time.
fn revoked(tx: &mut WriteTx<'_>, tenant: &Tenant) -> Result<HashMap<String, i64>, RegistryError> {
    let acts = staff_acts::table
        .filter(staff_acts::tenant_id.eq(tenant.id.as_str()).and(staff_acts::act.eq_any(REVOCATIONS)))
        .select((staff_acts::detail, staff_acts::at_ms));
    let acts: Vec<(String, i64)> = acts.load(tx.connection())?;
    let key_id = |detail: &str| {
        let detail: Value = serde_json::from_str(detail).ok()?;
        detail.get("keyId").and_then(Value::as_str).map(str::to_owned)
    };
    Ok(acts.into_iter().filter_map(|(detail, at_ms)| Some((key_id(&detail)?, at_ms))).collect())
}
