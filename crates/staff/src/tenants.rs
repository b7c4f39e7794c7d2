//! What a new tenant is made of, and which of its settings change.

use std::{collections::BTreeMap, fs::File, num::NonZeroU64, sync::Arc};

use profiles::Overrides;
use provisioning::{Act, Feature, Features, ProvisioningError};
use rand::{RngExt as _, distr::Alphanumeric};
use seat_ledger::{Overage, Policy, pools};
use serde::{Deserialize, Serialize};
use store::WriteTx;
use strum::{EnumString, VariantNames};
use tenant_registry::{
    CompanyKey, Export, Placement, Rate, RegionCode, Registry, RegistryError, Tenant, TenantMode, TenantPlan,
    TenantSettings, UnknownMemberRule,
};

use crate::{
    PlanChange, StaffError,
    by::by,
    plan,
    present::present,
    printable::{MAX_CONTACT, MAX_NAME, line},
    profiles::product,
};

/// A tenant to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// Its name in URLs; one is made when it is absent.
    pub key: Option<CompanyKey>,
    /// Its name in sentences.
    pub name: String,
    /// The name of its profile, `default` when it is absent.
    pub profile: Option<String>,
    /// Seats of each license, by its key; `null` is unlimited, a license that is absent has what the profile says.
    #[serde(default)]
    pub seats: BTreeMap<String, Option<u32>>,
    /// What happens when a license is full.
    #[serde(default)]
    pub policies: BTreeMap<String, Policy>,
    /// Seats beyond the quota under the policy `overage`.
    #[serde(default)]
    pub overage: BTreeMap<String, Overage>,
    /// The switches.
    #[serde(default)]
    pub settings: TenantSettings,
    /// Where its store shall be: a cell's name, or `file`; absent: in the emptiest open cell, or in a file where there is no cell.
    pub cell: Option<Placement>,
    /// Whether provisioning waits for [`TenantActs::activate`](crate::TenantActs::activate); absent: as the profile says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

/// When a new tenant is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "kebab-case")]
pub enum Activation {
    /// As soon as it is made.
    AtOnce,
    /// When staff activate it (CX16).
    ByStaff,
}

/// Makes a tenant of an export, under its own company key or another.
pub async fn import(
    registry: Arc<Registry>,
    export: File,
    key: Option<CompanyKey>,
    act: Act,
) -> Result<Tenant, StaffError> {
    Ok(registry.import(Export::check(export).await?, key, None, by(&act)).await?)
}

/// The place where a tenant shall be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveRequest {
    /// A cell's name, or `file`.
    pub to_cell: Placement,
    /// The region; absent: its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_region: Option<RegionCode>,
}

/// What changes of a tenant: what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    /// Of its settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsChange>,
    /// Of its plan, beside its seats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<TenantPlan>,
    /// The name of its profile from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

impl TenantChange {
    pub(crate) fn apply(self, settings: &mut TenantSettings) {
        if let Some(change) = self.settings {
            change.apply(settings);
        }
        if let Some(plan) = self.plan {
            settings.plan = plan;
        }
    }

    pub(crate) fn check(self) -> Result<Self, StaffError> {
        if self.settings.is_none() && self.plan.is_none() && self.profile.is_none() {
            return Err(StaffError::BadRequest("Say what changes: settings, plan or profile".to_owned()));
        }
        let settings = self.settings.map(SettingsChange::check).transpose()?;
        Ok(Self { settings, ..self })
    }
}

/// Settings that are given change, others stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// The contact that refusals name; a blank one removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// How requests are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<TenantMode>,
    /// A short form of the modes `strict` and `lenient`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// What happens to group members that are no users of the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_members: Option<UnknownMemberRule>,
    /// Bytes that the store may hold; `null` is unlimited.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<Option<NonZeroU64>>,
    /// The most requests; `null` is unlimited.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub rate: Option<Option<Rate>>,
    /// Features to switch on or off.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub features: BTreeMap<Feature, bool>,
}

impl SettingsChange {
    /// Applies the change.
    pub fn apply(self, settings: &mut TenantSettings) {
        if let Some(contact) = self.contact {
            settings.contact = Some(contact).filter(|contact| !contact.is_empty());
        }
        let short = self.strict.map(|strict| if strict { TenantMode::Strict } else { TenantMode::Lenient });
        settings.mode = self.mode.or(short).unwrap_or(settings.mode);
        settings.unknown_members = self.unknown_members.unwrap_or(settings.unknown_members);
        settings.max_bytes = self.max_bytes.unwrap_or(settings.max_bytes);
        settings.rate = self.rate.unwrap_or(settings.rate);
        for (feature, is_on) in self.features {
            let name = feature.name();
            if is_on {
                settings.features_off.remove(name);
            } else {
                settings.features_off.insert(name.to_owned());
            }
        }
    }

    pub(crate) fn check(self) -> Result<Self, StaffError> {
        if self.mode.is_some() && self.strict.is_some() {
            return Err(StaffError::BadRequest("Send mode or strict, which is its short form".to_owned()));
        }
        let contact = self.contact.as_deref().map(line_of_contact).transpose();
        Ok(Self { contact: contact.map_err(StaffError::BadRequest)?, ..self })
    }
}

/// Checks the name of a tenant, which other people read.
///
/// # Errors
/// What is wrong with it, without a full stop.
pub fn line_of_name(text: &str) -> Result<String, String> {
    line("name", text, MAX_NAME)
}

/// Checks a contact; a blank one is empty.
///
/// # Errors
/// What is wrong with it, without a full stop.
pub fn line_of_contact(text: &str) -> Result<String, String> {
    if text.trim_matches(' ').is_empty() { Ok(String::new()) } else { line("contact", text, MAX_CONTACT) }
}

/// Makes a tenant with its store and its plan.
///
/// # Errors
/// [`StaffError::BadRequest`], or the registry's.
pub async fn create(registry: Arc<Registry>, new: NewTenant, act: Act) -> Result<Tenant, StaffError> {
    let name = new.profile.unwrap_or_else(|| "default".to_owned());
    let product = product(&registry, &name, &Overrides(new.settings.overrides.clone())).await?;
    let mut settings = new.settings;
    let change = SettingsChange { contact: settings.contact.take(), ..SettingsChange::default() };
    change.check()?.apply(&mut settings);
    features(&settings).map_err(StaffError::BadRequest)?;
    settings.awaits_activation |= match new.activation {
        Some(activation) => activation == Activation::ByStaff,
        None => product.awaits_activation(),
    };
    let tenant = tenant_registry::NewTenant {
        company_key: new.key.map_or_else(random_key, Ok)?,
        name: line_of_name(&new.name).map_err(StaffError::BadRequest)?,
        profile: name,
        settings,
        placement: new.cell,
    };
    let mut plan = PlanChange::new();
    for (license, policy) in new.policies {
        plan.entry(license).or_default().policy = Some(policy);
    }
    for license in product.profile.licenses.iter().filter(|license| license.overage > 0) {
        let seats = u32::try_from(license.overage).unwrap_or(u32::MAX);
        plan.entry(license.key.clone()).or_default().overage = Some(Some(Overage { seats, until: None }));
    }
    for (license, overage) in new.overage {
        plan.entry(license).or_default().overage = Some(Some(overage));
    }
    for (license, quota) in new.seats {
        plan.entry(license).or_default().quota = Some(quota);
    }
    let plan = plan::resolve(plan, product.licenses())?;
    let by = by(&act);
    let initialise = move |tx: &mut WriteTx<'_>| {
        let made = pools::make(tx, product.licenses()).map_err(ProvisioningError::from);
        made.and_then(|()| plan::apply(tx, &plan, &act)).map_err(|error| match error {
            ProvisioningError::Store(error) => RegistryError::Store(error),
            other => RegistryError::Initialise(other.to_string()),
        })
    };
    Ok(registry.create(tenant, by, initialise).await?)
}

/// The features of a tenant with these settings.
///
/// # Errors
/// A sentence, without its full stop, when a name in them is none that this version has.
pub fn features(settings: &TenantSettings) -> Result<Features, String> {
    let feature = |name: &String| {
        let known = name.parse::<Feature>();
        known.map_err(|_| format!("there is no feature {name:?}"))
    };
    Ok(Features::without(settings.features_off.iter().map(feature).collect::<Result<_, _>>()?))
}

/// Ten characters that a person can copy.
fn random_key() -> Result<CompanyKey, RegistryError> {
    let random = rand::rng().sample_iter(Alphanumeric).take(10).map(char::from);
    Ok(CompanyKey::new(&random.map(|c| c.to_ascii_lowercase()).collect::<String>())?)
}
