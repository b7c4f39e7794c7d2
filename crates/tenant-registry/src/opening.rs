//! How a region's registry is opened. A new region gets a new registry. A region that has tenants' files, but whose registry is missing,
//! empty, damaged or another region's, is not opened: as a region without tenants it would refuse every token.

use std::{
    collections::HashSet,
    fs,
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Arc, Mutex},
};

use diesel::prelude::*;
use rand::{RngExt as _, distr::Alphanumeric};
use store::{Migration, Need, ReadTx, Store, StoreError, Stores, WriteTx};
use tracing::{error, warn};

use crate::{
    by::By,
    cache::GrantCache,
    cells,
    error::RegistryError,
    leases,
    migrations::REGISTRY_MIGRATIONS,
    moving::Moving,
    names::RegionCode,
    place::{REGISTRY, RegionPlace, RegistryPlace},
    profiles::CheckProfile,
    registry::{Known, OnForget, Registry, is_full, spend},
    schema::region,
};

/// What a registry is opened with.
pub struct RegistryContext<'a> {
    /// The stores of the process.
    pub stores: &'a Stores,
    /// The migrations of tenants' stores.
    pub tenant_migrations: &'static [Migration],
    /// Waits for all writers of a tenant's store, and lets no other begin, until the transaction ends.
    pub take_all_turns: fn(&mut WriteTx<'_>) -> Result<(), StoreError>,
    /// See [`OnForget`].
    pub on_forget: OnForget,
    /// See [`CheckProfile`].
    pub check_profile: CheckProfile,
}

impl Registry {
    /// Opens the registry of a region in its place, makes it if the region is new, and completes interrupted deletions.
    ///
    /// # Errors
    /// [`RegistryError::Damaged`] with a sentence that says what to restore, or the store's.
    pub async fn open(
        context: RegistryContext<'_>,
        region: RegionCode,
        place: RegionPlace,
    ) -> Result<Self, RegistryError> {
        let stores = context.stores;
        check_databases(stores, &place).await?;
        let files = match place.directory() {
            Some(directory) => tenants_files(&directory.join("tenants"))?,
            None => HashSet::new(),
        };
        let location = place.registry(&region)?;
        let reserve = place.directory().map(|directory| stores.reserve(directory));
        // The check is part of it: a file at rest is opened without room on the disk, but not for a check.
        let open = async || {
            let store = match files.is_empty() {
                true => stores.create(&location, REGISTRY_MIGRATIONS).await?,
                false => stores.open(&location, REGISTRY_MIGRATIONS).await?,
            };
            store.check().await?;
            Ok(store)
        };
        let store = match spend(reserve.as_ref(), Need::Start, is_full, open).await {
            Ok(store) => store,
            Err(error) => {
                // Otherwise a restored file would be mistaken for the open one.
                stores.close(&location).await;
                return Err(what_to_restore(error, &files));
            }
        };
        let registry = Self {
            file: place.directory().and_then(|directory| identity(directory)),
            region,
            place,
            store,
            stores: stores.clone(),
            tenant_migrations: context.tenant_migrations,
            take_all_turns: context.take_all_turns,
            due_times: Arc::default(),
            moving: Moving::default(),
            known: Arc::new(Known { cache: GrantCache::new(), on_forget: context.on_forget }),
            noted: Mutex::default(),
            check_profile: context.check_profile,
            holder: random_holder(),
            reserve,
        };
        if let Err(error) = registry.begin(files).await {
            // Otherwise a restored file would be mistaken for the open one.
            registry.close().await;
            return Err(error);
        }
        Ok(registry)
    }

    /// Whether the opened file is still in its place and has been at each check. Writes to a file that was moved are lost.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        match self.place.directory() {
            Some(directory) => {
                !self.store.is_lost() && self.file.is_some() && self.file == identity(directory)
            }
            None => true,
        }
    }

    /// Lets running work end and closes the registry; later calls get `Unavailable`.
    pub async fn close(&self) {
        if let Ok(location) = self.place.registry(&self.region) {
            self.stores.close(&location).await;
        }
    }

    /// Checks that the registry is the region's own, notes new cells, and completes deletions.
    async fn begin(&self, files: HashSet<String>) -> Result<(), RegistryError> {
        require_own(&self.store, &self.region).await?;
        self.check_profiles().await?;
        self.fill_up_reserve().await;
        let (place, is_alone) = (self.place.clone(), self.place.directory().is_some());
        if is_alone {
            self.remove_staged().await;
            self.compare_with(files).await?;
        }
        let note = move |tx: &mut WriteTx<'_>| {
            if is_alone {
                leases::end_all(tx)?;
            }
            cells::note(tx, &place)
        };
        // A start writes nothing without need: the disk may be full, and a registry without a time in it proves no clock right.
        let asked = self.place.clone();
        let is_needed = move |tx: &mut ReadTx<'_>| {
            Ok::<_, RegistryError>((is_alone && leases::are_there(tx)?) || cells::are_new(tx, &asked)?)
        };
        if self.store.read(is_needed).await? {
            self.write_registry(note).await?;
        }
        self.complete_abandoned().await;
        Ok(())
    }

    /// Completes the deletions that no process works on. Call it again and again: another process may have died.
    pub async fn complete_abandoned(&self) {
        let region = self.region.as_str();
        let keys = match self.store.read(leases::abandoned).await {
            Ok(keys) => keys,
            Err(error) => return error!(region, %error, "unfinished deletions could not be looked for"),
        };
        for key in keys {
            match self.delete(&key, By::the_program()).await {
                Ok(()) | Err(RegistryError::NoTenant(_) | RegistryError::Occupied(_)) => {}
                Err(error) => error!(region, %error, "a deletion could not be ended"),
            }
        }
    }

    /// Looks for files that the registry does not know.
    async fn compare_with(&self, mut files: HashSet<String>) -> Result<(), RegistryError> {
        let tenants = self.page(None, i64::MAX).await?;
        if tenants.is_empty() && !files.is_empty() {
            return Err(RegistryError::Damaged(format!(
                "registry.db knows no tenant, but the files of {} lie beside it; restore registry.db from its backup, or move \
                 those files away",
                files.len()
            )));
        }
        let region = self.region.as_str();
        for tenant in tenants {
            files.remove(tenant.id.as_str());
        }
        if !files.is_empty() {
            let number = files.len();
            warn!(
                region,
                number,
                "files lie among those of tenants that the registry does not know; is it an old copy?"
            );
        }
        Ok(())
    }
}

/// Device and inode of the file that is in the place of a region's registry.
fn identity(directory: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(directory.join(REGISTRY).with_extension("db")).ok()?;
    Some((found.dev(), found.ino()))
}

/// The stems of the files of tenants' stores; empty if there is no such directory.
pub(crate) fn tenants_files(directory: &Path) -> Result<HashSet<String>, RegistryError> {
    let unreadable = |error: std::io::Error| {
        RegistryError::Store(StoreError::Unavailable(format!("its directory of tenants: {error}")))
    };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HashSet::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut stems = HashSet::new();
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        stems.extend(name.to_str().and_then(|name| name.strip_suffix(".db")).map(str::to_owned));
    }
    Ok(stems)
}

/// Checks that the region's databases can hold stores. A cell that is away takes its own tenants down, not the region.
async fn check_databases(stores: &Stores, place: &RegionPlace) -> Result<(), RegistryError> {
    if let RegistryPlace::Database(url) = &place.registry {
        stores.check_cell(url).await?;
    }
    for (name, cell) in &place.cells {
        match stores.check_cell(&cell.url).await {
            Ok(()) => {}
            Err(unfit @ StoreError::Unfit(_)) => return Err(unfit.into()),
            Err(error) => warn!(cell = %name, %error, "a cell cannot be reached now"),
        }
    }
    Ok(())
}

/// Tells an operator what to do about a registry that does not open.
pub(crate) fn what_to_restore(error: StoreError, files: &HashSet<String>) -> RegistryError {
    match error {
        StoreError::Missing => RegistryError::Damaged(format!(
            "registry.db is missing or no regular file, but the files of {} tenants lie beside it; restore registry.db from \
             its backup",
            files.len()
        )),
        StoreError::Corrupt(cause) => {
            RegistryError::Damaged(format!("registry.db is damaged ({cause}); restore it from its backup"))
        }
        other => RegistryError::Store(other),
    }
}

/// A registry contains the code of its region from its first opening on.
async fn require_own(store: &Store, code: &RegionCode) -> Result<(), RegistryError> {
    let read = |tx: &mut ReadTx<'_>| {
        Ok::<Option<String>, RegistryError>(
            region::table.select(region::code).first(tx.connection()).optional()?,
        )
    };
    match store.read(read).await? {
        Some(found) if found == code.as_str() => Ok(()),
        Some(found) => Err(RegistryError::Damaged(format!(
            "registry.db is that of region {found}; put the one of region {code} back"
        ))),
        None => {
            let code = code.to_string();
            let write = move |tx: &mut WriteTx<'_>| {
                diesel::insert_into(region::table).values(region::code.eq(code)).execute(tx.connection())?;
                Ok(())
            };
            store.write_urgently(write).await
        }
    }
}

/// A name that no other process has.
fn random_holder() -> String {
    rand::rng().sample_iter(Alphanumeric).take(22).map(char::from).collect()
}
