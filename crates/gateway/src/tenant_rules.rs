//! What a tenant's profile, settings and own schemas come to, made once for each state of the tenant and then shared.

use std::sync::Arc;

use directory::memberships::UnknownMembers;
use provisioning::{
    Profile, Rules,
    render::Base,
    schemas::{self, OwnSchemas},
};
use quick_cache::sync::Cache;
use scim_core::schema::Uniqueness;
use store::Store;
use tenant_registry::{Tenant, UnknownMemberRule};

use crate::api_error::ApiError;

/// Tenants whose rules are kept at the same time.
const CACHED: usize = 2_000;

type Entry = (Arc<Tenant>, Arc<Rules>);

/// Rules by tenant id. An entry counts only for the very tenant value it was made of, so a change by staff is never missed.
pub(crate) struct RulesCache(Cache<String, Entry>);

impl RulesCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CACHED))
    }

    /// The rules of a tenant, which is found at `base`, with the schemas of its own that rest in its store.
    ///
    /// # Errors
    /// When the store fails; a sentence for the operator when the tenant's profile is none that this version has.
    pub(crate) async fn of(
        &self,
        tenant: &Arc<Tenant>,
        base: &Base,
        store: &Store,
    ) -> Result<Arc<Rules>, ApiError> {
        let cached = self.0.get(tenant.id.as_str());
        if let Some((_, rules)) = cached.filter(|(made_of, _)| Arc::ptr_eq(made_of, tenant)) {
            return Ok(rules);
        }
        let own = store.look_up(schemas::all).await?;
        let rules = Arc::new(make(tenant, base, &own).map_err(ApiError::Misconfigured)?);
        self.0.insert(tenant.id.to_string(), (Arc::clone(tenant), Arc::clone(&rules)));
        Ok(rules)
    }

    /// Forgets the rules of a tenant: a write met schemas that are newer, which another process must have changed.
    pub(crate) fn forget(&self, tenant: &Tenant) {
        self.0.remove(tenant.id.as_str());
    }
}

fn make(tenant: &Tenant, base: &Base, own: &OwnSchemas) -> Result<Rules, String> {
    let settings = &tenant.settings;
    let mut rules = Rules::with_schemas(Profile::built_in(&tenant.profile)?, own);
    let unique = |on| if on { Uniqueness::Server } else { Uniqueness::None };
    rules.group.set_uniqueness("displayName", unique(settings.unique_group_names));
    rules.user.set_uniqueness("externalId", unique(settings.unique_external_ids));
    rules.group.set_uniqueness("externalId", unique(settings.unique_external_ids));
    rules.unknown_members = match settings.unknown_members {
        UnknownMemberRule::Refuse => UnknownMembers::Refuse,
        UnknownMemberRule::Skip => UnknownMembers::Skip,
    };
    rules.strict = settings.strict;
    rules.base.clone_from(base);
    Ok(rules)
}
