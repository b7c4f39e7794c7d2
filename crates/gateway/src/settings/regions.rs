//! The regions: as they are defined, and the served ones with their registries and cells.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use store::PostgresUrl;
use tenant_registry::{Cell, CellName, RegionCode, RegionPlace, RegistryPlace};

use super::{
    BaseUrl,
    secret::{self, Secret},
};

/// A region as it is defined; checked if it is served.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Defined {
    name: String,
    #[serde(default)]
    base_url: String,
    registry_url: Option<Secret>,
    registry_url_file: Option<PathBuf>,
    #[serde(default)]
    cells: Vec<DefinedCell>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefinedCell {
    name: String,
    url: Option<Secret>,
    url_file: Option<PathBuf>,
    #[serde(default = "open")]
    open: bool,
}

fn open() -> bool {
    true
}

impl Defined {
    /// The files that hold URLs of databases, each with its key.
    pub(super) fn files(&self) -> impl Iterator<Item = (String, &Path)> {
        let registry = self.registry_url_file.as_deref().map(|file| ("registry_url_file".to_owned(), file));
        let cells = self
            .cells
            .iter()
            .filter_map(|cell| Some((format!("cells {:?} url_file", cell.name), cell.url_file.as_deref()?)));
        registry.into_iter().chain(cells)
    }
}

/// A region that is served.
#[derive(Debug)]
pub(crate) struct Region {
    /// For people.
    pub(crate) name: String,
    /// `https://ire.scim.example.com`, if the region has its own host or path.
    pub(crate) base_url: Option<BaseUrl>,
    /// Where its registry and its tenants are.
    pub(crate) place: RegionPlace,
}

impl Region {
    /// # Errors
    /// One sentence that names the key and what is wrong with it.
    pub(super) fn of(code: &RegionCode, defined: Defined, data_dir: &Path) -> Result<Self, String> {
        let key = |name: &str| format!("settings: regions.{code}.{name}");
        let base_url = BaseUrl::optional(&defined.base_url)
            .map_err(|fault| format!("{}: {fault}, not {:?}", key("base_url"), defined.base_url))?;
        let mut cells = BTreeMap::new();
        for DefinedCell { name, url, url_file, open } in defined.cells {
            let wrong = |fault: String| format!("{} {name:?}: {fault}", key("cells"));
            let cell = CellName::new(&name).map_err(|rule| wrong(rule.to_string()))?;
            let url = postgres_url("url", url, url_file).map_err(wrong)?;
            let url = url.ok_or_else(|| wrong("set url or url_file".to_owned()))?;
            if cells.insert(cell, Cell { url, open }).is_some() {
                return Err(wrong("two cells have this name".to_owned()));
            }
        }
        let registry = postgres_url("registry_url", defined.registry_url, defined.registry_url_file);
        let registry = match registry.map_err(|fault| format!("settings: regions.{code}: {fault}"))? {
            Some(_) if cells.is_empty() => {
                return Err(format!(
                    "{} needs at least one of {}: with a registry in PostgreSQL no tenant is a file",
                    key("registry_url"),
                    key("cells")
                ));
            }
            Some(url) => RegistryPlace::Database(url),
            None => RegistryPlace::Directory(data_dir.join(code.as_str())),
        };
        Ok(Self { name: defined.name, base_url, place: RegionPlace { registry, cells } })
    }

    /// Whether the region needs the data directory.
    pub(crate) fn keeps_files(&self) -> bool {
        matches!(self.place.registry, RegistryPlace::Directory(_))
    }
}

/// The URL of a database, from its key or from the file that the key `…_file` names. No error repeats it: it may hold a password.
fn postgres_url(
    key: &str,
    url: Option<Secret>,
    file: Option<PathBuf>,
) -> Result<Option<PostgresUrl>, String> {
    let Some(url) = secret::read(key, url, file)? else { return Ok(None) };
    PostgresUrl::new(&url).map(Some).map_err(|rule| format!("{key}: {rule}"))
}
