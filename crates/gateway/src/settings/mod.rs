//! Checked settings: addresses parsed, durations typed, regions known. Read once, at the start.

mod base_url;
mod fields;
mod redis_url;
mod regions;
mod secret;
mod traces;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use config::{Config, ConfigError, Environment, File, FileFormat};
use scim_core::list::Page;
use serde::Deserialize;
use staff::printable::{MAX_CONTACT, line};
use store::{Clock, StoreSettings};
use tenant_registry::{CompanyKey, RegionCode};

pub(crate) use base_url::BaseUrl;
pub(crate) use fields::LogFormat;
use fields::Seconds;
pub(crate) use redis_url::RedisUrl;
use regions::Defined;
pub(crate) use regions::Region;
pub(crate) use traces::Traces;

use crate::client_address::TrustedProxies;

/// The defaults, which are also the documentation of every key.
pub(crate) const DEFAULTS: &str = include_str!("default.toml");

/// More tenants than a Prometheus server should have series of.
const MOST_TENANTS_SHOWN: usize = 5_000;

/// The longest life of a cursor: `pagination.cursorTimeout` is a positive integer (RFC 9865 §4).
const YEAR_SECONDS: u64 = 31_536_000;

/// All settings of one process. Each field has the name of its key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    serve_regions: Vec<String>,
    #[serde(rename = "regions")]
    defined: BTreeMap<String, Defined>,
    /// The regions that are served.
    #[serde(skip)]
    pub(crate) regions: BTreeMap<RegionCode, Region>,
    pub(crate) server: Server,
    pub(crate) admin: Admin,
    pub(crate) auth: Auth,
    pub(crate) metrics: Metrics,
    pub(crate) health: Health,
    pub(crate) log: Log,
    pub(crate) traces: Traces,
    pub(crate) support: Support,
    pub(crate) limits: Limits,
    pub(crate) store: Store,
    /// Files with secrets that the settings name, each with its key.
    #[serde(skip)]
    pub(crate) secret_files: Vec<(String, PathBuf)>,
    #[serde(rename = "redis")]
    redis_source: redis_url::Source,
    /// What processes share is here.
    #[serde(skip)]
    pub(crate) redis: Option<RedisUrl>,
}

/// SCIM's listener and its connections.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    #[serde(deserialize_with = "fields::address")]
    pub(crate) listen: SocketAddr,
    /// How clients reach the shared host; `None` means by the listener's address.
    #[serde(deserialize_with = "fields::optional_url")]
    pub(crate) public_url: Option<BaseUrl>,
    #[serde(deserialize_with = "fields::unless_zero")]
    pub(crate) workers: Option<usize>,
    #[serde(deserialize_with = "fields::unless_zero")]
    pub(crate) max_connections: Option<usize>,
    #[serde(deserialize_with = "fields::unless_zero")]
    pub(crate) max_unauthenticated: Option<usize>,
    pub(crate) body_limit_bytes: usize,
    pub(crate) header_timeout_seconds: Seconds,
    pub(crate) body_timeout_seconds: Seconds,
    pub(crate) write_timeout_seconds: Seconds,
    /// How long a connection may wait for its next request.
    pub(crate) keep_alive_seconds: Seconds,
    /// At a stop, how long connections are accepted and served as ever while the process says that it is not ready.
    pub(crate) shutdown_lead_seconds: Seconds,
    /// The whole stop.
    pub(crate) shutdown_seconds: Seconds,
    pub(crate) trusted_proxies: TrustedProxies,
}

/// The metrics; without a listener they are not served.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metrics {
    #[serde(deserialize_with = "fields::optional_address")]
    pub(crate) listen: Option<SocketAddr>,
    /// Which tenants `/metrics/tenants` shows.
    pub(crate) tenants: TenantsShown,
    /// How many of a region at the most.
    pub(crate) tenant_limit: usize,
    /// `region/key` of each tenant that is shown by name.
    tenant_list: Vec<String>,
}

/// Which tenants have metrics of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TenantsShown {
    /// None.
    Off,
    /// Those that need a hand, or did in the last seven days.
    AtRisk,
    /// Every one.
    All,
    /// Those that are named.
    List,
}

impl Metrics {
    /// The company keys of a region that are named.
    pub(crate) fn listed(&self, region: &RegionCode) -> BTreeSet<CompanyKey> {
        let of_region = |named: &String| {
            let (code, key) = named.split_once('/')?;
            if code == region.as_str() { CompanyKey::new(key).ok() } else { None }
        };
        self.tenant_list.iter().filter_map(of_region).collect()
    }

    /// # Errors
    /// One sentence that names the key.
    fn check(&self) -> Result<(), String> {
        within("metrics.tenant_limit", self.tenant_limit, &(1..=MOST_TENANTS_SHOWN))?;
        let is_name = |named: &&String| {
            let parts = named.split_once('/');
            !parts.is_some_and(|(code, key)| RegionCode::new(code).is_ok() && CompanyKey::new(key).is_ok())
        };
        match self.tenant_list.iter().find(is_name) {
            Some(wrong) => {
                Err(format!("settings: metrics.tenant_list names tenants as region/key, not {wrong:?}"))
            }
            None => Ok(()),
        }
    }
}

impl Server {
    const SHUTDOWN_SECONDS: RangeInclusive<u64> = 3..=3_600;
    /// Seconds of a stop behind its lead: for requests under way, and for stores.
    const SHUTDOWN_REST: u64 = 3;
}

/// The probes of a service manager or a cluster; without a listener they are on SCIM's alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Health {
    #[serde(deserialize_with = "fields::optional_address")]
    pub(crate) listen: Option<SocketAddr>,
}

/// The admin API.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    /// Absent: it is served by `server.listen`.
    #[serde(deserialize_with = "fields::optional_address")]
    pub(crate) listen: Option<SocketAddr>,
    /// Empty: `admin-token` in the data directory.
    pub(crate) token_file: PathBuf,
}

/// Access tokens of OAuth clients.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    /// Minutes that an access token lives.
    pub(crate) token_minutes: u32,
    /// Days that a key signs.
    pub(crate) signing_key_days: u32,
    /// Empty: `signing-secret` in the data directory, where a region keeps files.
    pub(crate) key_file: PathBuf,
    /// Minutes from now within which a client's assertion must expire.
    pub(crate) assertion_minutes: u32,
    /// An issuer's keys are fetched at most once in so many seconds.
    pub(crate) jwks_fetch_seconds: Seconds,
    /// Empty: the system's list of authorities.
    pub(crate) jwks_ca_file: PathBuf,
    /// Keys may be fetched from addresses of private networks.
    pub(crate) private_jwks: bool,
    /// Keys may be fetched over http from loopback.
    pub(crate) insecure_jwks: bool,
}

impl Auth {
    const TOKEN_MINUTES: RangeInclusive<u32> = 60..=360;
    const SIGNING_KEY_DAYS: RangeInclusive<u32> = 1..=3_660;
    const ASSERTION_MINUTES: RangeInclusive<u32> = 1..=1_440;
    const JWKS_FETCH_SECONDS: RangeInclusive<u64> = 1..=3_600;
}

/// Log lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) level: String,
    #[serde(deserialize_with = "fields::log_format")]
    pub(crate) format: LogFormat,
}

/// Whom refusals tell administrators to ask.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Support {
    pub(crate) contact: String,
}

/// Limits of requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) wrong_secrets: u32,
    pub(crate) wrong_secrets_window_seconds: Seconds,
    /// Refusals for want of a seat; 0: any number.
    pub(crate) refusals_before_hold: u32,
    pub(crate) max_results: u64,
    pub(crate) cursor_timeout_seconds: Seconds,
    /// How long a bulk may run; the operations that are left are not attempted.
    pub(crate) bulk_seconds: Seconds,
    /// How long a search may read resources.
    pub(crate) search_seconds: Seconds,
}

/// Tenants' stores.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    pub(crate) read_connections: u32,
    memory_mib: u32,
    #[serde(deserialize_with = "fields::unless_zero")]
    pub(crate) max_open: Option<usize>,
    max_waiting_writes: usize,
    admission_deadline_ms: u64,
    group_commit_max: usize,
    clock_ahead_days: u64,
    log_limit_mib: u32,
}

impl Settings {
    /// Defaults, then the file, then `USHER__…` variables.
    ///
    /// # Errors
    /// One sentence that names the key and what is wrong with it.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, String> {
        let mut sources = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            sources = sources.add_source(File::from(path).format(FileFormat::Toml));
        }
        let environment = Environment::with_prefix("USHER")
            .prefix_separator("__")
            .separator("__")
            .list_separator(",")
            .with_list_parse_key("serve_regions")
            .with_list_parse_key("server.trusted_proxies")
            .with_list_parse_key("metrics.tenant_list")
            .try_parsing(true);
        let merged = sources.add_source(environment).build().map_err(|e| format!("settings: {e}"))?;
        Self::checked(merged)
    }

    fn checked(merged: Config) -> Result<Self, String> {
        let mut settings: Self = merged.try_deserialize().map_err(|error| match error {
            ConfigError::At { error, key: Some(key), .. } => format!("settings: {key}: {error}"),
            other => format!("settings: {other}"),
        })?;
        settings.support.contact = line("settings: support.contact", &settings.support.contact, MAX_CONTACT)?;
        let Limits { max_results, cursor_timeout_seconds, .. } = &settings.limits;
        within("limits.max_results", *max_results, &(1..=Page::MAX_COUNT))?;
        within("limits.cursor_timeout_seconds", cursor_timeout_seconds.0.as_secs(), &(1..=YEAR_SECONDS))?;
        let stop = settings.server.shutdown_seconds.0.as_secs();
        within("server.shutdown_seconds", stop, &Server::SHUTDOWN_SECONDS)?;
        let longest_lead = stop.saturating_sub(Server::SHUTDOWN_REST);
        let lead = settings.server.shutdown_lead_seconds.0.as_secs();
        within("server.shutdown_lead_seconds", lead, &(0..=longest_lead))?;
        within("auth.token_minutes", settings.auth.token_minutes, &Auth::TOKEN_MINUTES)?;
        within("auth.signing_key_days", settings.auth.signing_key_days, &Auth::SIGNING_KEY_DAYS)?;
        within("auth.assertion_minutes", settings.auth.assertion_minutes, &Auth::ASSERTION_MINUTES)?;
        let jwks_fetch_seconds = settings.auth.jwks_fetch_seconds.0.as_secs();
        within("auth.jwks_fetch_seconds", jwks_fetch_seconds, &Auth::JWKS_FETCH_SECONDS)?;
        within("store.log_limit_mib", settings.store.log_limit_mib, &StoreSettings::LOG_LIMIT_MIB)?;
        within("store.memory_mib", settings.store.memory_mib, &StoreSettings::MEMORY_MIB)?;
        settings.metrics.check()?;
        settings.traces.check()?;
        settings.secret_files = settings.files_with_secrets();
        settings.redis = std::mem::take(&mut settings.redis_source).read()?;
        for code in &settings.serve_regions {
            let defined = settings.defined.remove(code).ok_or_else(|| {
                format!("settings: serve_regions names {code:?}, which [regions] does not define")
            })?;
            let code = RegionCode::new(code).map_err(|e| format!("settings: region {code:?}: {e}"))?;
            let region = Region::of(&code, defined, &settings.data_dir)?;
            settings.regions.insert(code, region);
        }
        if settings.regions.is_empty() {
            return Err("settings: serve_regions is empty; name at least one region".to_owned());
        }
        Ok(settings)
    }
}

impl Settings {
    fn files_with_secrets(&self) -> Vec<(String, PathBuf)> {
        let mut files = vec![
            ("admin.token_file".to_owned(), self.admin.token_file.clone()),
            ("auth.key_file".to_owned(), self.auth.key_file.clone()),
            ("traces.headers_file".to_owned(), self.traces.headers_file.clone()),
        ];
        files.extend(self.redis_source.file().map(|file| ("redis.url_file".to_owned(), file.to_owned())));
        for code in &self.serve_regions {
            let defined = self.defined.get(code).into_iter().flat_map(Defined::files);
            files.extend(defined.map(|(key, file)| (format!("regions.{code}.{key}"), file.to_owned())));
        }
        files.retain(|(_, file)| !file.as_os_str().is_empty());
        files
    }
}

fn within<T: PartialOrd + Display>(key: &str, value: T, legal: &RangeInclusive<T>) -> Result<(), String> {
    if legal.contains(&value) {
        return Ok(());
    }
    Err(format!("settings: {key} is {} to {}, not {value}", legal.start(), legal.end()))
}

impl Store {
    /// How long a request may wait for its turn in a store.
    pub(crate) fn admission_deadline(&self) -> Duration {
        Duration::from_millis(self.admission_deadline_ms)
    }

    /// Days by which the machine's clock may be ahead.
    pub(crate) fn clock_ahead_days(&self) -> i64 {
        i64::try_from(self.clock_ahead_days).unwrap_or(i64::MAX)
    }

    /// The limit of a write-ahead log.
    pub(crate) fn log_limit_mib(&self) -> u32 {
        self.log_limit_mib
    }

    /// What the stores are opened with.
    pub(crate) fn settings(&self) -> StoreSettings {
        let default = StoreSettings::default();
        StoreSettings {
            read_connections: self.read_connections,
            memory_mib: self.memory_mib,
            max_open: self.max_open.unwrap_or(default.max_open),
            max_waiting: self.max_waiting_writes,
            admission_deadline: self.admission_deadline(),
            group_commit_max: self.group_commit_max,
            clock: Clock::system(Duration::from_secs(self.clock_ahead_days.saturating_mul(86_400))),
            log_limit_mib: self.log_limit_mib,
            ..default
        }
    }
}

#[cfg(test)]
mod tests {
    use config::Value;

    use super::*;

    /// The defaults with one other value.
    fn with(key: &str, value: impl Into<Value>) -> Result<Settings, String> {
        let sources = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        Settings::checked(sources.set_override(key, value).unwrap().build().unwrap())
    }

    #[test]
    fn the_defaults_are_settings_that_the_program_trusts() {
        let settings = with("server.workers", 0).unwrap();
        let codes: Vec<&str> = settings.regions.keys().map(RegionCode::as_str).collect();
        assert_eq!(codes, ["ca", "ire", "nl", "uk", "us"]);
        assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.server.workers, None);
    }

    #[test]
    fn nonsense_is_named() {
        for (key, wrong) in [
            ("server.listen", "nowhere"),
            ("admin.listen", "nowhere"),
            ("health.listen", "nowhere"),
            ("server.public_url", "ftp://x"),
            ("regions.ire.base_url", "ftp://x"),
            ("log.format", "xml"),
            ("redis.url_file", "/nowhere/url"),
            ("limits.bulk_seconds", "soon"),
        ] {
            let error = with(key, wrong).unwrap_err();
            assert!(error.contains(key) && error.contains(wrong), "{error}");
        }
        assert!(with("support.contact", " ").unwrap_err().contains("support.contact"));
        assert!(with("server.lisen", "127.0.0.1:80").unwrap_err().contains("lisen"));
    }

    #[test]
    fn a_proxy_that_has_no_address_is_named() {
        assert!(with("server.trusted_proxies", vec!["10.0.0.0/8", "::1"]).is_ok());
        let error = with("server.trusted_proxies", vec!["10.0.0.0/8", "proxy.example"]).unwrap_err();
        assert!(error.contains("server.trusted_proxies") && error.contains("proxy.example"), "{error}");
    }

    #[test]
    fn a_url_of_redis_is_checked_and_never_shown() {
        let url = "redis://usher:s3cret@127.0.0.1:6379/1";
        let settings = with("redis.url", url).unwrap();
        assert!(settings.redis.is_some() && !format!("{settings:?}").contains("s3cret"));
        let error = with("redis.url", "http://usher:s3cret@x").unwrap_err();
        assert!(error.contains("redis.url") && !error.contains("s3cret"), "{error}");

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{url}\n")).unwrap();
        let path = file.path().to_str().unwrap();
        assert!(with("redis.url_file", path).unwrap().redis.is_some());
        std::fs::write(file.path(), "s3cret").unwrap();
        let error = with("redis.url_file", path).unwrap_err();
        assert!(error.contains("redis.url_file") && !error.contains("s3cret"), "{error}");
        assert!(with("server.workers", 0).unwrap().redis.is_none());
    }

    #[test]
    fn a_number_outside_its_range_is_named() {
        for (key, wrong) in [
            ("limits.cursor_timeout_seconds", 0),
            ("limits.cursor_timeout_seconds", u64::MAX),
            ("server.shutdown_seconds", 2),
            ("server.shutdown_seconds", 3_601),
            ("server.shutdown_lead_seconds", 43),
            ("limits.max_results", 0),
            ("limits.max_results", 1001),
            ("auth.token_minutes", 59),
            ("auth.token_minutes", 361),
            ("auth.signing_key_days", 0),
            ("auth.assertion_minutes", 0),
            ("auth.jwks_fetch_seconds", 3_601),
            ("store.memory_mib", 15),
            ("store.log_limit_mib", 0),
            ("store.log_limit_mib", 3),
            ("store.log_limit_mib", 20_000),
        ] {
            let error = with(key, wrong).unwrap_err();
            assert!(error.contains(key) && error.contains(&wrong.to_string()), "{error}");
        }
    }

    #[test]
    fn a_served_region_must_be_defined() {
        assert!(with("serve_regions", vec!["ire", "mars"]).unwrap_err().contains("mars"));
    }

    #[test]
    fn a_region_that_is_not_served_is_not_checked() {
        let sources = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        let sources = sources.set_override("serve_regions", vec!["ire"]).unwrap();
        let sources = sources.set_override("regions.uk.base_url", "ftp://x").unwrap();
        assert_eq!(Settings::checked(sources.build().unwrap()).unwrap().regions.len(), 1);
    }

    #[test]
    fn the_documentation_names_every_key() {
        let text = include_str!("../../../../docs/configuration.md");
        for line in DEFAULTS.lines().filter(|l| !l.starts_with('#') && l.contains(" = ")) {
            let key = line.split(" = ").next().unwrap();
            assert!(text.contains(&format!("`{key}`")), "docs/configuration.md does not name {key}");
        }
    }
}
