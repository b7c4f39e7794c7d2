//! One tenant as the registry knows it, and its rows.

use std::{collections::BTreeSet, num::NonZeroU64};

use diesel::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use store::{ReadTx, WriteTx};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::{
    by::By,
    error::{RegistryError, TenantName},
    names::{CompanyKey, RegionCode, TenantId},
    place::TenantLocation,
    rate::Rate,
    schema::{staff_acts, tenants},
};

/// Whether a tenant is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TenantState {
    /// Served.
    Active,
    /// Genuine tokens get 403; nothing is read, and nothing but the provisioning log is written.
    Suspended,
    /// Being removed; no token opens it.
    Deleting,
}

impl TenantState {
    pub(crate) fn key(self) -> &'static str {
        self.into()
    }

    pub(crate) fn of_column(state: &str) -> Result<Self, RegistryError> {
        state.parse().map_err(|_| RegistryError::Damaged(format!("tenant state {state:?} is not known")))
    }
}

/// What to do with group members that are no users of the tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum UnknownMemberRule {
    /// 400 that names them; nothing changes.
    #[default]
    Refuse,
    /// The rest is applied, the ids are logged.
    Skip,
}

/// How the requests of a tenant are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TenantMode {
    /// As identity providers send them.
    #[default]
    Lenient,
    /// By the letter of the RFCs: for testers.
    Strict,
    /// By the SCIM 2.0 Interoperability Profile.
    Interop,
}

/// Reads a mode, or whether it is `strict`.
fn mode_or_strict<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TenantMode, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Read {
        Strict(bool),
        Mode(TenantMode),
    }
    Ok(match Read::deserialize(deserializer)? {
        Read::Mode(mode) => mode,
        Read::Strict(true) => TenantMode::Strict,
        Read::Strict(false) => TenantMode::Lenient,
    })
}

/// The settings of a tenant, beside its plan. Stored as JSON, so that a new one needs no migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantSettings {
    /// The contact that refusals name to its administrators (MO20).
    pub contact: Option<String>,
    /// How requests are read. Earlier releases stored `strict`, true or false, which is read as the mode that it was.
    #[serde(alias = "strict", deserialize_with = "mode_or_strict", skip_serializing_if = "is_default")]
    pub mode: TenantMode,
    /// Two groups may not have the same displayName.
    pub unique_group_names: bool,
    /// Two resources of a type may not have the same externalId.
    pub unique_external_ids: bool,
    /// How to handle members that are no users here.
    pub unknown_members: UnknownMemberRule,
    /// The most bytes that the tenant's store may hold, without its log; `None` is unlimited.
    pub max_bytes: Option<NonZeroU64>,
    /// The most requests; `None` is unlimited, and not stored, so that the release before reads the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Whether provisioning waits until staff activate it (CX16). This and what follows is stored only where it is not the default,
    /// for the same reason.
    #[serde(skip_serializing_if = "is_default")]
    pub awaits_activation: bool,
    /// What the tenant has bought (ME3).
    #[serde(skip_serializing_if = "is_default")]
    pub plan: TenantPlan,
    /// The names of the features that its identity provider may not use (CX19).
    #[serde(skip_serializing_if = "is_default")]
    pub features_off: BTreeSet<String>,
    /// What the tenant says differently from its profile, nested like the profile's file.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub overrides: Map<String, Value>,
}

/// The plan of a tenant, beside its seats, which are in its own store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantPlan {
    /// Whether it has provisioning at all.
    pub scim: bool,
}

impl Default for TenantPlan {
    fn default() -> Self {
        Self { scim: true }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether a tenant's requests are served, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Provisioning {
    /// They are.
    Active,
    /// Staff have not activated it yet (CX16).
    NotActivated,
    /// Its plan does not have it (ME3).
    NotInPlan,
    /// Staff have suspended the tenant, or it is being deleted.
    Suspended,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            contact: None,
            mode: TenantMode::default(),
            unique_group_names: true,
            unique_external_ids: false,
            unknown_members: UnknownMemberRule::default(),
            max_bytes: None,
            rate: None,
            awaits_activation: false,
            plan: TenantPlan::default(),
            features_off: BTreeSet::new(),
            overrides: Map::new(),
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
    /// Where its store is.
    pub location: TenantLocation,
    /// The newest migration that its store is known to have.
    pub store_version: String,
    /// The version of its profile; 0 for one that ships with Usher.
    pub profile_version: i64,
    /// The people for whom its live credentials were made.
    pub makers: Vec<Maker>,
}

/// A person of a tenant for whom a live credential was made (MO10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maker {
    /// The person's userName, as staff wrote it.
    pub user_name: String,
    /// The credential.
    pub key_id: String,
    /// When it expires.
    pub expires_ms: Option<i64>,
}

pub(crate) type Row = (
    String,
    String,
    String,
    String,
    String,
    String,
    i64,
    Option<String>,
    Option<String>,
    String,
    i64,
    String,
);

impl Tenant {
    /// `region/company_key`, by which log lines, staff and metrics name it.
    #[must_use]
    pub fn region_and_key(&self) -> String {
        format!("{}/{}", self.region, self.company_key)
    }

    /// Whether requests are served. What staff did last to stop the tenant is told first.
    #[must_use]
    pub fn provisioning(&self) -> Provisioning {
        match self.state {
            TenantState::Suspended | TenantState::Deleting => Provisioning::Suspended,
            TenantState::Active if !self.settings.plan.scim => Provisioning::NotInPlan,
            TenantState::Active if self.settings.awaits_activation => Provisioning::NotActivated,
            TenantState::Active => Provisioning::Active,
        }
    }

    pub(crate) fn of_row(region: &RegionCode, row: Row) -> Result<Self, RegistryError> {
        let (
            id,
            key,
            name,
            state,
            profile,
            settings,
            created_ms,
            cell,
            schema,
            store_version,
            profile_version,
            makers,
        ) = row;
        Ok(Self {
            id: TenantId::new(&id)?,
            region: region.clone(),
            company_key: CompanyKey::new(&key)?,
            name,
            state: TenantState::of_column(&state)?,
            profile,
            settings: read_settings(&id, &settings)?,
            created_ms,
            location: TenantLocation::of_columns(cell, schema)?,
            store_version,
            profile_version,
            makers: serde_json::from_str(&makers)
                .map_err(|error| RegistryError::Damaged(format!("makers of tenant {id}: {error}")))?,
        })
    }
}

/// The settings of a tenant, from its row.
pub(crate) fn read_settings<T: DeserializeOwned>(id: &str, settings: &str) -> Result<T, RegistryError> {
    serde_json::from_str(settings)
        .map_err(|e| RegistryError::Damaged(format!("settings of tenant {id}: {e}")))
}

/// The tenant of a company key, unless it is being deleted.
pub(crate) fn by_key(
    tx: &mut ReadTx<'_>,
    region: &RegionCode,
    key: &CompanyKey,
) -> Result<Tenant, RegistryError> {
    match find(tx, region, key)? {
        Tenant { state: TenantState::Deleting, .. } => {
            Err(RegistryError::BeingDeleted(TenantName::new(region, key)))
        }
        tenant => Ok(tenant),
    }
}

/// The tenant of a company key, in whatever state.
pub(crate) fn find(
    tx: &mut ReadTx<'_>,
    region: &RegionCode,
    key: &CompanyKey,
) -> Result<Tenant, RegistryError> {
    let row: Option<Row> = tenants::table
        .filter(tenants::company_key.eq(key.as_str()))
        .get_result(tx.connection())
        .optional()?;
    let missing = || RegistryError::NoTenant(TenantName::new(region, key));
    Tenant::of_row(region, row.ok_or_else(missing)?)
}

/// Some tenants whose ids are between these texts, suspended ones too, but for those that are being removed.
pub(crate) fn between(
    tx: &mut ReadTx<'_>,
    region: &RegionCode,
    from: &str,
    to: &str,
) -> Result<Vec<Tenant>, RegistryError> {
    const SOME: i64 = 20;
    let rows: Vec<Row> = tenants::table
        .filter(tenants::id.ge(from))
        .filter(tenants::id.lt(to))
        .filter(tenants::state.ne(TenantState::Deleting.key()))
        .order(tenants::id)
        .limit(SOME)
        .load(tx.connection())?;
    rows.into_iter().map(|row| Tenant::of_row(region, row)).collect()
}

/// Waits until no other transaction acts on the tenant, so that what is read from now on is not changed before the commit. SQLite has one
/// writer anyway.
pub(crate) fn take_turn(tx: &mut WriteTx<'_>, key: &CompanyKey) -> Result<(), RegistryError> {
    if tx.has_rivals() {
        let row = tenants::table.filter(tenants::company_key.eq(key.as_str()));
        diesel::update(row).set(tenants::id.eq(tenants::id)).execute(tx.connection())?;
    }
    Ok(())
}

pub(crate) fn write_state(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    state: TenantState,
) -> Result<(), RegistryError> {
    diesel::update(tenants::table.find(tenant.id.as_str()))
        .set(tenants::state.eq(state.key()))
        .execute(tx.connection())?;
    Ok(())
}

/// Settings as they are stored.
pub(crate) fn text_of(settings: &TenantSettings) -> Result<String, RegistryError> {
    serde_json::to_string(settings).map_err(|error| RegistryError::Damaged(format!("settings: {error}")))
}

/// Writes settings, with one record for each kind of act that the difference is.
pub(crate) fn write_settings(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    by: &By,
    settings: &TenantSettings,
) -> Result<(), RegistryError> {
    diesel::update(tenants::table.find(tenant.id.as_str()))
        .set(tenants::settings.eq(text_of(settings)?))
        .execute(tx.connection())?;
    let before = &tenant.settings;
    if settings.awaits_activation != before.awaits_activation {
        record(tx, tenant, by, "tenant.activated", &json!({}))?;
    }
    if settings.plan != before.plan {
        record(tx, tenant, by, "tenant.plan", &json!(settings.plan))?;
    }
    let TenantSettings { awaits_activation, plan, .. } = *before;
    let rest =
        TenantSettings { awaits_activation, plan, overrides: before.overrides.clone(), ..settings.clone() };
    if rest != *before {
        record(tx, tenant, by, "tenant.settings", &json!(settings))?;
    }
    Ok(())
}

/// The audit entry of an act, in the act's own transaction (attack 58).
pub(crate) fn record(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    by: &By,
    act: &str,
    detail: &Value,
) -> Result<(), RegistryError> {
    record_of(tx, tenant.id.as_str(), by, act, detail)
}

/// The same for an act on the region, or on no tenant, with an empty tenant id.
pub(crate) fn record_of(
    tx: &mut WriteTx<'_>,
    tenant_id: &str,
    by: &By,
    act: &str,
    detail: &Value,
) -> Result<(), RegistryError> {
    let row = (
        staff_acts::id.eq(tx.new_id()),
        staff_acts::at_ms.eq(tx.now_ms()),
        staff_acts::tenant_id.eq(tenant_id),
        staff_acts::act.eq(act),
        staff_acts::detail.eq(detail.to_string()),
        staff_acts::actor.eq(&by.actor),
        staff_acts::request_id.eq(&by.request_id),
    );
    diesel::insert_into(staff_acts::table).values(row).execute(tx.connection())?;
    Ok(())
}
