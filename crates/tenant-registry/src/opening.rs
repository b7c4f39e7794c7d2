//! How a region's registry is opened. A new region gets a new registry. A region that has tenants' files, but whose registry is missing,
//! empty, damaged or another region's, is not opened: as a region without tenants it would refuse every token.

use std::{collections::HashSet, fs, io::ErrorKind, os::unix::fs::MetadataExt as _, path::Path, sync::Arc};

use diesel::prelude::*;
use quick_cache::sync::Cache;
use store::{Migration, Need, ReadTx, Store, StoreError, StoreFile, StoreLocation, Stores, WriteTx};
use tracing::{error, warn};

use crate::{
    error::RegistryError,
    making::Making,
    migrations::REGISTRY_MIGRATIONS,
    names::RegionCode,
    registry::{CACHED_KEY_IDS, Registry, is_full},
    schema::region,
    tenant::TenantState,
};

impl Registry {
    /// Opens the registry of a region below the data directory, makes it if the region is new, and completes interrupted deletions.
    ///
    /// # Errors
    /// [`RegistryError::Damaged`] with a sentence that says what to restore, or the store's.
    pub async fn open(
        stores: &Stores,
        region: RegionCode,
        data_directory: &Path,
        tenant_migrations: &'static [Migration],
    ) -> Result<Self, RegistryError> {
        let directory = data_directory.join(region.as_str());
        let files = tenants_files(&directory.join("tenants"))?;
        let location = StoreLocation::Sqlite(StoreFile::new(&directory, FILE)?);
        let reserve = stores.reserve(&directory);
        let open = async || match files.is_empty() {
            true => stores.create(&location, REGISTRY_MIGRATIONS).await,
            false => stores.open(&location, REGISTRY_MIGRATIONS).await,
        };
        let opened = reserve.spend(Need::Start, is_full, open).await;
        let store = opened.map_err(|error| what_to_restore(error, &files))?;
        let registry = Self {
            file: identity(&directory),
            region,
            directory,
            store,
            stores: stores.clone(),
            tenant_migrations,
            generation: Arc::default(),
            grants: Cache::new(CACHED_KEY_IDS),
            making: Making::default(),
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
        !self.store.is_lost() && self.file.is_some() && self.file == identity(&self.directory)
    }

    /// Lets running work end and closes the registry; later calls get `Unavailable`.
    pub async fn close(&self) {
        if let Ok(file) = StoreFile::new(&self.directory, FILE) {
            self.stores.close(&StoreLocation::Sqlite(file)).await;
        }
    }

    /// Checks that the registry is undamaged and the region's own, and completes deletions.
    async fn begin(&self, files: HashSet<String>) -> Result<(), RegistryError> {
        self.store.check().await.map_err(|error| what_to_restore(error, &files))?;
        require_own(&self.store, &self.region).await?;
        self.reserve.fill_up().await;
        self.compare_with(files).await
    }

    /// Completes deletions, and looks for files that the registry does not know.
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
            if tenant.state == TenantState::Deleting
                && let Err(error) = self.remove(&tenant).await
            {
                error!(region, %error, "a deletion could not be ended");
            }
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

/// The stem of a registry's file.
const FILE: &str = "registry";

/// Device and inode of the file that is in the place of a region's registry.
fn identity(directory: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(directory.join(FILE).with_extension("db")).ok()?;
    Some((found.dev(), found.ino()))
}

/// The stems of the files of tenants' stores; empty if there is no such directory.
fn tenants_files(directory: &Path) -> Result<HashSet<String>, RegistryError> {
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

/// Tells an operator what to do about a registry that does not open.
fn what_to_restore(error: StoreError, files: &HashSet<String>) -> RegistryError {
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
