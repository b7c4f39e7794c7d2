//! Makes a tenant of its export, or puts a tenant back to what its export holds. The file is checked as a whole before anything is
//! made; the rows are loaded into a store of their own, and the tenant appears, or changes, when all of them are there.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::ErrorKind,
    sync::Arc,
};

use diesel::prelude::*;
use serde_json::{Value, json};
use store::{SchemaName, StoreError, StoreFile, StoreLocation, WriteTx, in_background, in_chunks};
use tracing::warn;
use transfer::{Batch, FileReader, Header, Line, Loading, Sealed, TransferError};

use crate::{
    cells,
    error::{RegistryError, TenantName},
    leases,
    names::{CompanyKey, RegionCode},
    place::{Placement, TenantLocation},
    record::{ActRow, TenantRecord},
    registry::{Forgets, Registry},
    schema::{credentials, staff_acts, tenants},
    tenant::{Tenant, TenantSettings, TenantState, find, record},
};

/// An export that is complete and undamaged, read up to its first row.
pub struct Export {
    header: Header,
    record: TenantRecord,
    first: Option<Batch>,
    rest: FileReader<File>,
}

impl Export {
    /// Reads the whole file.
    ///
    /// # Errors
    /// `Unfit` with a sentence for a file that is no export, is damaged, or is from a newer version.
    pub async fn check(file: File) -> Result<Self, RegistryError> {
        in_background(move || {
            let sealed = Sealed::<_, Header>::check(file)?;
            let header = sealed.header().clone();
            let mut rest = sealed.read()?;
            let (mut records, mut first) = (Vec::new(), None);
            while let Some(line) = rest.next_line()? {
                match line {
                    Line::Record(kind, value) => records.push((kind, value)),
                    Line::Rows(batch) => {
                        first = Some(batch);
                        break;
                    }
                }
            }
            Ok(Self { header, record: TenantRecord::of_lines(records)?, first, rest })
        })
        .await
    }

    /// The tenant's company key when it was exported.
    #[must_use]
    pub fn key(&self) -> &CompanyKey {
        &self.record.tenant.key
    }

    async fn load(self, registry: &Registry, location: &StoreLocation) -> Result<(), RegistryError> {
        let Self { header, first, mut rest, .. } = self;
        let stores = &registry.stores;
        let mut loading =
            Loading::begin(stores, location, registry.tenant_migrations, &header.migrations).await?;
        let mut next = first;
        while let Some(batch) = next {
            loading.write(batch).await?;
            let read = in_background(move || Ok::<_, RegistryError>((rest.next_line()?, rest))).await?;
            rest = read.1;
            next = match read.0 {
                Some(Line::Rows(batch)) => Some(batch),
                Some(Line::Record(..)) => {
                    return Err(RegistryError::Unfit("it has a record among its rows".to_owned()));
                }
                None => None,
            };
        }
        drop(loading.finish().await?);
        Ok(())
    }
}

impl Registry {
    /// Makes a tenant of an export, under its own company key or another, where `placement` wants its store. Ids, versions, ledger, log
    /// and hashes of tokens are those of the export.
    ///
    /// # Errors
    /// [`RegistryError::KeyTaken`]; [`RegistryError::Unfit`] when the tenant is in this region already; or the store's. Nothing is left.
    pub async fn import(
        &self,
        export: Export,
        key: Option<CompanyKey>,
        placement: Option<Placement>,
    ) -> Result<Tenant, RegistryError> {
        let key = key.unwrap_or_else(|| export.key().clone());
        let tenant = self.begin_import(export.record.clone(), key, placement).await?;
        let _renewal = leases::renew(&self.store, &tenant.id, &self.holder);
        let record = export.record.clone();
        let loaded = match self.place.locate(&tenant.id, &tenant.location) {
            Ok(location) => export.load(self, &location).await,
            Err(error) => Err(error),
        };
        let made = match loaded {
            Ok(()) => self.complete(tenant.clone(), record, "tenant.imported").await,
            Err(error) => Err(error),
        };
        if made.is_err() {
            self.remove(&tenant).await?;
        }
        made
    }

    /// Puts a tenant back to what an export holds of it; makes it again if it was deleted. While its rows are loaded, this process
    /// refuses requests to it as busy. Tokens stay as they are; those that a deletion removed return, except revoked ones.
    ///
    /// # Errors
    /// [`RegistryError::Unfit`] when the company key belongs to another tenant now; or the store's.
    pub async fn restore(&self, export: Export) -> Result<Tenant, RegistryError> {
        let key = export.key().clone();
        let tenant = match self.tenant(&key).await {
            Ok(tenant) => tenant,
            Err(RegistryError::NoTenant(_)) => return self.import(export, None, None).await,
            Err(error) => return Err(error),
        };
        if tenant.id != export.record.tenant.id {
            return Err(RegistryError::Unfit(format!(
                "the company key {key} belongs to another tenant now, made later; import it under another key, or delete that tenant"
            )));
        }
        self.begin_restoration(&tenant).await?;
        let _renewal = leases::renew(&self.store, &tenant.id, &self.holder);
        let restored = self.replace(&tenant, export).await;
        if restored.is_err() {
            // So that it can be tried again at once.
            let (id, holder) = (tenant.id.clone(), self.holder.clone());
            let end = move |tx: &mut WriteTx<'_>| leases::end(tx, &id, &holder);
            let _ends_by_itself = self.write_registry(end).await;
        }
        restored
    }

    async fn begin_restoration(&self, tenant: &Tenant) -> Result<(), RegistryError> {
        let (tenant, holder) = (tenant.clone(), self.holder.clone());
        let occupied = RegistryError::Occupied(TenantName::new(&self.region, &tenant.company_key));
        let take = move |tx: &mut WriteTx<'_>| leases::take(tx, &tenant, &holder);
        if self.write_registry(take).await? { Ok(()) } else { Err(occupied) }
    }

    async fn replace(&self, tenant: &Tenant, export: Export) -> Result<Tenant, RegistryError> {
        let location = self.place.locate(&tenant.id, &tenant.location)?;
        let staged = self.staged(tenant, &location)?;
        // What an interrupted restoration left.
        self.stores.destroy(&staged).await?;
        let held = self.stores.hold(&location).await;
        let record = export.record.clone();
        let replaced = match export.load(self, &staged).await {
            Ok(()) => held.replace_with(&staged).await.map_err(RegistryError::from),
            Err(error) => Err(error),
        };
        if let Err(error) = replaced {
            let _left_for_the_next = self.stores.destroy(&staged).await;
            return Err(error);
        }
        let restored = self.complete(tenant.clone(), record, "tenant.restored").await;
        // Only when what was cached of the tenant is forgotten are its new rows read.
        drop(held);
        restored
    }

    /// Where the rows are loaded that will replace a tenant's: a file of the same name in a directory beside, or a schema beside.
    fn staged(&self, tenant: &Tenant, location: &StoreLocation) -> Result<StoreLocation, RegistryError> {
        Ok(match (location, self.place.directory()) {
            (StoreLocation::Postgres { cell, schema }, _) => StoreLocation::Postgres {
                cell: cell.clone(),
                schema: SchemaName::new(&format!("{}_new", schema.as_str()))?,
            },
            (StoreLocation::Sqlite(_), Some(directory)) => {
                StoreLocation::Sqlite(StoreFile::new(&directory.join(STAGED), tenant.id.as_str())?)
            }
            (StoreLocation::Sqlite(_), None) => {
                return Err(RegistryError::Damaged(
                    "a tenant is a file in a region without a directory".to_owned(),
                ));
            }
        })
    }

    /// Removes what interrupted restorations left in the region's directory.
    pub(crate) async fn remove_staged(&self) {
        let Some(staged) = self.place.directory().map(|directory| directory.join(STAGED)) else { return };
        let remove = move || match fs::remove_dir_all(&staged) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(StoreError::Unavailable(format!("{}: {error}", staged.display())))
            }
            _ => Ok(()),
        };
        if let Err(error) = in_background(remove).await {
            warn!(region = self.region.as_str(), %error, "what an interrupted restoration left could not be removed");
        }
    }

    /// Writes the row alone, in the state `deleting`, with a lease.
    async fn begin_import(
        &self,
        record: TenantRecord,
        key: CompanyKey,
        placement: Option<Placement>,
    ) -> Result<Tenant, RegistryError> {
        let (region, place, holder) = (self.region.clone(), self.place.clone(), self.holder.clone());
        let taken = RegistryError::KeyTaken(TenantName::new(&region, &key));
        let work = move |tx: &mut WriteTx<'_>| {
            match find(tx, &region, &key) {
                Ok(_) => return Err(RegistryError::KeyTaken(TenantName::new(&region, &key))),
                Err(RegistryError::NoTenant(_)) => {}
                Err(error) => return Err(error),
            }
            refuse_known(tx, &region, &record)?;
            let row = record.tenant;
            let (cell, schema) = match cells::place(tx, &region, &place, &row.id, placement.as_ref())? {
                TenantLocation::File => (None, None),
                TenantLocation::Cell { cell, schema } => (Some(cell.to_string()), Some(schema)),
            };
            let values = (
                tenants::id.eq(row.id.as_str()),
                tenants::company_key.eq(key.as_str()),
                tenants::name.eq(&row.name),
                tenants::state.eq(TenantState::Deleting.key()),
                tenants::profile.eq(&row.profile),
                tenants::settings.eq(known(&row.settings)?),
                tenants::created_ms.eq(row.created_ms),
                tenants::cell.eq(cell),
                tenants::schema.eq(schema),
            );
            diesel::insert_into(tenants::table).values(values).execute(tx.connection())?;
            let tenant = find(tx, &region, &key)?;
            leases::take(tx, &tenant, &holder)?;
            Ok(tenant)
        };
        self.store.write(work).await.map_err(|error| match error {
            // Another process was faster.
            RegistryError::Store(StoreError::Unique(_)) => taken,
            error => error,
        })
    }

    /// Writes what the record says of the tenant, whose store has its rows now, and ends the lease.
    async fn complete(
        &self,
        tenant: Tenant,
        from: TenantRecord,
        act: &'static str,
    ) -> Result<Tenant, RegistryError> {
        let (region, holder, known_here) =
            (self.region.clone(), self.holder.clone(), Arc::clone(&self.known));
        // Loading has applied all migrations.
        let version = self.tenant_migrations.last().map_or("", |newest| newest.version);
        let work = move |tx: &mut WriteTx<'_>| {
            if !leases::end(tx, &tenant.id, &holder)? {
                // This took so long that another process deletes it.
                return Err(RegistryError::BeingDeleted(TenantName::new(&region, &tenant.company_key)));
            }
            let now = find(tx, &region, &tenant.company_key)?;
            let row = &from.tenant;
            // Staff who suspended it since did so with a reason.
            let state = if now.state == TenantState::Suspended { now.state } else { row.state };
            let values = (
                tenants::name.eq(&row.name),
                tenants::state.eq(state.key()),
                tenants::profile.eq(&row.profile),
                tenants::settings.eq(known(&row.settings)?),
                tenants::store_version.eq(version),
            );
            diesel::update(tenants::table.find(now.id.as_str())).set(values).execute(tx.connection())?;
            add_acts(tx, &now, &from.acts)?;
            add_credentials(tx, &now, &from)?;
            record(tx, &now, act, &json!({ "exported_as": row.key }))?;
            let made = find(tx, &region, &now.company_key)?;
            Ok((made, Forgets { known: known_here, tenant: now.id }))
        };
        Ok(self.write_registry(work).await?.0)
    }
}

/// A tenant is in a region once, and a token opens one tenant.
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
    Err(RegistryError::Unfit(format!("a token of it opens another tenant of region {region} already")))
}

/// The directory for them, beside that of the tenants' files.
const STAGED: &str = "restoring";

/// The settings as they are stored, if this version knows them all.
fn known(settings: &Value) -> Result<String, RegistryError> {
    serde_json::from_value::<TenantSettings>(settings.clone()).map_err(|error| {
        RegistryError::Unfit(format!("its settings are those of another version: {error}"))
    })?;
    Ok(settings.to_string())
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
        );
        diesel::insert_into(staff_acts::table).values(row).execute(tx.connection())?;
    }
    Ok(())
}

/// Adds the tokens that are not known here. One that staff have revoked, here or in the export, is not valid again: their acts, which
/// outlive a tenant, tell it.
fn add_credentials(tx: &mut WriteTx<'_>, tenant: &Tenant, from: &TenantRecord) -> Result<(), RegistryError> {
    let known =
        credentials::table.filter(credentials::tenant_id.eq(tenant.id.as_str())).select(credentials::key_id);
    let known: Vec<String> = known.load(tx.connection())?;
    let revoked = revoked(tx, tenant)?;
    for credential in from.credentials.iter().filter(|credential| !known.contains(&credential.key_id)) {
        let row = (
            credentials::key_id.eq(&credential.key_id),
            credentials::tenant_id.eq(tenant.id.as_str()),
            credentials::salt.eq(&credential.salt),
            credentials::hash.eq(&credential.hash),
            credentials::created_ms.eq(credential.created_ms),
            credentials::expires_ms.eq(credential.expires_ms),
            credentials::revoked_ms.eq(credential.revoked_ms.or(revoked.get(&credential.key_id).copied())),
            credentials::last_used_ms.eq(credential.last_used_ms),
        );
        diesel::insert_into(credentials::table).values(row).execute(tx.connection())?;
    }
    Ok(())
}

/// The key ids of revoked tokens, each with the time.
fn revoked(tx: &mut WriteTx<'_>, tenant: &Tenant) -> Result<HashMap<String, i64>, RegistryError> {
    let acts = staff_acts::table
        .filter(staff_acts::tenant_id.eq(tenant.id.as_str()).and(staff_acts::act.eq("token.revoked")))
        .select((staff_acts::detail, staff_acts::at_ms));
    let acts: Vec<(String, i64)> = acts.load(tx.connection())?;
    let key_id = |detail: &str| {
        let detail: Value = serde_json::from_str(detail).ok()?;
        detail.get("keyId").and_then(Value::as_str).map(str::to_owned)
    };
    Ok(acts.into_iter().filter_map(|(detail, at_ms)| Some((key_id(&detail)?, at_ms))).collect())
}

impl From<TransferError> for RegistryError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Store(error) => Self::Store(error),
            TransferError::Refused(sentence) => Self::Unfit(sentence),
            TransferError::File(error) => {
                Self::Store(StoreError::Unavailable(format!("the export cannot be read: {error}")))
            }
        }
    }
}
