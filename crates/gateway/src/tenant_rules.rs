//! What a tenant's profile, settings and own schemas come to, made once for each state of the tenant and then shared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use directory::memberships::UnknownMembers;
use provisioning::{
    Base, Product, Rules,
    schemas::{self, OwnSchemas},
};
use quick_cache::sync::Cache;
use scim_core::schema::Uniqueness;
use store::Store;
use tenant_registry::{Tenant, UnknownMemberRule};

use crate::api_error::ApiError;

/// Tenants whose rules are kept at the same time: a few hundred bytes each, unless they have schemas of their own.
const CACHED: usize = 20_000;

/// Rules with what they were made of.
struct Entry {
    rules: Arc<Rules>,
    tenant: Arc<Tenant>,
}

/// Rules by tenant id. All tokens of a tenant share them until staff change the settings or the schemas. After an act of staff
/// the registry reads the tenant again, so a change is never missed.
pub(crate) struct RulesCache {
    tenants: Cache<String, Arc<Entry>>,
    /// What tenants without own schemas share, by the profile and whether names of groups and external ids are unique: of few
    /// profiles and two switches.
    shared: Mutex<HashMap<(String, bool, bool), Arc<Rules>>>,
}

impl RulesCache {
    pub(crate) fn new() -> Self {
        Self { tenants: Cache::new(CACHED), shared: Mutex::default() }
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
        let cached = self.tenants.get(tenant.id.as_str());
        if let Some(entry) = &cached
            && Arc::ptr_eq(&entry.tenant, tenant)
        {
            return Ok(Arc::clone(&entry.rules));
        }
        if let Some(entry) = cached.filter(|entry| entry.tenant == *tenant) {
            let version = store.look_up(schemas::version).await?;
            if version == entry.rules.schemas_version() {
                return Ok(self.keep(tenant, Arc::clone(&entry.rules)));
            }
        }
        let own = store.look_up(schemas::all).await?;
        let rules = Arc::new(self.make(tenant, base, &own).map_err(ApiError::Misconfigured)?);
        Ok(self.keep(tenant, rules))
    }

    fn keep(&self, tenant: &Arc<Tenant>, rules: Arc<Rules>) -> Arc<Rules> {
        let entry = Entry { rules: Arc::clone(&rules), tenant: Arc::clone(tenant) };
        self.tenants.insert(tenant.id.to_string(), Arc::new(entry));
        rules
    }

    fn make(&self, tenant: &Tenant, base: &Base, own: &OwnSchemas) -> Result<Rules, String> {
        let settings = &tenant.settings;
        let shaped =
            if own.schemas.is_empty() { self.shared(tenant)? } else { Arc::new(shaped(tenant, own)?) };
        let mut rules = shaped.for_tenant(own.version, base);
        // The profile may skip them for all of its tenants, the setting for this one.
        if settings.unknown_members == UnknownMemberRule::Skip {
            rules.unknown_members = UnknownMembers::Skip;
        }
        rules.strict = settings.strict;
        rules.features = staff::features(settings)?;
        Ok(rules)
    }

    /// Rules without own schemas, made once for all tenants of a profile and these switches.
    fn shared(&self, tenant: &Tenant) -> Result<Arc<Rules>, String> {
        let settings = &tenant.settings;
        let key = (tenant.profile.clone(), settings.unique_group_names, settings.unique_external_ids);
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = shared.get(&key) {
            return Ok(Arc::clone(rules));
        }
        let rules = Arc::new(shaped(tenant, &OwnSchemas::default())?);
        shared.insert(key, Arc::clone(&rules));
        Ok(rules)
    }

    /// Forgets the rules of a tenant: a write met schemas that are newer, which another process must have changed.
    pub(crate) fn forget(&self, tenant: &Tenant) {
        self.tenants.remove(tenant.id.as_str());
    }
}

/// Rules with the resource types of a tenant.
fn shaped(tenant: &Tenant, own: &OwnSchemas) -> Result<Rules, String> {
    let settings = &tenant.settings;
    let mut rules = Rules::with_schemas(Product::built_in(&tenant.profile)?, own);
    let unique = |on| if on { Uniqueness::Server } else { Uniqueness::None };
    let (user, group) = (Arc::make_mut(&mut rules.user), Arc::make_mut(&mut rules.group));
    group.set_uniqueness("displayName", unique(settings.unique_group_names));
    user.set_uniqueness("externalId", unique(settings.unique_external_ids));
    group.set_uniqueness("externalId", unique(settings.unique_external_ids));
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use provisioning::{Act, TENANT_MIGRATIONS, schemas::NewSchema};
    use scim_core::schema::document;
    use store::{StoreFile, StoreLocation, StoreSettings, Stores};
    use tenant_registry::{CompanyKey, RegionCode, TenantId, TenantSettings, TenantState};

    use super::*;

    struct Case {
        _folder: tempfile::TempDir,
        store: Store,
        cache: RulesCache,
    }

    impl Case {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let location = StoreLocation::Sqlite(StoreFile::new(folder.path(), "tenant").unwrap());
            let stores = Stores::new(StoreSettings::default()).unwrap();
            let store = stores.create(&location, TENANT_MIGRATIONS).await.unwrap();
            Self { _folder: folder, store, cache: RulesCache::new() }
        }

        async fn rules(&self, tenant: &Arc<Tenant>) -> Arc<Rules> {
            self.cache.of(tenant, &Base("https://x/scim/v2".into()), &self.store).await.unwrap()
        }

        async fn add_schema(&self, urn: &str) {
            let text =
                format!(r#"{{"id":"{urn}","name":"X","attributes":[{{"name":"desk","type":"string"}}]}}"#);
            let schema = document::parse(text.as_bytes()).unwrap();
            let new = NewSchema { schema, of: None, required: None };
            let put = move |tx: &mut store::WriteTx<'_>| {
                schemas::put(tx, new.clone(), &Act { request_id: "x".into(), actor: "root".into() })
                    .map(drop)
                    .map_err(|_| ApiError::Panicked)
            };
            self.store.write(put).await.unwrap();
        }
    }

    /// The tenant as the registry reads it for one of its tokens.
    fn read() -> Arc<Tenant> {
        with(TenantSettings::default())
    }

    fn with(settings: TenantSettings) -> Arc<Tenant> {
        Arc::new(Tenant {
            id: TenantId::new("0190d3a5-0000-7000-8000-000000000001").unwrap(),
            region: RegionCode::new("ire").unwrap(),
            company_key: CompanyKey::new("acme").unwrap(),
            name: "Acme".into(),
            state: TenantState::Active,
            profile: "default".into(),
            settings,
            created_ms: 0,
            location: tenant_registry::TenantLocation::File,
            store_version: String::new(),
        })
    }

    #[tokio::test]
    async fn any_number_of_live_tokens_in_turn_share_the_rules_that_were_made_once() {
        let case = Case::new().await;
        let tokens: Vec<_> = (0..24).map(|_| read()).collect();
        let made = case.rules(&tokens[0]).await;
        for _ in 0..3 {
            for token in &tokens {
                assert!(Arc::ptr_eq(&case.rules(token).await, &made));
            }
        }
    }

    #[tokio::test]
    async fn what_staff_set_holds_for_the_next_request_of_each_token() {
        let case = Case::new().await;
        assert!(!case.rules(&read()).await.strict);
        let strict = || with(TenantSettings { strict: true, ..TenantSettings::default() });
        let tokens = [strict(), strict()];
        let made = case.rules(&tokens[0]).await;
        assert!(made.strict);
        assert!(Arc::ptr_eq(&case.rules(&tokens[1]).await, &made));
        assert!(!case.rules(&read()).await.strict);
    }

    #[tokio::test]
    async fn a_schema_that_staff_add_is_known_to_the_next_request_of_each_token() {
        let case = Case::new().await;
        let before = case.rules(&read()).await;
        case.add_schema("urn:example:desk").await;
        // The act makes the registry read the tenant anew for each token.
        let tokens = [read(), read()];
        let made = case.rules(&tokens[0]).await;
        assert_eq!(made.user.extensions.len(), before.user.extensions.len() + 1);
        assert!(Arc::ptr_eq(&case.rules(&tokens[1]).await, &made));
    }

    #[tokio::test]
    async fn tenants_of_a_profile_share_their_types_until_one_has_schemas_or_switches_of_its_own() {
        let case = Case::new().await;
        let tenant = |nth: u32, settings| {
            let id = TenantId::new(&format!("0190d3a5-0000-7000-8000-00000000000{nth}")).unwrap();
            Arc::new(Tenant { id, ..Tenant::clone(&with(settings)) })
        };
        let one = case.rules(&tenant(1, TenantSettings::default())).await;
        let strict =
            case.rules(&tenant(2, TenantSettings { strict: true, ..TenantSettings::default() })).await;
        assert!(Arc::ptr_eq(&one.user, &strict.user) && Arc::ptr_eq(&one.product, &strict.product));
        assert!(strict.strict && !one.strict);
        let unique = TenantSettings { unique_external_ids: true, ..TenantSettings::default() };
        let unique = case.rules(&tenant(3, unique)).await;
        assert!(!Arc::ptr_eq(&one.user, &unique.user));
        case.add_schema("urn:example:desk").await;
        let own = case.rules(&tenant(4, TenantSettings::default())).await;
        assert_eq!(own.user.extensions.len(), one.user.extensions.len() + 1);
    }
}
