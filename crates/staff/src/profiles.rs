//! Profiles: those that ship with Usher, and those that staff add while the gateway runs, which rest in the registry of each region.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use ::profiles::{Fault, Overrides, Profile, built_in_names, built_in_text};
use provisioning::{Act, Product, fit::Lacking, product::BUILT_IN_VERSION};
use serde::Serialize;
use serde_json::{Map, Value};
use tenant_registry::{Registry, RegistryError, StoredProfile, Tenant};

use crate::{StaffError, by::by};

/// One profile in a list.
#[derive(Clone, Debug, Serialize)]
pub struct ProfileInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: i64,
    /// Whether it ships with Usher.
    pub built_in: bool,
    /// Tenants that have it, in the regions of this process.
    pub tenants: i64,
}

/// One profile with its file.
#[derive(Clone, Debug, Serialize)]
pub struct ProfileText {
    /// What the list has.
    #[serde(flatten)]
    pub info: ProfileInfo,
    /// The file.
    pub toml: String,
}

/// What staff can do to the profiles of all regions of a process.
pub struct Profiles {
    /// The registry of each region.
    pub registries: Vec<Arc<Registry>>,
    /// The request that asks for it.
    pub act: Act,
}

type Result<T> = std::result::Result<T, StaffError>;

impl Profiles {
    /// All of them: those that ship with Usher, then the others in the order of their names.
    pub async fn list(&self) -> Result<Vec<ProfileInfo>> {
        let (mut tenants, mut added) = (BTreeMap::<String, i64>::new(), BTreeMap::<String, i64>::new());
        for registry in &self.registries {
            for (name, count) in registry.tenants_by_profile().await? {
                *tenants.entry(name).or_default() += count;
            }
            for StoredProfile { name, version, .. } in registry.profiles().await? {
                let newest = added.entry(name).or_default();
                *newest = version.max(*newest);
            }
        }
        let info = |name: &str, version, built_in| {
            let tenants = tenants.get(name).copied().unwrap_or(0);
            ProfileInfo { name: name.to_owned(), version, built_in, tenants }
        };
        let shipped = built_in_names().map(|name| info(name, BUILT_IN_VERSION, true));
        Ok(shipped.chain(added.iter().map(|(name, version)| info(name, *version, false))).collect())
    }

    /// One of them.
    pub async fn show(&self, name: &str) -> Result<ProfileText> {
        let info = self.list().await?.into_iter().find(|info| info.name == name);
        let Some(info) = info else { return Err(no_profile(name)) };
        if let Some(text) = built_in_text(name) {
            return Ok(ProfileText { info, toml: text.to_owned() });
        }
        for registry in &self.registries {
            if let Some(stored) =
                registry.profile(name).await?.filter(|stored| stored.version == info.version)
            {
                return Ok(ProfileText { info, toml: stored.text });
            }
        }
        Err(no_profile(name))
    }

    /// Whether a text is a profile that could be added under this name.
    pub fn check(&self, name: &str, text: &str) -> Result<()> {
        read(name, text).map(drop)
    }

    /// Adds a profile, or its next version, which holds for the next write of each of its tenants; nobody's seat moves by it.
    pub async fn put(&self, name: &str, text: &str) -> Result<ProfileText> {
        if built_in_text(name).is_some() {
            return Err(StaffError::Conflict(format!(
                "the profile {name} ships with Usher; give yours a name of its own"
            )));
        }
        read(name, text)?;
        let (mut newest, mut is_there) = (0, true);
        for registry in &self.registries {
            newest = newest.max(registry.newest_version(name).await?);
            is_there &= registry.profile(name).await?.is_some_and(|stored| stored.text == text);
        }
        if !is_there {
            let new = StoredProfile { name: name.to_owned(), version: newest + 1, text: text.to_owned() };
            // Each region is asked before the first one changes.
            for registry in &self.registries {
                let next = new.clone();
                registry.may_put_profile(new.clone(), move |before| keeps_all(before, &next)).await?;
            }
            for registry in &self.registries {
                let next = new.clone();
                let keeps = move |before: &StoredProfile| keeps_all(before, &next);
                registry.put_profile(new.clone(), by(&self.act), keeps).await?;
            }
        }
        self.show(name).await
    }

    /// Takes a profile away that no tenant has.
    pub async fn remove(&self, name: &str) -> Result<()> {
        if built_in_text(name).is_some() {
            return Err(StaffError::Conflict(format!("the profile {name} ships with Usher; it stays")));
        }
        let info = self.list().await?.into_iter().find(|info| info.name == name);
        let Some(info) = info else { return Err(no_profile(name)) };
        if info.tenants > 0 {
            return Err(StaffError::Conflict(format!(
                "{} tenants have the profile {name}; give them another with `usher tenant set --profile` first",
                info.tenants
            )));
        }
        for registry in &self.registries {
            match registry.remove_profile(name, by(&self.act)).await {
                // Another region of this process has it.
                Err(RegistryError::NoProfile { .. }) => {}
                removed => removed?,
            }
        }
        Ok(())
    }
}

fn no_profile(name: &str) -> StaffError {
    StaffError::NotFound(format!("there is no profile {name}; `usher profile list` shows those there are"))
}

fn read(name: &str, text: &str) -> Result<Profile> {
    let profile = Profile::parse(name, text).map_err(StaffError::Faults)?;
    Product::new(profile.clone(), 0).map_err(StaffError::BadRequest)?;
    Ok(profile)
}

/// A version keeps every license and own attribute of the one before: tenants have seats and data of them, in stores that are not opened for
/// this.
fn keeps_all(before: &StoredProfile, after: &StoredProfile) -> std::result::Result<(), RegistryError> {
    let parsed = |stored: &StoredProfile| {
        Profile::parse(&stored.name, &stored.text)
            .map_err(|faults| RegistryError::Profile(lines(&stored.name, &faults)))
    };
    let lacking = Lacking::between(&parsed(before)?, &parsed(after)?);
    if lacking.is_empty() {
        return Ok(());
    }
    Err(RegistryError::ProfileInUse(format!(
        "tenants have the profile {}, and this version lacks {}; add it under another name and give it to them one by one",
        before.name,
        lacking.names()
    )))
}

fn lines(name: &str, faults: &[Fault]) -> String {
    let file = format!("{name}.toml");
    faults.iter().map(|fault| fault.in_file(&file).to_string()).collect::<Vec<_>>().join("; ")
}

/// The registry's [`CheckProfile`](tenant_registry::CheckProfile).
///
/// # Errors
/// A sentence, without its full stop.
pub fn check_profile(
    name: &str,
    text: Option<&str>,
    overrides: &Map<String, Value>,
) -> std::result::Result<(), String> {
    let profile = match text {
        Some(text) => Profile::parse(name, text).map_err(|faults| lines(name, &faults))?,
        None => Profile::built_in(name)?,
    };
    let own = profile.with(&Overrides(overrides.clone())).map_err(|faults| lines(name, &faults))?;
    Product::new(own, 0).map(drop)
}

/// The product that a tenant is read by. One that was made is kept: a text of this version never changes.
///
/// # Errors
/// When its profile is not there, or does not take its overrides any more; or the registry's.
pub async fn product_of(registry: &Registry, tenant: &Tenant) -> Result<Arc<Product>> {
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let overrides = Overrides(tenant.settings.overrides.clone());
    let key = Known {
        registry: registry.instance().to_owned(),
        profile: tenant.profile.clone(),
        version: tenant.profile_version,
        overrides: Value::Object(tenant.settings.overrides.clone()).to_string(),
    };
    if let Some(product) = known().get(&key) {
        return Ok(Arc::clone(product));
    }
    let (profile, version) = profile(registry, &tenant.profile).await?;
    let product = Arc::new(with_overrides(&profile, version, &overrides)?);
    // A newer version may have come since the tenant was read; its product holds, and is kept under its own number.
    if version == tenant.profile_version || built_in_text(&tenant.profile).is_some() {
        let mut known = known();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(key, Arc::clone(&product));
    }
    Ok(product)
}

/// Products that are kept; most tenants of a profile share one.
const MOST_KNOWN: usize = 1_000;

static KNOWN: LazyLock<Mutex<HashMap<Known, Arc<Product>>>> = LazyLock::new(Mutex::default);

/// All that a product is made of.
#[derive(PartialEq, Eq, Hash)]
struct Known {
    registry: String,
    profile: String,
    version: i64,
    overrides: String,
}

/// A profile of a region, with overrides.
///
/// # Errors
/// As [`product_of`].
pub(crate) async fn product(registry: &Registry, name: &str, overrides: &Overrides) -> Result<Product> {
    let (profile, version) = profile(registry, name).await?;
    with_overrides(&profile, version, overrides)
}

pub(crate) fn with_overrides(profile: &Profile, version: i64, overrides: &Overrides) -> Result<Product> {
    let own = profile.with(overrides).map_err(StaffError::Faults)?;
    Product::new(own, version).map_err(StaffError::BadRequest)
}

/// A profile of a region, and its version.
///
/// # Errors
/// [`StaffError::BadRequest`] when there is none of this name; or the registry's.
pub(crate) async fn profile(registry: &Registry, name: &str) -> Result<(Profile, i64)> {
    if built_in_text(name).is_some() {
        return Ok((Profile::built_in(name).map_err(StaffError::BadRequest)?, BUILT_IN_VERSION));
    }
    let stored = registry.profile(name).await?.ok_or_else(|| {
        let region = registry.region();
        StaffError::BadRequest(format!(
            "region {region} has no profile {name:?}; `usher profile list` shows those there are"
        ))
    })?;
    let parsed = Profile::parse(name, &stored.text).map_err(StaffError::Faults)?;
    Ok((parsed, stored.version))
}
