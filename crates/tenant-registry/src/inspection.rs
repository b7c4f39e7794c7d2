//! A region that keeps files, looked at beside the process that may serve it; nothing is changed. For `usher doctor`.

use std::{collections::HashSet, path::Path};

use diesel::prelude::*;
use store::{Inspected, Migration, ReadTx, StoreError, StoreFile, inspect};

use crate::{
    error::RegistryError,
    migrations::REGISTRY_MIGRATIONS,
    names::{RegionCode, TenantId},
    opening::{tenants_files, what_to_restore},
    place::REGISTRY,
    record::tenants_with_files,
    schema::region,
};

/// A region's registry that can be read.
#[derive(Clone, Debug)]
pub struct InspectedRegion {
    /// The newest time that it holds.
    pub newest_ms: Option<i64>,
    /// The tenants whose stores are files, without those that are being deleted.
    pub tenants: Vec<TenantId>,
    /// How many files of tenants lie there that it does not know.
    pub unknown_files: usize,
}

/// Looks at the registry in a region's directory; `None` when the region is new. Blocks.
///
/// # Errors
/// [`RegistryError::Damaged`] with a sentence that says what to restore, or the store's.
pub fn inspect_region(directory: &Path, code: &RegionCode) -> Result<Option<InspectedRegion>, RegistryError> {
    let mut files = tenants_files(&directory.join("tenants"))?;
    let file = StoreFile::new(directory, REGISTRY)?;
    if files.is_empty() && !file.path().exists() {
        return Ok(None);
    }
    let inspected = match inspect(&file, REGISTRY_MIGRATIONS, |tx| read(tx, code)) {
        Err(RegistryError::Store(error)) => return Err(what_to_restore(error, &files)),
        inspected => inspected?,
    };
    let Inspected { newest_ms, found: tenants, .. } = inspected;
    let named: HashSet<&str> = tenants.iter().map(|(id, _)| id.as_str()).collect();
    files.retain(|stem| !named.contains(stem.as_str()));
    let tenants = tenants.into_iter().filter_map(|(id, is_served)| is_served.then_some(id)).collect();
    Ok(Some(InspectedRegion { newest_ms, tenants, unknown_files: files.len() }))
}

/// Looks at the file of one tenant in a region's directory. Blocks.
///
/// # Errors
/// The store's.
pub fn inspect_tenant(
    directory: &Path,
    id: &TenantId,
    migrations: &[Migration],
) -> Result<Inspected<()>, RegistryError> {
    let file = StoreFile::new(&directory.join("tenants"), id.as_str())?;
    inspect(&file, migrations, |_| Ok::<_, StoreError>(())).map_err(RegistryError::from)
}

fn read(tx: &mut ReadTx<'_>, code: &RegionCode) -> Result<Vec<(TenantId, bool)>, RegistryError> {
    let found: Option<String> = region::table.select(region::code).first(tx.connection()).optional()?;
    if let Some(found) = found.filter(|found| found != code.as_str()) {
        return Err(RegistryError::Damaged(format!(
            "registry.db is that of region {found}; put the one of region {code} back"
        )));
    }
    tenants_with_files(tx)
}
