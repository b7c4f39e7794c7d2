//! What a tenant's profile and settings come to, made once for each state of the tenant and then shared.

use std::sync::Arc;

use directory::memberships::UnknownMembers;
use provisioning::{Profile, Rules};
use quick_cache::sync::Cache;
use scim_core::schema::Uniqueness;
use tenant_registry::{Tenant, UnknownMemberRule};

/// Tenants whose rules are kept at the same time.
const CACHED: usize = 2_000;

type Entry = (Arc<Tenant>, Arc<Rules>);

/// Rules by tenant id. An entry counts only for the very tenant value it was made of, so a change by staff is never missed.
pub(crate) struct RulesCache(Cache<String, Entry>);

impl RulesCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CACHED))
    }

    /// The rules of a tenant.
    ///
    /// # Errors
    /// A sentence for the operator when the tenant's profile is none that this version has.
    pub(crate) fn of(&self, tenant: &Arc<Tenant>) -> Result<Arc<Rules>, String> {
        let cached = self.0.get(tenant.id.as_str());
        if let Some((_, rules)) = cached.filter(|(made_of, _)| Arc::ptr_eq(made_of, tenant)) {
            return Ok(rules);
        }
        let rules = Arc::new(make(tenant)?);
        self.0.insert(tenant.id.to_string(), (Arc::clone(tenant), Arc::clone(&rules)));
        Ok(rules)
    }
}

fn make(tenant: &Tenant) -> Result<Rules, String> {
    let settings = &tenant.settings;
    let mut rules = Rules::new(Profile::built_in(&tenant.profile)?);
    let unique = |on| if on { Uniqueness::Server } else { Uniqueness::None };
    rules.group.set_uniqueness("displayName", unique(settings.unique_group_names));
    rules.user.set_uniqueness("externalId", unique(settings.unique_external_ids));
    rules.group.set_uniqueness("externalId", unique(settings.unique_external_ids));
    rules.unknown_members = match settings.unknown_members {
        UnknownMemberRule::Refuse => UnknownMembers::Refuse,
        UnknownMemberRule::Skip => UnknownMembers::Skip,
    };
    rules.strict = settings.strict;
    Ok(rules)
}
