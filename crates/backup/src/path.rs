//! Names a store of a data directory by its path below it, and checks such a path.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tenant_registry::{RegionCode, TenantId};

/// A registry, or the store of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct StorePath {
    pub(crate) region: RegionCode,
    /// `None` for the region's registry.
    pub(crate) tenant: Option<TenantId>,
}

impl StorePath {
    pub(crate) fn registry(region: &RegionCode) -> Self {
        Self { region: region.clone(), tenant: None }
    }

    pub(crate) fn tenant(region: &RegionCode, id: TenantId) -> Self {
        Self { region: region.clone(), tenant: Some(id) }
    }

    /// Its path below a data directory.
    pub(crate) fn below(&self, data_dir: &Path) -> PathBuf {
        data_dir.join(self.to_string())
    }
}

impl fmt::Display for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tenant {
            None => write!(f, "{}/registry.db", self.region),
            Some(id) => write!(f, "{}/tenants/{id}.db", self.region),
        }
    }
}

impl From<StorePath> for String {
    fn from(path: StorePath) -> Self {
        path.to_string()
    }
}

impl TryFrom<String> for StorePath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = || {
            let (region, below) = text.split_once('/')?;
            let region = RegionCode::new(region).ok()?;
            if below == "registry.db" {
                return Some(Self::registry(&region));
            }
            let id = below.strip_prefix("tenants/")?.strip_suffix(".db")?;
            Some(Self::tenant(&region, TenantId::new(id).ok()?))
        };
        read().ok_or_else(|| format!("{text:?} is no path of a store"))
    }
}
