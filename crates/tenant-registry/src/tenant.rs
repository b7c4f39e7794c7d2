//! One tenant as the registry knows it.

use serde::{Deserialize, Serialize};

use crate::{CompanyKey, RegionCode, RegistryError, TenantId};

/// Whether a tenant is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// Served.
    Active,
    /// Genuine tokens are told so with a 403; nothing is read or written.
    Suspended,
    /// Being removed: as good as gone.
    Deleting,
}

impl TenantState {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleting => "deleting",
        }
    }

    pub(crate) fn stored(key: &str) -> Result<Self, RegistryError> {
        [Self::Active, Self::Suspended, Self::Deleting]
            .into_iter()
            .find(|s| s.key() == key)
            .ok_or_else(|| RegistryError::Damaged(format!("tenant state {key:?} is not known")))
    }
}

/// What to do with group members that are no users of the tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownMemberRule {
    /// 400 that names them; nothing changes.
    #[default]
    Refuse,
    /// The rest is applied, the ids are logged.
    Skip,
}

/// What staff can set for a tenant beside its plan. Rests as JSON, so that a new switch needs no migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantSettings {
    /// Whom its administrators should ask: shown in refusals (MO20).
    pub contact: Option<String>,
    /// The letter of the RFC instead of the leniencies: for testers.
    pub strict: bool,
    /// Two groups may not have the same displayName.
    pub unique_group_names: bool,
    /// Two resources of a type may not have the same externalId.
    pub unique_external_ids: bool,
    /// Members that are no users here.
    pub unknown_members: UnknownMemberRule,
    /// Bytes that the tenant's store may hold, without its log; no limit where it is not there.
    pub max_bytes: Option<u64>,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            contact: None,
            strict: false,
            unique_group_names: true,
            unique_external_ids: false,
            unknown_members: UnknownMemberRule::default(),
            max_bytes: None,
        }
    }
}

/// One customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tenant {
    /// Names its store; never shown in a URL.
    pub id: TenantId,
    /// Where it lives.
    pub region: RegionCode,
    /// Its name in URLs.
    pub company_key: CompanyKey,
    /// Its name in sentences.
    pub name: String,
    /// Whether it is served.
    pub state: TenantState,
    /// The name of its profile.
    pub profile: String,
    /// What staff set.
    pub settings: TenantSettings,
    /// Milliseconds since 1970 UTC.
    pub created_ms: i64,
}

pub(crate) type Row = (String, String, String, String, String, String, i64);

impl Tenant {
    pub(crate) fn of_row(region: &RegionCode, row: Row) -> Result<Self, RegistryError> {
        let (id, key, name, state, profile, settings, created_ms) = row;
        Ok(Self {
            id: TenantId::new(&id)?,
            region: region.clone(),
            company_key: CompanyKey::new(&key)?,
            name,
            state: TenantState::stored(&state)?,
            profile,
            settings: serde_json::from_str(&settings)
                .map_err(|e| RegistryError::Damaged(format!("settings of tenant {id}: {e}")))?,
            created_ms,
        })
    }
}
