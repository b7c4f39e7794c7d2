//! What a tenant's profile, settings and own schemas come to, made once for each state of the tenant and then shared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use directory::memberships::UnknownMembers;
use provisioning::{
    Base, Maker, Product, ProvisioningError, Rules, breaker,
    schemas::{self, OwnSchemas},
};
use quick_cache::sync::Cache;
use scim_core::{leniency::Mode, schema::Uniqueness};
use store::Store;
use tenant_registry::{RegionCode, Registry, RegistryError, Tenant, TenantMode, UnknownMemberRule};

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
    /// What tenants share that have neither schemas nor overrides of their own.
    shared: Mutex<HashMap<Shared, Arc<Rules>>>,
}

/// What rules depend on that tenants share: of few profiles, whose old versions few tenants still know, and two switches.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Shared {
    region: RegionCode,
    profile: String,
    version: i64,
    unique_group_names: bool,
    unique_external_ids: bool,
    mode: Mode,
}

impl Shared {
    /// `None` for a tenant with overrides of its own.
    fn of(tenant: &Tenant) -> Option<Self> {
        let settings = &tenant.settings;
        settings.overrides.is_empty().then(|| Self {
            region: tenant.region.clone(),
            profile: tenant.profile.clone(),
            version: tenant.profile_version,
            unique_group_names: settings.unique_group_names,
            unique_external_ids: settings.unique_external_ids,
            mode: mode(settings.mode),
        })
    }
}

impl RulesCache {
    pub(crate) fn new() -> Self {
        Self { tenants: Cache::new(CACHED), shared: Mutex::default() }
    }

    /// The rules of a tenant, which is found at what `base` gives, with the schemas of its own that rest in its store.
    ///
    /// # Errors
    /// When the store fails; a sentence for the operator when the tenant's profile is none that this version has.
    pub(crate) async fn of(
        &self,
        registry: &Registry,
        tenant: &Arc<Tenant>,
        base: impl FnOnce() -> Base,
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
        let (own, breaker) = store
            .look_up(|tx| {
                let own = schemas::all(tx)?;
                Ok::<_, ProvisioningError>((own, breaker::is_asked(tx)?))
            })
            .await?;
        // Read after the version of the schemas, which a change of the profile moves after the registry: so these rules are never of a
        // profile before the one that the store expects.
        let now = match registry.tenant(&tenant.company_key).await {
            Ok(now) => Arc::new(now),
            Err(RegistryError::Store(error)) => return Err(error.into()),
            // It is moved or deleted, which its writes will meet.
            Err(_) => Arc::clone(tenant),
        };
        let shaped = self.shaped(registry, &now, &own).await?;
        let mut rules = for_tenant(&shaped, &now, &base(), &own).map_err(ApiError::Misconfigured)?;
        rules.breaker = breaker;
        Ok(self.keep(tenant, Arc::new(rules)))
    }

    fn keep(&self, tenant: &Arc<Tenant>, rules: Arc<Rules>) -> Arc<Rules> {
        let entry = Entry { rules: Arc::clone(&rules), tenant: Arc::clone(tenant) };
        self.tenants.insert(tenant.id.to_string(), Arc::new(entry));
        rules
    }

    /// Rules with the types of the tenant, which may be those of others too.
    async fn shaped(
        &self,
        registry: &Registry,
        tenant: &Tenant,
        own: &OwnSchemas,
    ) -> Result<Arc<Rules>, ApiError> {
        let shared = Shared::of(tenant).filter(|_| own.schemas.is_empty());
        let known = || self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = shared.as_ref().and_then(|shared| known().get(shared).map(Arc::clone)) {
            return Ok(rules);
        }
        let product = staff::product_of(registry, tenant).await?;
        let rules = Arc::new(shape(product, tenant, own));
        if let Some(shared) = shared {
            let mut known = known();
            // Of a profile that has a new version the old one is not needed any more.
            known.retain(|other, _| {
                (&other.region, &other.profile) != (&shared.region, &shared.profile)
                    || other.version >= shared.version
            });
            known.insert(shared, Arc::clone(&rules));
        }
        Ok(rules)
    }

    /// Forgets the rules of a tenant: a write met schemas that are newer, which another process must have changed.
    pub(crate) fn forget(&self, tenant: &Tenant) {
        self.tenants.remove(tenant.id.as_str());
    }
}

/// Rules with the resource types of a tenant.
fn shape(product: Arc<Product>, tenant: &Tenant, own: &OwnSchemas) -> Rules {
    let settings = &tenant.settings;
    let mut rules = Rules::with_schemas(product, own);
    let unique = |on| if on { Uniqueness::Server } else { Uniqueness::None };
    let (user, group) = (Arc::make_mut(&mut rules.user), Arc::make_mut(&mut rules.group));
    group.set_uniqueness("displayName", unique(settings.unique_group_names));
    user.set_uniqueness("externalId", unique(settings.unique_external_ids));
    group.set_uniqueness("externalId", unique(settings.unique_external_ids));
    rules.set_mode(mode(settings.mode));
    rules
}

fn mode(mode: TenantMode) -> Mode {
    match mode {
        TenantMode::Lenient => Mode::Lenient,
        TenantMode::Strict => Mode::Strict,
        TenantMode::Interop => Mode::Interop,
    }
}

/// The rules with what is the tenant's alone.
fn for_tenant(shaped: &Rules, tenant: &Tenant, base: &Base, own: &OwnSchemas) -> Result<Rules, String> {
    let settings = &tenant.settings;
    let mut rules = shaped.for_tenant(own.version, base);
    // The profile may skip them for all of its tenants, the setting for this one.
    if settings.unknown_members == UnknownMemberRule::Skip {
        rules.unknown_members = UnknownMembers::Skip;
    }
    rules.features = staff::features(settings)?;
    let maker =
        |maker: &tenant_registry::Maker| Maker::new(&maker.user_name, &maker.key_id, maker.expires_ms);
    rules.makers = tenant.makers.iter().map(maker).collect();
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use provisioning::{Act, TENANT_MIGRATIONS, log::Sender, schemas::NewSchema, take_all_turns};
    use scim_core::schema::document;
    use serde_json::json;
    use store::{StoreSettings, Stores, WriteTx};
    use tenant_registry::{
        By, CompanyKey, NewTenant, ProfileChoice, RegionPlace, RegistryContext, RegistryPlace, TenantSettings,
    };

    use super::*;

    struct Case {
        _folder: tempfile::TempDir,
        registry: Registry,
        cache: RulesCache,
    }

    fn by() -> By {
        By { actor: "root".into(), request_id: "x".into() }
    }

    impl Case {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let registry = RegistryPlace::Directory(folder.path().join("ire"));
            let place = RegionPlace { registry, cells: std::collections::BTreeMap::new() };
            let stores = Stores::new(StoreSettings::default()).unwrap();
            let context = RegistryContext {
                stores: &stores,
                tenant_migrations: TENANT_MIGRATIONS,
                take_all_turns,
                on_forget: Arc::new(|_| {}),
                check_profile: staff::check_profile,
            };
            let registry = Registry::open(context, RegionCode::new("ire").unwrap(), place).await.unwrap();
            Self { _folder: folder, registry, cache: RulesCache::new() }
        }

        async fn create(&self, key: &str, settings: TenantSettings) {
            let new = NewTenant {
                company_key: CompanyKey::new(key).unwrap(),
                name: "Acme".into(),
                profile: "default".into(),
                settings,
                placement: None,
            };
            self.registry.create(new, by(), |_| Ok(())).await.unwrap();
        }

        /// The tenant as the registry reads it for one of its tokens.
        async fn read(&self, key: &str) -> Arc<Tenant> {
            Arc::new(self.registry.tenant(&CompanyKey::new(key).unwrap()).await.unwrap())
        }

        async fn rules(&self, tenant: &Arc<Tenant>) -> Arc<Rules> {
            let store = self.registry.store_of(tenant).await.unwrap();
            let base = || Base("https://x/scim/v2".into());
            self.cache.of(&self.registry, tenant, base, &store).await.unwrap()
        }

        async fn add_schema(&self, key: &str, urn: &str) {
            let text =
                format!(r#"{{"id":"{urn}","name":"X","attributes":[{{"name":"desk","type":"string"}}]}}"#);
            let schema = document::parse(text.as_bytes()).unwrap();
            let new = NewSchema { schema, of: None, required: None };
            let act = Act { request_id: "x".into(), actor: "root".into(), sender: Sender::of_staff(None) };
            let put = move |tx: &mut WriteTx<'_>| {
                schemas::put(tx, new.clone(), &act).map(drop).map_err(|_| ApiError::Panicked)
            };
            let store = self.registry.store_of(&*self.read(key).await).await.unwrap();
            store.write(put).await.unwrap();
        }
    }

    #[tokio::test]
    async fn any_number_of_live_tokens_in_turn_share_the_rules_that_were_made_once() {
        let case = Case::new().await;
        case.create("acme", TenantSettings::default()).await;
        let mut tokens = Vec::new();
        for _ in 0..24 {
            tokens.push(case.read("acme").await);
        }
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
        case.create("acme", TenantSettings::default()).await;
        assert_eq!(case.rules(&case.read("acme").await).await.mode, Mode::Lenient);
        let set = async |mode| {
            let key = CompanyKey::new("acme").unwrap();
            case.registry.change_settings(&key, by(), move |settings| settings.mode = mode).await.unwrap();
        };
        set(TenantMode::Strict).await;
        let tokens = [case.read("acme").await, case.read("acme").await];
        let made = case.rules(&tokens[0]).await;
        assert_eq!(made.mode, Mode::Strict);
        assert!(Arc::ptr_eq(&case.rules(&tokens[1]).await, &made));
        set(TenantMode::Lenient).await;
        assert_eq!(case.rules(&case.read("acme").await).await.mode, Mode::Lenient);
    }

    #[tokio::test]
    async fn a_schema_that_staff_add_is_known_to_the_next_request_of_each_token() {
        let case = Case::new().await;
        case.create("acme", TenantSettings::default()).await;
        let before = case.rules(&case.read("acme").await).await;
        case.add_schema("acme", "urn:example:desk").await;
        // The act makes the registry read the tenant anew for each token.
        let tokens = [case.read("acme").await, case.read("acme").await];
        let made = case.rules(&tokens[0]).await;
        assert_eq!(made.user.extensions.len(), before.user.extensions.len() + 1);
        assert!(Arc::ptr_eq(&case.rules(&tokens[1]).await, &made));
    }

    #[tokio::test]
    async fn tenants_of_a_profile_share_their_types_until_one_has_something_of_its_own() {
        let case = Case::new().await;
        let unique = TenantSettings { unique_external_ids: true, ..TenantSettings::default() };
        let overrides = json!({ "refusal": { "status": 429 } }).as_object().unwrap().clone();
        let overridden = TenantSettings { overrides, ..TenantSettings::default() };
        for (key, settings) in [
            ("one", TenantSettings::default()),
            ("two", TenantSettings { unknown_members: UnknownMemberRule::Skip, ..TenantSettings::default() }),
            ("three", unique),
            ("four", TenantSettings::default()),
            ("five", overridden),
        ] {
            case.create(key, settings).await;
        }
        let one = case.rules(&case.read("one").await).await;
        let two = case.rules(&case.read("two").await).await;
        assert!(Arc::ptr_eq(&one.user, &two.user) && Arc::ptr_eq(&one.product, &two.product));
        assert_ne!(two.unknown_members, one.unknown_members);
        assert!(!Arc::ptr_eq(&one.user, &case.rules(&case.read("three").await).await.user));
        case.add_schema("four", "urn:example:desk").await;
        let four = case.rules(&case.read("four").await).await;
        assert_eq!(four.user.extensions.len(), one.user.extensions.len() + 1);
        let five = case.rules(&case.read("five").await).await;
        assert_eq!((five.profile().refusal.status, one.profile().refusal.status), (429, 403));
    }

    #[tokio::test]
    async fn rules_that_are_made_anew_are_those_of_the_profile_that_holds_now() {
        let case = Case::new().await;
        case.create("acme", TenantSettings::default()).await;
        let before = case.read("acme").await;
        let new = ProfileChoice { profile: "iomete".into(), ..ProfileChoice::of(&before) };
        let chosen = case.registry.choose_profile(&before.company_key, ProfileChoice::of(&before), new, by());
        chosen.await.unwrap().unwrap();
        // A request that has read the tenant before the change and makes its rules after it.
        assert_eq!(case.rules(&before).await.product.name_and_version(), "iomete@1");
    }
}
