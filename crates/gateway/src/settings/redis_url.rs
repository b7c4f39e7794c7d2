//! Where Redis is. The URL may hold a password, so neither `Debug` nor an error shows it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use redis::{Client, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};
use serde::Deserialize;

use super::secret::{self, Secret};

/// `[redis]`, unchecked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    url: Option<Secret>,
    url_file: Option<PathBuf>,
}

/// A URL of Redis.
pub(crate) struct RedisUrl(ConnectionInfo);

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Source {
    /// The file that holds the URL.
    pub(super) fn file(&self) -> Option<&Path> {
        self.url_file.as_deref()
    }

    /// `None` when there is no Redis.
    pub(super) fn read(self) -> Result<Option<RedisUrl>, String> {
        let url = secret::read("redis.url", self.url, self.url_file)
            .map_err(|fault| format!("settings: {fault}"))?;
        let Some(url) = url else { return Ok(None) };
        let form = "must be redis://[user:password@]host:port[/db] or rediss://...";
        let info = url
            .into_connection_info()
            .map_err(|_| format!("settings: redis.url, or what redis.url_file holds, {form}"))?;
        // Replies and messages share one connection (RESP3, Redis 6).
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(Some(RedisUrl(info.set_redis_settings(settings))))
    }
}

impl RedisUrl {
    /// A client, which connects when it is asked to.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn client(&self) -> Result<Client, String> {
        Client::open(self.0.clone()).map_err(|e| format!("redis: {e}"))
    }
}
