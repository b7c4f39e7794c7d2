//! Makes a tenant of its export, or puts a tenant back to what its export holds. The file is checked as a whole before anything is
//! made; the rows are loaded into a store of their own, and the tenant appears, or changes, when all of them are there.

use std::{
    fs::{self, File},
    io::ErrorKind,
    sync::Arc,
};

use serde_json::json;
use store::{Held, SchemaName, StoreError, StoreFile, StoreLocation, WriteTx, in_background};
use tracing::warn;
use transfer::{Batch, FileReader, Header, Line, Loading, Sealed, TransferError};

use crate::{
    arrival,
    by::By,
    cells,
    error::{RegistryError, TenantName},
    leases,
    move_row::MoveRow,
    names::CompanyKey,
    place::Placement,
    record::TenantRecord,
    registry::{Forgets, Registry},
    tenant::{Tenant, TenantSettings, TenantState, find, record},
    upgrade::newest,
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
        by: By,
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
            Ok(()) => self.complete(tenant.clone(), record, by, "tenant.imported").await,
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
    pub async fn restore(&self, export: Export, by: By) -> Result<Tenant, RegistryError> {
        let key = export.key().clone();
        let tenant = match self.tenant(&key).await {
            Ok(tenant) => tenant,
            Err(RegistryError::NoTenant(_)) => return self.import(export, None, None, by).await,
            Err(error) => return Err(error),
        };
        if tenant.id != export.record.tenant.id {
            return Err(RegistryError::Unfit(format!(
                "the company key {key} belongs to another tenant now, made later; import it under another key, or delete that tenant"
            )));
        }
        self.check_profile_of(&export.record).await?;
        let occupied = || RegistryError::Occupied(TenantName::new(&self.region, &key));
        let _under_way = self.moving.begin(&tenant.id).ok_or_else(occupied)?;
        self.note_move(&tenant, MoveRow::of_restoration(&tenant, by)).await?;
        let _renewal = leases::renew(&self.store, &tenant.id, &self.holder);
        let held = self.stores.hold(&self.place.locate(&tenant.id, &tenant.location)?).await;
        let loaded = self.stage(&tenant, export).await;
        // Where it is not known whether the row says so, the row decides.
        match self.settle_restoration(&tenant, &held).await {
            Ok(Some(restored)) => Ok(restored),
            Ok(None) => Err(loaded.err().unwrap_or_else(occupied)),
            Err(error) => {
                self.end_lease(&tenant.id).await;
                Err(loaded.err().unwrap_or(error))
            }
        }
    }

    /// Loads the rows beside the store, and notes that they are there.
    async fn stage(&self, tenant: &Tenant, export: Export) -> Result<(), RegistryError> {
        let staged = self.staged(tenant)?;
        self.stores.destroy(&staged).await?;
        let record = export.record.clone();
        export.load(self, &staged).await?;
        self.stores.close(&staged).await;
        let (id, tenant, holder) = (tenant.id.clone(), tenant.clone(), self.holder.clone());
        let occupied = RegistryError::Occupied(TenantName::new(&self.region, &tenant.company_key));
        let note = move |tx: &mut WriteTx<'_>| {
            let is_own = leases::is_own(tx, &tenant, &holder)?;
            if is_own {
                MoveRow::hand_over(tx, &id, &record)?;
            }
            Ok(is_own)
        };
        if self.write_registry(note).await? { Ok(()) } else { Err(occupied) }
    }

    /// Completes a restoration whose rows are loaded, and undoes another; `None` then. It may be repeated.
    pub(crate) async fn settle_restoration(
        &self,
        tenant: &Tenant,
        held: &Held,
    ) -> Result<Option<Tenant>, RegistryError> {
        let (staged, id) = (self.staged(tenant)?, tenant.id.clone());
        let row = self.store.read(move |tx| MoveRow::find(tx, &id)).await?;
        let Some((record, by)) = row.and_then(|row| Some((row.record?, row.by))) else {
            self.stores.destroy(&staged).await?;
            self.forget_move(&tenant.id).await?;
            return Ok(None);
        };
        if self.stores.is_there(&staged).await? {
            held.replace_with(&staged).await?;
        }
        // Only when what was cached of the tenant is forgotten are its new rows read, and the hold ended.
        self.complete(tenant.clone(), record, by, "tenant.restored").await.map(Some)
    }

    /// Where the rows are loaded that will replace a tenant's: a file of the same name in a directory beside, or a schema beside.
    fn staged(&self, tenant: &Tenant) -> Result<StoreLocation, RegistryError> {
        Ok(match (self.place.locate(&tenant.id, &tenant.location)?, self.place.directory()) {
            (StoreLocation::Postgres { cell, schema }, _) => {
                StoreLocation::Postgres { cell, schema: SchemaName::new(&format!("{}_r", schema.as_str()))? }
            }
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

    /// Removes what restorations left in the region's directory that no row tells of.
    pub(crate) async fn remove_staged(&self) {
        let noted = self.store.read(MoveRow::all).await;
        if noted.map_or(true, |rows| rows.iter().any(MoveRow::is_restoration)) {
            return;
        }
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
        let check = self.check_profile;
        let taken = RegistryError::KeyTaken(TenantName::new(&region, &key));
        let work = move |tx: &mut WriteTx<'_>| {
            let location = cells::place(tx, &region, &place, &record.tenant.id, placement.as_ref())?;
            let tenant = arrival::insert(tx, &region, &record, &key, &location, check)?;
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
        mut from: TenantRecord,
        by: By,
        act: &'static str,
    ) -> Result<Tenant, RegistryError> {
        let (region, holder, known_here) =
            (self.region.clone(), self.holder.clone(), Arc::clone(&self.known));
        // Loading has applied all migrations.
        let version = newest(self.tenant_migrations);
        let work = move |tx: &mut WriteTx<'_>| {
            if !leases::end(tx, &tenant.id, &holder)? {
                // This took so long that another process deletes it.
                return Err(RegistryError::BeingDeleted(TenantName::new(&region, &tenant.company_key)));
            }
            let now = find(tx, &region, &tenant.company_key)?;
            // Staff who suspended it since did so with a reason.
            let was = from.tenant.state;
            let state = if now.state == TenantState::Suspended { now.state } else { was };
            // What was bought since, and that staff have activated it, holds as well.
            let TenantSettings { awaits_activation, plan, .. } = now.settings;
            let then = arrival::known(&from.tenant.settings)?;
            let settings = TenantSettings { awaits_activation, plan, ..then };
            from.tenant.settings = json!(settings);
            arrival::complete(tx, &now, &from, state, version)?;
            MoveRow::remove(tx, &now.id)?;
            record(tx, &now, &by, act, &json!({ "exported_as": from.tenant.key }))?;
            let made = find(tx, &region, &now.company_key)?;
            Ok((made, Forgets { known: known_here, tenant: now.id }))
        };
        Ok(self.write_registry(work).await?.0)
    }
}

/// The directory for them, beside that of the tenants' files.
const STAGED: &str = "restoring";

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
