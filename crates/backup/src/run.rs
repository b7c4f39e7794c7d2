//! One run: copies what changed. In each region the stores of tenants come first and the registry last, so that the registry knows all
//! that is in them; then come the stores that the registry names and the first pass did not find.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use store::{Snapshot, StoreError};
use tenant_registry::{RegionCode, RegistryError, TenantId, mark_as_deleted, tenants_with_files};

use crate::changes::{Seen, start_of_machine};
use crate::error::{BackupError, at};
use crate::folder::Folder;
use crate::manifest::{Copy, Head, Run};
use crate::path::StorePath;

/// When a run begins.
#[derive(Clone, Debug)]
pub struct Moment {
    /// As text of one length, which sorts by time.
    pub text: String,
    /// In milliseconds since 1970 UTC.
    pub ms: i64,
}

/// The result of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// When it began.
    pub at: String,
    /// Stores in the backup.
    pub stores: usize,
    /// Stores that were read, because they may have changed.
    pub copied: usize,
    /// Bytes of these.
    pub bytes: u64,
    /// Stores that did not change.
    pub unchanged: usize,
    /// One sentence for each store that could not be copied. An earlier copy of it stays in the backup.
    pub problems: Vec<String>,
}

/// Runs a backup of a data directory. `note` is told how many stores are done, again and again.
///
/// # Errors
/// A sentence when the run could not be completed; the earlier runs stay as they are.
pub fn back_up(
    data_dir: &Path,
    folder: &Folder,
    now: &Moment,
    note: &mut dyn FnMut(usize),
) -> Result<Summary, BackupError> {
    let last = folder.lists()?.last().map(|list| Run::read(list)).transpose()?;
    if last.as_ref().is_some_and(|last| last.head.at >= now.text) {
        return Err(BackupError::refused(
            "the newest run of this backup is not older than the clock: set the clock",
        ));
    }
    let head = Head { at: now.text.clone(), at_ms: now.ms, boot: start_of_machine() };
    let known = last.map_or_else(BTreeMap::new, |last| match last.head.boot == head.boot {
        true => last.copies,
        false => last.copies.into_iter().map(|(path, copy)| (path, Copy { seen: None, ..copy })).collect(),
    });
    let mut running = Running {
        data_dir,
        folder,
        now_ms: now.ms,
        known,
        run: Run { head, copies: BTreeMap::new(), problems: Vec::new() },
        summary: Summary { at: now.text.clone(), ..Summary::default() },
        note,
    };
    let regions = regions(data_dir)?;
    if regions.is_empty() {
        return Err(BackupError::refused(format!(
            "{} holds no region: is it a data directory?",
            data_dir.display()
        )));
    }
    for region in regions {
        running.region(&region)?;
    }
    let Running { run, mut summary, .. } = running;
    run.write(folder)?;
    summary.stores = run.copies.len();
    summary.problems = run.problems;
    Ok(summary)
}

struct Running<'a> {
    data_dir: &'a Path,
    folder: &'a Folder,
    now_ms: i64,
    /// The copies of the last run.
    known: BTreeMap<StorePath, Copy>,
    run: Run,
    summary: Summary,
    note: &'a mut dyn FnMut(usize),
}

impl Running<'_> {
    fn region(&mut self, region: &RegionCode) -> Result<(), BackupError> {
        for id in files_of_tenants(&self.data_dir.join(region.as_str()).join("tenants"))? {
            // What fails here may be a tenant that is just being made or deleted: the registry will tell.
            let _found = self.store(&StorePath::tenant(region, id))?;
        }
        let registry = StorePath::registry(region);
        let staged = self.folder.staging().join(REGISTRY);
        let copied = Snapshot::take(&registry.below(self.data_dir), &staged);
        let tenants =
            copied.map_err(RegistryError::from).and_then(|copy| Ok((copy.read(tenants_with_files)?, copy)));
        let (tenants, copy) = match tenants {
            Ok(read) => read,
            Err(error) => {
                return self.keep_region(&registry, &error);
            }
        };
        self.complete(region, &tenants, &copy)?;
        self.add(registry, &staged, None)
    }

    /// Makes registry and stores agree: adds the stores that are still missing, tells the copy of the registry which tenants have been
    /// deleted meanwhile, and leaves out the stores that it does not name.
    fn complete(
        &mut self,
        region: &RegionCode,
        tenants: &[(TenantId, bool)],
        registry: &Snapshot,
    ) -> Result<(), BackupError> {
        let mut deleted = Vec::new();
        for (id, is_served) in tenants {
            let path = StorePath::tenant(region, id.clone());
            if self.run.copies.contains_key(&path) || !*is_served {
                continue;
            }
            match self.store(&path)? {
                Found::Copied => {}
                Found::Missing => deleted.push(id.clone()),
                Found::Unreadable(why) => self.keep(&path, &why),
            }
        }
        if !deleted.is_empty() {
            registry.change(|connection| mark_as_deleted(connection, &deleted))?;
        }
        let named: BTreeSet<&TenantId> = tenants.iter().map(|(id, _)| id).collect();
        self.run.copies.retain(|path, _| {
            path.region != *region || path.tenant.as_ref().is_none_or(|id| named.contains(id))
        });
        Ok(())
    }

    /// Copies one store unless it is unchanged.
    fn store(&mut self, path: &StorePath) -> Result<Found, BackupError> {
        (self.note)(self.run.copies.len());
        let file = path.below(self.data_dir);
        let seen = Seen::of(&file, self.now_ms);
        if let Some(known) =
            self.known.get(path).filter(|known| seen.is_some() && known.seen == seen && !known.is_old)
        {
            self.summary.unchanged += 1;
            self.run.copies.insert(path.clone(), known.clone());
            return Ok(Found::Copied);
        }
        let staged = self.folder.staging().join(STORE);
        match Snapshot::take(&file, &staged) {
            Ok(_copy) => self.add(path.clone(), &staged, seen).map(|()| Found::Copied),
            Err(StoreError::Full) => Err(BackupError::refused("the disk of the backup is full")),
            Err(error) => {
                self.remove_staged(STORE)?;
                // It may have been deleted while it was read.
                let is_there = fs::symlink_metadata(&file).is_ok();
                Ok(if is_there { Found::Unreadable(error.to_string()) } else { Found::Missing })
            }
        }
    }

    fn add(&mut self, path: StorePath, staged: &Path, seen: Option<Seen>) -> Result<(), BackupError> {
        let (sha256, bytes) = self.folder.take_in(staged)?;
        self.summary.copied += 1;
        self.summary.bytes += bytes;
        self.run.copies.insert(path, Copy { sha256, bytes, seen, is_old: false });
        Ok(())
    }

    /// Goes on with the copy of the last run, because this store cannot be read.
    fn keep(&mut self, path: &StorePath, why: &str) {
        let kept = self.known.get(path).cloned();
        let instead = if kept.is_some() {
            "an earlier copy of it stays in the backup"
        } else {
            "there is no copy of it"
        };
        self.run.problems.push(format!("{path} could not be copied ({why}); {instead}"));
        if let Some(copy) = kept {
            self.run.copies.insert(path.clone(), Copy { is_old: true, seen: None, ..copy });
        }
    }

    /// The same for a whole region: its stores without its registry would be useless.
    fn keep_region(&mut self, registry: &StorePath, error: &RegistryError) -> Result<(), BackupError> {
        self.remove_staged(REGISTRY)?;
        let region = &registry.region;
        self.run.copies.retain(|path, _| path.region != *region);
        let earlier = self.known.iter().filter(|(path, _)| path.region == *region && path.tenant.is_some());
        self.run
            .copies
            .extend(earlier.map(|(path, copy)| (path.clone(), Copy { is_old: true, ..copy.clone() })));
        self.keep(registry, &error.to_string());
        Ok(())
    }

    /// Removes what a failed copy left, with the files that SQLite keeps beside it.
    fn remove_staged(&self, name: &str) -> Result<(), BackupError> {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let path = self.folder.staging().join(format!("{name}{suffix}"));
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(at(&path)(error)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The names of copies that are being made.
const STORE: &str = "store.db";
const REGISTRY: &str = "registry.db";

/// The result for one store.
enum Found {
    /// Its copy is in the run.
    Copied,
    /// There is no such file.
    Missing,
    /// There is no copy, for this reason.
    Unreadable(String),
}

/// The regions of a data directory: those with a registry.
fn regions(data_dir: &Path) -> Result<Vec<RegionCode>, BackupError> {
    let mut regions = Vec::new();
    for entry in fs::read_dir(data_dir).map_err(at(data_dir))? {
        let entry = entry.map_err(at(data_dir))?;
        let code = entry.file_name().to_str().and_then(|name| RegionCode::new(name).ok());
        regions.extend(code.filter(|_| entry.path().join("registry.db").exists()));
    }
    regions.sort();
    Ok(regions)
}

fn files_of_tenants(directory: &Path) -> Result<BTreeSet<TenantId>, BackupError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.map_err(at(directory))?,
    };
    let mut ids = BTreeSet::new();
    for entry in entries {
        let name = entry.map_err(at(directory))?.file_name();
        let id =
            name.to_str().and_then(|name| name.strip_suffix(".db")).and_then(|id| TenantId::new(id).ok());
        ids.extend(id);
    }
    Ok(ids)
}
