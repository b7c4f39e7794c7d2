//! The sender of a request of staff, and whether its token reaches the path. The root token and a named one without a bound reach
//! everything; a bound one reaches the paths of its region, or of its tenant, and nothing else.

use std::fmt;

use tenant_registry::{AdminTokenReach, CompanyKey, ROOT, RegionCode};

use super::Problem;
use crate::{app::App, credential::Credential};

/// A sender whose token was checked.
#[derive(Clone)]
pub(super) struct Sender {
    /// `root`, or the name of its token.
    pub(super) actor: String,
    reach: AdminTokenReach,
}

impl Sender {
    /// The sender of this credential; `None` for a wrong one.
    ///
    /// # Errors
    /// 503 when the token's registry cannot be asked.
    pub(super) async fn of(app: &App, credential: &Credential<'_>) -> Result<Option<Self>, Problem> {
        if app.admin_token.admits(credential.bearer().unwrap_or_default()) {
            return Ok(Some(Self { actor: ROOT.to_owned(), reach: AdminTokenReach::Everything }));
        }
        let Credential::Staff(token) = credential else { return Ok(None) };
        let Some(registry) = app.regions.get(token.region()) else {
            token.compare_with_nothing();
            return Ok(None);
        };
        let found = registry?.verify_admin(token).await?;
        Ok(found.map(|found| Self { actor: found.name.to_string(), reach: found.reach }))
    }

    /// Whether its token reaches this path below the admin API's.
    pub(super) fn reaches(&self, below: &str) -> bool {
        let mut parts = below.split('/').skip(1);
        let mut after = |word: &str| if parts.next() == Some(word) { parts.next() } else { None };
        let is_region = |named: Option<&str>, region: &RegionCode| {
            named.is_some_and(|named| named.eq_ignore_ascii_case(region.as_str()))
        };
        match &self.reach {
            AdminTokenReach::Everything => true,
            AdminTokenReach::Region(region) => is_region(after("regions"), region),
            AdminTokenReach::Tenant { region, key } => {
                is_region(after("regions"), region)
                    && after("tenants").and_then(|named| CompanyKey::new(named).ok()).as_ref() == Some(key)
            }
        }
    }

    /// Whether it may bring a tenant into this region: a bound one never leaves its own.
    ///
    /// # Errors
    /// 403.
    pub(super) fn may_move_to(&self, code: &RegionCode) -> Result<(), Problem> {
        match &self.reach {
            AdminTokenReach::Region(region) | AdminTokenReach::Tenant { region, .. } if region != code => {
                Err(Problem::new(403, format!("{self}; it moves nothing to region {code}.")))
            }
            _ => Ok(()),
        }
    }
}

/// The beginning of a sentence that says what its token reaches: `The admin token lena reaches only ire/acme`.
impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The admin token {} reaches ", self.actor)?;
        match &self.reach {
            AdminTokenReach::Everything => f.write_str("everything"),
            AdminTokenReach::Region(region) => write!(f, "only region {region}"),
            AdminTokenReach::Tenant { region, key } => write!(f, "only {region}/{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(reach: AdminTokenReach) -> Sender {
        Sender { actor: "lena".into(), reach }
    }

    #[test]
    fn me2_a_bound_token_reaches_the_paths_of_its_region_or_tenant_alone() {
        let region = RegionCode::new("ire").unwrap();
        let of_region = bound(AdminTokenReach::Region(region.clone()));
        let of_tenant = bound(AdminTokenReach::Tenant { region, key: CompanyKey::new("acme").unwrap() });
        for (path, by_region, by_tenant) in [
            ("/regions/ire/tenants/acme", true, true),
            ("/regions/IRE/tenants/acme/seats/audit", true, true),
            ("/regions/ire/tenants/acme2", true, false),
            ("/regions/ire/tenants", true, false),
            ("/regions/ire/import", true, false),
            ("/regions/us/tenants/acme", false, false),
            ("/regions/ire2/tenants/acme", false, false),
            ("/regions", false, false),
            ("/tokens", false, false),
            ("/acts", false, false),
            ("//regions/ire/tenants/acme", false, false),
            ("/tenants/acme/regions/ire", false, false),
            ("", false, false),
        ] {
            assert_eq!(of_region.reaches(path), by_region, "{path}");
            assert_eq!(of_tenant.reaches(path), by_tenant, "{path}");
        }
    }
}
