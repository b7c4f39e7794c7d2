//! The profile of one tenant, and what the tenant says differently.

use ::profiles::{Overrides, Row, built_in_text};
use provisioning::{Product, fit, fit::Lacking};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{ReadTx, WriteTx};
use tenant_registry::{ProfileChoice, Tenant};

use crate::{
    StaffError, TenantActs,
    profiles::{product_of, profile, with_overrides},
};

/// A tenant's profile, key by key.
#[derive(Clone, Debug, Serialize)]
pub struct TenantProfile {
    /// Its name.
    pub profile: String,
    /// Its version.
    pub version: i64,
    /// Each key with the profile's value, the tenant's own, and the one in force.
    pub keys: Vec<Row>,
}

type Result<T> = std::result::Result<T, StaffError>;

/// Tries against others who change the same tenant.
const TRIES: usize = 3;

impl TenantActs {
    /// The tenant's profile and its overrides.
    pub async fn profile(&self) -> Result<TenantProfile> {
        self.profile_of(&self.tenant().await?).await
    }

    async fn profile_of(&self, tenant: &Tenant) -> Result<TenantProfile> {
        let (profile, version) = profile(&self.registry, &tenant.profile).await?;
        let overrides = Overrides(tenant.settings.overrides.clone());
        let keys = profile.keys(&overrides).map_err(StaffError::Faults)?;
        Ok(TenantProfile { profile: tenant.profile.clone(), version, keys })
    }

    /// Gives the tenant another profile; its overrides stay, and must fit. Nobody's seat moves before
    /// [`TenantActs::reapply`].
    pub async fn set_profile(&self, name: &str) -> Result<Tenant> {
        self.choose(|tenant| (name.to_owned(), tenant.settings.overrides.clone())).await
    }

    /// Changes the tenant's overrides by a merge patch (RFC 7396). Nobody's seat moves before [`TenantActs::reapply`].
    pub async fn change_overrides(&self, patch: &Map<String, Value>) -> Result<TenantProfile> {
        let patched = |tenant: &Tenant| {
            let Overrides(overrides) = Overrides(tenant.settings.overrides.clone()).patched(patch);
            (tenant.profile.clone(), overrides)
        };
        self.profile_of(&self.choose(patched).await?).await
    }

    /// Gives the tenant another profile or other overrides. Whoever writes at the same moment by the ones of before is met in the store:
    /// either the write is seen here, and the choice is undone, or it is refused and runs again by the new ones.
    async fn choose(&self, choice: impl Fn(&Tenant) -> (String, Map<String, Value>)) -> Result<Tenant> {
        for _ in 0..TRIES {
            let tenant = self.tenant().await?;
            let before = product_of(&self.registry, &tenant).await?;
            let (name, overrides) = choice(&tenant);
            let (file, version) = profile(&self.registry, &name).await?;
            let after = with_overrides(&file, version, &Overrides(overrides.clone()))?;
            let lacking = Lacking::between(&before.profile, &after.profile);
            if !lacking.is_empty() {
                let asked = lacking.clone();
                let needed = self.read(move |tx: &mut ReadTx<'_>| asked.needed(tx)).await?;
                needed.map_or(Ok(()), |why| Err(misfit(&name, &why)))?;
            }
            let read = ProfileChoice::of(&tenant);
            let version = if built_in_text(&name).is_some() { 0 } else { version };
            let new = ProfileChoice { profile: name, version, overrides };
            let chosen =
                self.registry.choose_profile(&self.key, read.clone(), new.clone(), self.by()).await?;
            if let Some(tenant) = chosen {
                return match self.begin(after, lacking).await? {
                    None => Ok(tenant),
                    Some(why) => {
                        let refusal = misfit(&new.profile, &why);
                        self.registry.choose_profile(&self.key, new, read, self.by()).await?;
                        Err(refusal)
                    }
                };
            }
        }
        Err(StaffError::Conflict(
            "the tenant or its profile is being changed by somebody else; try again".to_owned(),
        ))
    }

    async fn begin(&self, product: Product, lacking: Lacking) -> Result<Option<String>> {
        self.write(move |tx: &mut WriteTx<'_>| fit::begin(tx, &product, &lacking)).await
    }
}

fn misfit(profile: &str, why: &str) -> StaffError {
    StaffError::Conflict(format!("the tenant cannot be read by the profile {profile}: {why}"))
}
