//! Where a region's registry is, and where each tenant's store is.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use store::{PostgresUrl, SchemaName, StoreFile, StoreLocation};

use crate::{
    error::RegistryError,
    names::{BadName, CellName, RegionCode, TenantId},
};

/// Where a region keeps its registry and its tenants.
#[derive(Clone, Debug)]
pub struct RegionPlace {
    /// The registry.
    pub registry: RegistryPlace,
    /// The databases that hold tenants. Without one, new tenants are files.
    pub cells: BTreeMap<CellName, Cell>,
}

/// Where a region's registry is.
#[derive(Clone, Debug)]
pub enum RegistryPlace {
    /// `registry.db` in this directory, which also holds the tenants that are files.
    Directory(PathBuf),
    /// A schema of this database. Several processes may share it, so no tenant is a file.
    Database(PostgresUrl),
}

/// A database that holds tenants, each in a schema of its own.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The database.
    pub url: PostgresUrl,
    /// Whether it takes new tenants, unless staff have said otherwise.
    pub open: bool,
}

/// Where a tenant's store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantLocation {
    /// A file in the region's directory.
    File,
    /// A schema of a cell.
    Cell {
        /// The cell.
        cell: CellName,
        /// The schema.
        schema: String,
    },
}

/// `"file"` or `{"cell": "c1", "schema": "ire_0190…"}`.
impl Serialize for TenantLocation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::File => serializer.serialize_str(FILE),
            Self::Cell { cell, schema } => {
                let mut object = serializer.serialize_struct("Cell", 2)?;
                object.serialize_field("cell", cell)?;
                object.serialize_field("schema", schema)?;
                object.end()
            }
        }
    }
}

impl TenantLocation {
    /// The columns `cell` and `schema` of the registry's tables.
    pub(crate) fn columns(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::File => (None, None),
            Self::Cell { cell, schema } => (Some(cell.as_str()), Some(schema)),
        }
    }

    pub(crate) fn of_columns(cell: Option<String>, schema: Option<String>) -> Result<Self, BadName> {
        Ok(match cell.zip(schema) {
            Some((cell, schema)) => Self::Cell { cell: CellName::new(&cell)?, schema },
            None => Self::File,
        })
    }
}

/// Where staff want a tenant's store to be: `file`, or the name of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Placement {
    /// A file in the region's directory.
    File,
    /// This cell, open or not.
    Cell(CellName),
}

impl Placement {
    /// Whether a store that is there is where it is wanted.
    pub(crate) fn is(&self, location: &TenantLocation) -> bool {
        match (self, location) {
            (Self::File, TenantLocation::File) => true,
            (Self::Cell(wanted), TenantLocation::Cell { cell, .. }) => wanted == cell,
            _ => false,
        }
    }
}

/// The word for a file; no cell has this name.
pub(crate) const FILE: &str = "file";

impl FromStr for Placement {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text == FILE { Ok(Self::File) } else { CellName::new(text).map(Self::Cell) }
    }
}

impl TryFrom<String> for Placement {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str(FILE),
            Self::Cell(name) => name.fmt(f),
        }
    }
}

impl From<Placement> for String {
    fn from(placement: Placement) -> Self {
        placement.to_string()
    }
}

impl RegionPlace {
    /// The region's directory, if it keeps files.
    pub(crate) fn directory(&self) -> Option<&PathBuf> {
        match &self.registry {
            RegistryPlace::Directory(directory) => Some(directory),
            RegistryPlace::Database(_) => None,
        }
    }

    /// The registry's own store.
    pub(crate) fn registry(&self, region: &RegionCode) -> Result<StoreLocation, RegistryError> {
        Ok(match &self.registry {
            RegistryPlace::Directory(directory) => {
                StoreLocation::Sqlite(StoreFile::new(directory, REGISTRY)?)
            }
            RegistryPlace::Database(url) => StoreLocation::Postgres {
                cell: url.clone(),
                schema: SchemaName::new(&format!("{REGISTRY}_{region}"))?,
            },
        })
    }

    /// A tenant's store.
    ///
    /// # Errors
    /// [`RegistryError::Damaged`] when the settings no longer name the cell, or keep no files.
    pub(crate) fn locate(
        &self,
        id: &TenantId,
        location: &TenantLocation,
    ) -> Result<StoreLocation, RegistryError> {
        match location {
            TenantLocation::File => {
                let directory = self.directory().ok_or_else(|| {
                    RegistryError::Damaged(format!(
                        "the store of tenant {id} is a file, but this region's registry is in PostgreSQL; move the tenant into a cell"
                    ))
                })?;
                Ok(StoreLocation::Sqlite(StoreFile::new(&directory.join("tenants"), id.as_str())?))
            }
            TenantLocation::Cell { cell, schema } => {
                let known = self.cells.get(cell).ok_or_else(|| {
                    RegistryError::Damaged(format!(
                        "the store of tenant {id} is in cell {cell}, which the settings of its region do not name; add it to them"
                    ))
                })?;
                Ok(StoreLocation::Postgres { cell: known.url.clone(), schema: SchemaName::new(schema)? })
            }
        }
    }
}

/// The stem of a registry's file, and how the name of its schema begins.
pub(crate) const REGISTRY: &str = "registry";

/// The schema of a new tenant. The region's code shows an operator whose it is where regions share a database.
pub(crate) fn schema_of(region: &RegionCode, id: &TenantId) -> String {
    format!("tenant_{region}_{}", id.as_str().replace('-', ""))
}
