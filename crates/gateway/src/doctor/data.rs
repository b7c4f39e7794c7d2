//! The data directory, the registries in it, and the stores of tenants.

use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use cli::Progress;
use provisioning::TENANT_MIGRATIONS;
use tenant_registry::{
    InspectedRegion, RegionCode, RegistryError, RegistryPlace, inspect_region, inspect_tenant,
};

use super::looked::Looked;
use crate::{data_dir::is_open, settings::Settings};

const DIRECTORY: &str = "data directory";

/// How the data directory is, and whether a gateway serves it now.
pub(super) fn directory(settings: &Settings) -> (Looked, bool) {
    if !settings.regions.values().any(crate::settings::Region::keeps_files) {
        return (Looked::well(DIRECTORY, "No served region keeps files, so none is used."), false);
    }
    let path = &settings.data_dir;
    let shown = path.display();
    let directory = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return (
                Looked::well(DIRECTORY, format!("{shown} is not there yet; the first start makes it.")),
                false,
            );
        }
        Err(error) => return (cannot_be_read(path, &error), false),
        Ok(directory) => directory,
    };
    // Held for a moment only. A shared lock does not keep another doctor out.
    let is_served = matches!(directory.try_lock_shared(), Err(TryLockError::WouldBlock));
    let _unlocked = directory.unlock();
    let looked = match directory.metadata() {
        Err(error) => cannot_be_read(path, &error),
        Ok(found) if !found.is_dir() => {
            Looked::finding(DIRECTORY, format!("{shown} is no directory"), "name another with data_dir")
        }
        Ok(found) if is_open(&found) => Looked::finding(
            DIRECTORY,
            format!("{shown} is open to other users (mode {:o})", found.mode() & 0o7777),
            format!("chmod 700 {shown}"),
        ),
        Ok(_) if is_served => {
            Looked::well(DIRECTORY, format!("{shown} is closed to other users, and served now."))
        }
        Ok(_) => {
            Looked::well(DIRECTORY, format!("{shown} is closed to other users; no gateway serves it now."))
        }
    };
    (looked, is_served)
}

fn cannot_be_read(path: &Path, error: &std::io::Error) -> Looked {
    let fault = format!("{} cannot be read ({error})", path.display());
    Looked::finding(
        DIRECTORY,
        fault,
        "run the doctor as the gateway's user, or give that user the directory with chown",
    )
}

/// How the registries and the stores of tenants in files are, and the newest time that a registry holds.
pub(super) fn stores(settings: &Settings) -> (Vec<Looked>, Option<i64>) {
    let (mut all, mut newest_ms) = (Vec::new(), None);
    for (code, region) in &settings.regions {
        let RegistryPlace::Directory(directory) = &region.place.registry else { continue };
        match inspect_region(directory, code) {
            Ok(None) => all.push(Looked::well("registry", format!("Region {code} is new."))),
            Ok(Some(inspected)) => {
                newest_ms = newest_ms.max(inspected.newest_ms);
                all.push(registry(code, &inspected));
                all.extend(of_tenants(code, directory, &inspected));
            }
            Err(RegistryError::Damaged(sentence)) => {
                let fault = format!("Region {code}: {sentence}");
                all.push(Looked::finding(
                    "registry",
                    fault,
                    "see \"A region is down\" in docs/operations.md",
                ));
            }
            Err(error) => {
                let fault = format!("The registry of region {code} cannot be read ({error})");
                all.push(Looked::finding(
                    "registry",
                    fault,
                    "check permissions, mounts and the disk of its directory",
                ));
            }
        }
    }
    (all, newest_ms)
}

fn registry(code: &RegionCode, inspected: &InspectedRegion) -> Looked {
    let known = inspected.tenants.len();
    match inspected.unknown_files {
        0 => Looked::well(
            "registry",
            format!("The registry of region {code} is sound and knows {known} tenants in files."),
        ),
        unknown => Looked::finding(
            "registry",
            format!(
                "{unknown} files lie among those of tenants that the registry of region {code} does not know"
            ),
            "look for a newer backup of registry.db before anything is written",
        ),
    }
}

fn of_tenants(code: &RegionCode, directory: &Path, inspected: &InspectedRegion) -> Vec<Looked> {
    let all = u64::try_from(inspected.tenants.len()).ok();
    let progress = Progress::of_things(format!("{code}: stores"), all);
    let (mut findings, mut behind) = (Vec::new(), 0_usize);
    for (id, done) in inspected.tenants.iter().zip(1..) {
        match inspect_tenant(directory, id, TENANT_MIGRATIONS) {
            Ok(looked) => behind += usize::from(looked.is_behind),
            Err(error) => findings.push(Looked::finding(
                "store",
                format!("The store {code}/tenants/{id}.db cannot be used ({error})"),
                "restore it from its backup, without the old -wal and -shm",
            )),
        }
        progress.reached(done);
    }
    if behind > 0 {
        let fault = format!("{behind} stores of region {code} lack a migration");
        findings.push(Looked::finding(
            "store",
            fault,
            "run `usher migrate`, or let each be migrated when it is opened",
        ));
    }
    if findings.is_empty() && !inspected.tenants.is_empty() {
        findings.push(Looked::well(
            "store",
            format!("All {} stores of region {code} are sound.", inspected.tenants.len()),
        ));
    }
    findings
}
