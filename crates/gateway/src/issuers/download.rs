//! One request for an issuer's keys. Whatever is odd about the answer counts as: the issuer is down.

use std::{io, net::SocketAddr, time::Duration};

use ureq::{
    Agent, Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use super::{
    addresses::{is_private, is_public},
    key_set::KeySet,
};
use crate::{outgoing, settings::Auth, telemetry::traces};

/// Longest set, in bytes.
const LONGEST: u64 = 64 * 1024;
/// From the look-up of the name to the last byte.
const TIME: Duration = Duration::from_secs(2);

/// Which addresses are called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Also those of private networks.
    private: bool,
    /// Also plain http, and then loopback alone.
    insecure: bool,
}

impl Reach {
    pub(super) fn new(auth: &Auth) -> Self {
        Self { private: auth.private_jwks, insecure: auth.insecure_jwks }
    }

    /// Whether keys may be fetched from there, as far as the text tells.
    ///
    /// # Errors
    /// A sentence for staff.
    pub(super) fn check(self, url: &str) -> Result<(), String> {
        let names_host = |uri: &Uri| {
            let authority = uri.authority();
            authority.is_some_and(|of| of.as_str().len() == of.host().len() || of.port_u16().is_some())
        };
        if !url.parse().is_ok_and(|uri| names_host(&uri)) {
            return Err(format!("jwks_url is no address: {url:?}."));
        }
        if url.starts_with("https://") || self.insecure {
            return Ok(());
        }
        Err("Keys are fetched over https alone: jwks_url begins with https://.".to_owned())
    }

    fn admits(self, is_plain: bool, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        match is_plain {
            true => self.insecure && ip.is_loopback(),
            false => is_public(ip) || (self.private && is_private(ip)) || (self.insecure && ip.is_loopback()),
        }
    }
}

/// Resolves once; the address that was checked is the one that is called (attack 51).
#[derive(Debug)]
struct Checked {
    reach: Reach,
    resolver: DefaultResolver,
}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        let is_plain = uri.scheme_str() != Some("https");
        if found.iter().all(|address| self.reach.admits(is_plain, *address)) {
            return Ok(found);
        }
        Err(Error::Io(io::Error::other("its address is not called; see auth.private_jwks")))
    }
}

/// Makes such requests.
#[derive(Clone)]
pub(super) struct Downloads(Agent);

impl Downloads {
    /// # Errors
    /// One sentence for the operator, about `auth.jwks_ca_file`.
    pub(super) fn new(auth: &Auth) -> Result<Self, String> {
        let tls = outgoing::tls("auth.jwks_ca_file", &auth.jwks_ca_file)?;
        let reach = Reach::new(auth);
        let config = outgoing::straight()
            .https_only(!auth.insecure_jwks)
            .tls_config(tls)
            .timeout_global(Some(TIME))
            // A connection that waits for an hour is closed by the other side.
            .max_idle_connections(0)
            .accept("application/json")
            .build();
        let resolver = Checked { reach, resolver: DefaultResolver::default() };
        Ok(Self(Agent::with_parts(config, DefaultConnector::default(), resolver)))
    }

    /// The keys at this address. Blocks for two seconds at most.
    ///
    /// # Errors
    /// Why there are none, for the log.
    pub(super) fn fetch(&self, url: &str) -> Result<KeySet, String> {
        let mut asking = self.0.get(url);
        if let Some(parent) = traces::traceparent() {
            asking = asking.header("traceparent", parent);
        }
        let mut answer = asking.call().map_err(|error| error.to_string())?;
        if answer.status() != 200 {
            return Err(format!("http status: {}", answer.status().as_u16()));
        }
        // The library's limit is one short of what it lets through.
        let body = answer.body_mut().with_config().limit(LONGEST + 1).read_to_vec();
        KeySet::read(&body.map_err(|error| error.to_string())?)
    }
}
