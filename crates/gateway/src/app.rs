//! Everything that is built once and shared by all requests, in one readable place.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::HttpRequest;
use metrics::Metrics;
use provisioning::{Base, Rules, walks::Walks};
use store::{StoreSettings, Stores};
use tenant_registry::{CompanyKey, RegionCode, Registry, Tenant, Token};

use crate::{
    admin::AdminToken,
    api_error::ApiError,
    attempts::Attempts,
    data_dir::DataDir,
    dropped::Dropped,
    issuers::Issuers,
    oauth::{AccessTokens, Sealing, SigningKeys},
    rate_limit::RateLimits,
    recognition::Recognition,
    refused_writes::RefusedWrites,
    regions::{Ground, Regions},
    request_id::{self, TakenIds},
    settings::{BaseUrl, Region, Settings},
    shared::Link,
    shares::Shares,
    telemetry::{exporter::Exporter, last_seen::LastSeen, stores::StoreMetrics},
    tenant_rules::RulesCache,
    traffic::UnwrittenTraffic,
};

/// The commit that this was built from, where the build says so.
const COMMIT: &str = match option_env!("USHER_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// The access tokens of this process. It signs none where no file holds the secret: the data directory is this process's alone, so where a
/// region is a database, only a file that is named is shared.
fn access_tokens(settings: &Settings, data_dir: Option<&DataDir>) -> Result<AccessTokens, String> {
    let auth = &settings.auth;
    let keeps_files = settings.regions.values().all(Region::keeps_files);
    let sealing = match data_dir {
        _ if !auth.key_file.as_os_str().is_empty() => Some(Sealing::read(&auth.key_file)?),
        Some(data_dir) if keeps_files => Some(Sealing::find_or_make(data_dir)?),
        _ => None,
    };
    Ok(AccessTokens::new(SigningKeys::new(sealing, auth.signing_key_days), auth.token_minutes))
}

/// One running gateway.
pub(crate) struct App {
    pub(crate) settings: Settings,
    /// How clients reach the shared host.
    pub(crate) public_url: BaseUrl,
    pub(crate) stores: Stores,
    pub(crate) regions: Arc<Regions>,
    pub(crate) rules: RulesCache,
    pub(crate) walks: Arc<Walks>,
    pub(crate) shares: Shares,
    pub(crate) attempts: Attempts,
    pub(crate) rates: RateLimits,
    /// To the other processes, if there may be any.
    link: Option<Arc<Link>>,
    pub(crate) dropped: Dropped,
    pub(crate) recognition: Recognition,
    pub(crate) taken_ids: TakenIds,
    /// On their way into the log.
    pub(crate) refused: RefusedWrites,
    /// On its way into the stores.
    pub(crate) traffic: UnwrittenTraffic,
    /// Held by who writes it: what was sent first must be added first, or the pauses between are lost.
    pub(crate) adding_traffic: tokio::sync::Mutex<()>,
    pub(crate) admin_token: AdminToken,
    pub(crate) access: AccessTokens,
    pub(crate) issuers: Issuers,
    pub(crate) metrics: Arc<Metrics>,
    /// Metrics of the stores.
    pub(crate) store_metrics: Arc<StoreMetrics>,
    /// Which regions the metrics of this process tell of.
    pub(crate) exporter: Exporter,
    pub(crate) last_seen: LastSeen,
    /// Held by who ticks here.
    pub(crate) ticking: tokio::sync::Mutex<()>,
    /// False once a stop has begun.
    ready: AtomicBool,
    /// Held for as long as this process lives; `None` where no region keeps files.
    data_dir: Option<DataDir>,
}

impl App {
    /// Opens the served regions, as far as they can be opened. `public_url` is what the settings say or the address listened on.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) async fn open(settings: Settings, public_url: BaseUrl) -> Result<Arc<Self>, String> {
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), COMMIT).map_err(|e| format!("metrics: {e}"))?;
        let metrics = Arc::new(metrics);
        let store_metrics = Arc::new(StoreMetrics::new(&metrics));
        let watched = StoreSettings { watch: store_metrics.clone(), ..settings.store.settings() };
        let stores = Stores::new(watched).map_err(|e| format!("stores: {e}"))?;
        let keeping = settings.regions.iter().filter(|(_, region)| region.keeps_files());
        let mut keeping = keeping.map(|(code, _)| code).peekable();
        let data_dir = match keeping.peek() {
            Some(_) => Some(DataDir::take(&settings.data_dir, keeping)?),
            None => None,
        };
        let token_file = &settings.admin.token_file;
        let admin_token = match &data_dir {
            _ if !token_file.as_os_str().is_empty() => AdminToken::read(token_file)?,
            Some(data_dir) => AdminToken::find_or_make(data_dir)?,
            None => {
                return Err("settings: set admin.token_file: without a data directory the admin token has no other place"
                    .to_owned());
            }
        };
        let access = access_tokens(&settings, data_dir.as_ref())?;
        let issuers = Issuers::start(&settings.auth, metrics.jwks_fetches.clone())?;
        let link = match &settings.redis {
            Some(url) => {
                let metrics = metrics.of_redis().map_err(|e| format!("metrics: {e}"))?;
                Some(Arc::new(Link::new(url.client()?, metrics)))
            }
            None => None,
        };
        let ground = Ground {
            stores: stores.clone(),
            served: metrics.region_served.clone(),
            behind: metrics.migrations_behind.clone(),
            outbox: link.as_deref().map(Link::outbox),
        };
        let places = settings.regions.iter().map(|(code, region)| (code.clone(), region.place.clone()));
        let regions = Arc::new(Regions::open(places, ground).await);
        if let Some(down) = regions.beyond_this_version() {
            return Err(down.to_string());
        }
        let limits = &settings.limits;
        Ok(Arc::new(Self {
            attempts: Attempts::new(
                limits.wrong_secrets,
                limits.wrong_secrets_window_seconds.0,
                link.clone(),
            ),
            rates: RateLimits::new(link.clone(), metrics.rate_limited.clone()),
            link,
            rules: RulesCache::new(),
            walks: Arc::default(),
            shares: Shares::new(&settings, &metrics),
            dropped: Dropped::default(),
            recognition: Recognition::default(),
            taken_ids: TakenIds::default(),
            refused: RefusedWrites::default(),
            traffic: UnwrittenTraffic::default(),
            adding_traffic: tokio::sync::Mutex::default(),
            ticking: tokio::sync::Mutex::default(),
            ready: AtomicBool::new(true),
            data_dir,
            admin_token,
            access,
            issuers,
            public_url,
            stores,
            regions,
            metrics,
            store_metrics,
            exporter: Exporter::default(),
            last_seen: LastSeen::default(),
            settings,
        }))
    }

    /// The registry of a tenant's region.
    ///
    /// # Errors
    /// When the region is not served.
    pub(crate) fn registry(&self, region: &RegionCode) -> Result<Arc<Registry>, ApiError> {
        let registry = self.regions.get(region).ok_or(ApiError::Misconfigured("region".into()))?;
        registry.map_err(ApiError::RegionDown)
    }

    /// Counts a request whose credential is wrong, by its address and by the key id that it names. Returns the seconds to wait if there
    /// were too many.
    pub(crate) async fn count_wrong(&self, request: &HttpRequest, token: Option<&Token>) -> Option<u64> {
        if let Some(token) = token {
            self.traffic.wrong_secret(token, self.stores.clock().now_ms());
        }
        let address = self.settings.server.trusted_proxies.client_of(request);
        self.attempts.wrong(address, token.map(Token::key_id)).await
    }

    /// The id of a request: that of a trusted proxy, or a new one.
    pub(crate) fn request_id(&self, request: &HttpRequest) -> String {
        request_id::or_new(self.settings.server.trusted_proxies.request_id_of(request))
    }

    /// The data directory, where a region keeps files.
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_ref().map(DataDir::path)
    }

    /// Keeps in touch with the other processes for as long as this one lives.
    pub(crate) async fn keep_in_touch(&self) {
        if let Some(link) = &self.link {
            let regions = Arc::clone(&self.regions);
            link.keep(regions).await;
        }
    }

    /// The SCIM base URL of a tenant: from the settings alone (attack 62).
    pub(crate) fn base(&self, tenant: &Tenant) -> Base {
        Base(match self.own_url(&tenant.region) {
            Some(own) => format!("{own}/{}/scim/v2", tenant.company_key),
            None => format!("{}/{}/{}/scim/v2", self.public_url, tenant.region, tenant.company_key),
        })
    }

    /// The issuer of a tenant's access tokens, whose token endpoint is below it.
    pub(crate) fn issuer(&self, region: &RegionCode, key: &CompanyKey) -> String {
        match self.own_url(region) {
            Some(own) => format!("{own}/{key}"),
            None => format!("{}/{region}/{key}", self.public_url),
        }
    }

    /// How clients reach a region that has a host, or a path, of its own.
    fn own_url(&self, region: &RegionCode) -> Option<&BaseUrl> {
        self.settings.regions.get(region)?.base_url.as_ref()
    }

    /// Whether what stands before the company key in a path, on this host, means the region: its code on any host, nothing on the
    /// region's own. A prefix of the base URL may stand in front or not, as the proxy leaves it.
    pub(crate) fn is_region(&self, region: &RegionCode, before_key: &[String], host: Option<&str>) -> bool {
        let is_code = |segments: &[String]| match segments {
            [code] => code.eq_ignore_ascii_case(region.as_str()),
            _ => false,
        };
        let is_shared =
            is_code(before_key) || before_key.strip_prefix(self.public_url.prefix()).is_some_and(is_code);
        let is_own = |own: &BaseUrl| {
            host.is_some_and(|host| own.is_host(host))
                && (before_key.is_empty() || before_key == own.prefix())
        };
        is_shared || self.own_url(region).is_some_and(is_own)
    }

    /// The region that a path means on this host, if it means one: a proxy that takes the paths of several regions on one host away
    /// leaves it to the token.
    pub(crate) fn region_of(&self, before_key: &[String], host: Option<&str>) -> Option<&RegionCode> {
        let mut meant =
            self.settings.regions.keys().filter(|region| self.is_region(region, before_key, host));
        let first = meant.next()?;
        meant.next().is_none().then_some(first)
    }

    /// Whom a tenant's administrators should ask.
    pub(crate) fn contact<'a>(&'a self, tenant: &'a Tenant) -> &'a str {
        tenant.settings.contact.as_deref().unwrap_or(&self.settings.support.contact)
    }

    /// Whom to ask about seats and features: the tenant's contact, else its product's, else that of the settings.
    pub(crate) fn contact_about_seats<'a>(&'a self, tenant: &'a Tenant, rules: &'a Rules) -> &'a str {
        let of_product = Some(rules.profile().words.contact.as_str()).filter(|contact| !contact.is_empty());
        tenant.settings.contact.as_deref().or(of_product).unwrap_or(&self.settings.support.contact)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(crate) fn stop_being_ready(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }
}
