//! One tenant of a run as an export, which a running gateway restores.

use std::io::Write;

use store::Snapshot;
use tenant_registry::{CompanyKey, RegionCode, TenantRecord, write_export};

use crate::error::BackupError;
use crate::folder::Folder;
use crate::manifest::Run;
use crate::path::StorePath;

/// Writes the export of the tenant as it was in this run. Only its own copy and that of its region's registry are read, and compared
/// with their checksums first.
///
/// # Errors
/// A sentence when the run does not have the tenant, or a copy is damaged.
pub fn extract(
    folder: &Folder,
    run: &Run,
    region: &RegionCode,
    key: &CompanyKey,
    out: impl Write,
) -> Result<(), BackupError> {
    let at = &run.head.at;
    let registry = copy(folder, run, &StorePath::registry(region))?;
    let record = registry.read(|tx| TenantRecord::read(tx, key))?;
    let Some(record) = record else {
        return Err(BackupError::refused(format!("the run of {at} has no tenant {key} in region {region}")));
    };
    let store = copy(folder, run, &StorePath::tenant(region, record.id().clone()))?;
    store.read(|tx| write_export(out, tx, region, &record, at))?;
    Ok(())
}

fn copy(folder: &Folder, run: &Run, path: &StorePath) -> Result<Snapshot, BackupError> {
    let Some(copy) = run.copies.get(path) else {
        return Err(BackupError::refused(format!("the run of {} has no copy of {path}", run.head.at)));
    };
    folder
        .verify(copy)
        .map_err(|fault| BackupError::refused(format!("the copy of {path} cannot be used: {fault}")))?;
    Ok(Snapshot::at(&folder.object(&copy.sha256)))
}
