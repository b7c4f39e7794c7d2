//! Checked settings: addresses parsed, durations typed, regions known. Read once, at the start.

mod base_url;
mod raw;

use std::{
    collections::BTreeMap,
    fmt,
    net::{SocketAddr, ToSocketAddrs},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use config::{Config, Environment, File, FileFormat};
use scim_core::list::Page;
use staff::printable::{MAX_CONTACT, line};
use store::{Clock, StoreSettings};
use tenant_registry::RegionCode;

pub(crate) use base_url::BaseUrl;

use crate::descriptors::Wishes;

/// The defaults, which are also the documentation of every key.
pub(crate) const DEFAULTS: &str = include_str!("default.toml");

/// The longest life of a cursor: `pagination.cursorTimeout` is a positive integer (RFC 9865 §4).
const YEAR_SECONDS: u64 = 31_536_000;

/// All settings of one process.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    /// The regions that are served.
    pub(crate) regions: BTreeMap<RegionCode, Region>,
    pub(crate) listen: SocketAddr,
    /// How clients reach the shared host; `None` means by the listener's address.
    pub(crate) public_url: Option<BaseUrl>,
    pub(crate) workers: Option<usize>,
    /// Limits that compete for file descriptors.
    pub(crate) wishes: Wishes,
    pub(crate) body_limit: usize,
    pub(crate) header_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) write_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub(crate) keep_alive: Duration,
    pub(crate) shutdown: Duration,
    /// `None`: the admin API is behind `listen`.
    pub(crate) admin_listen: Option<SocketAddr>,
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) log_level: String,
    pub(crate) log_format: LogFormat,
    pub(crate) support_contact: String,
    pub(crate) wrong_secrets: u32,
    pub(crate) wrong_secrets_window: Duration,
    pub(crate) max_results: u64,
    pub(crate) cursor_timeout: Duration,
    /// How long a bulk may run; the operations that are left are not attempted.
    pub(crate) bulk_time: Duration,
    /// How long a search may read resources.
    pub(crate) search_time: Duration,
    pub(crate) store: StoreSettings,
}

/// One region.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// For people.
    pub(crate) name: String,
    /// `https://ire.scim.example.com`, if the region has its own host or path.
    pub(crate) base_url: Option<BaseUrl>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Json,
    Text,
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
            .try_parsing(true);
        let merged = sources.add_source(environment).build().map_err(|e| format!("settings: {e}"))?;
        let raw: raw::Raw = merged.try_deserialize().map_err(|e| format!("settings: {e}"))?;
        Self::try_from(raw)
    }
}

impl TryFrom<raw::Raw> for Settings {
    type Error = String;

    fn try_from(raw: raw::Raw) -> Result<Self, String> {
        let server = raw.server;
        Ok(Self {
            data_dir: PathBuf::from(raw.data_dir),
            regions: regions(&raw.serve_regions, raw.regions)?,
            listen: address("server.listen", &server.listen)?,
            public_url: url("server.public_url", &server.public_url)?,
            workers: Some(server.workers).filter(|n| *n > 0),
            wishes: Wishes {
                connections: Some(server.max_connections).filter(|n| *n > 0),
                strangers: Some(server.max_unauthenticated).filter(|n| *n > 0),
                stores: Some(raw.store.max_open).filter(|n| *n > 0),
            },
            body_limit: server.body_limit_bytes,
            header_timeout: Duration::from_secs(server.header_timeout_seconds),
            body_timeout: Duration::from_secs(server.body_timeout_seconds),
            write_timeout: Duration::from_secs(server.write_timeout_seconds),
            keep_alive: Duration::from_secs(server.keep_alive_seconds),
            shutdown: Duration::from_secs(server.shutdown_seconds),
            admin_listen: optional_address("admin.listen", &raw.admin.listen)?,
            metrics_listen: optional_address("metrics.listen", &raw.metrics.listen)?,
            log_level: raw.log.level,
            log_format: match raw.log.format.as_str() {
                "json" => LogFormat::Json,
                "text" => LogFormat::Text,
                other => return Err(format!("settings: log.format is json or text, not {other:?}")),
            },
            support_contact: line("support.contact", &raw.support.contact, MAX_CONTACT)
                .map_err(|wrong| format!("settings: {wrong}"))?,
            wrong_secrets: raw.limits.wrong_secrets,
            wrong_secrets_window: Duration::from_secs(raw.limits.wrong_secrets_window_seconds),
            max_results: within("limits.max_results", raw.limits.max_results, &(1..=Page::MAX_COUNT))?,
            cursor_timeout: Duration::from_secs(within(
                "limits.cursor_timeout_seconds",
                raw.limits.cursor_timeout_seconds,
                &(1..=YEAR_SECONDS),
            )?),
            bulk_time: Duration::from_secs(raw.limits.bulk_seconds),
            search_time: Duration::from_secs(raw.limits.search_seconds),
            store: StoreSettings {
                read_connections: raw.store.read_connections,
                max_waiting: raw.store.max_waiting_writes,
                admission_deadline: Duration::from_millis(raw.store.admission_deadline_ms),
                group_commit_max: raw.store.group_commit_max,
                clock: Clock::system(Duration::from_secs(raw.store.clock_ahead_days.saturating_mul(86_400))),
                log_limit_mib: within(
                    "store.log_limit_mib",
                    raw.store.log_limit_mib,
                    &StoreSettings::LOG_LIMIT_MIB,
                )?,
                ..StoreSettings::default()
            },
        })
    }
}

fn within<T: PartialOrd + fmt::Display>(key: &str, value: T, legal: &RangeInclusive<T>) -> Result<T, String> {
    if legal.contains(&value) {
        return Ok(value);
    }
    Err(format!("settings: {key} is {} to {}, not {value}", legal.start(), legal.end()))
}

fn address(key: &str, text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| format!("settings: {key} must be host:port, such as 127.0.0.1:8080, not {text:?}"))
}

fn optional_address(key: &str, text: &str) -> Result<Option<SocketAddr>, String> {
    Some(text).filter(|text| !text.is_empty()).map(|text| address(key, text)).transpose()
}

fn url(key: &str, text: &str) -> Result<Option<BaseUrl>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    BaseUrl::parse(text).map(Some).map_err(|fault| format!("settings: {key} {fault}, not {text:?}"))
}

fn regions(
    served: &[String],
    mut defined: BTreeMap<String, raw::Region>,
) -> Result<BTreeMap<RegionCode, Region>, String> {
    let mut regions = BTreeMap::new();
    for code in served {
        let raw = defined.remove(code).ok_or_else(|| {
            format!("settings: serve_regions names {code:?}, which [regions] does not define")
        })?;
        let code = RegionCode::new(code).map_err(|e| format!("settings: region {code:?}: {e}"))?;
        let base_url = url(&format!("regions.{code}.base_url"), &raw.base_url)?;
        regions.insert(code, Region { name: raw.name, base_url });
    }
    if regions.is_empty() {
        return Err("settings: serve_regions is empty; name at least one region".to_owned());
    }
    Ok(regions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> raw::Raw {
        toml_of(DEFAULTS)
    }

    fn toml_of(text: &str) -> raw::Raw {
        let config = Config::builder().add_source(File::from_str(text, FileFormat::Toml)).build().unwrap();
        config.try_deserialize().unwrap()
    }

    #[test]
    fn the_defaults_are_settings_that_the_program_trusts() {
        let settings = Settings::try_from(defaults()).unwrap();
        let codes: Vec<&str> = settings.regions.keys().map(RegionCode::as_str).collect();
        assert_eq!(codes, ["ca", "ire", "nl", "uk", "us"]);
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    }

    #[test]
    fn nonsense_is_named() {
        for (key, wrong) in
            [("server.listen", "nowhere"), ("server.public_url", "ftp://x"), ("log.format", "xml")]
        {
            let (table, name) = key.split_once('.').unwrap();
            let mut raw = defaults();
            match (table, name) {
                ("server", "listen") => raw.server.listen = wrong.into(),
                ("server", _) => raw.server.public_url = wrong.into(),
                _ => raw.log.format = wrong.into(),
            }
            let error = Settings::try_from(raw).unwrap_err();
            assert!(error.contains(key) && error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_cursor_is_good_for_some_time() {
        for wrong in [0, u64::MAX] {
            let mut raw = defaults();
            raw.limits.cursor_timeout_seconds = wrong;
            assert!(Settings::try_from(raw).unwrap_err().contains("cursor_timeout_seconds"));
        }
    }

    #[test]
    fn the_bound_of_a_log_has_bounds() {
        for wrong in [0, 3, 20_000] {
            let mut raw = defaults();
            raw.store.log_limit_mib = wrong;
            let error = Settings::try_from(raw).unwrap_err();
            assert!(error.contains("store.log_limit_mib") && error.contains(&wrong.to_string()), "{error}");
        }
    }

    #[test]
    fn a_served_region_must_be_defined() {
        let mut raw = defaults();
        raw.serve_regions.push("mars".into());
        assert!(Settings::try_from(raw).unwrap_err().contains("mars"));
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
