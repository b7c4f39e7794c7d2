//! What processes share: limits of requests and of wrong credentials, and messages; with Redis, without it, and while it fails.

mod attempts;
mod faults;
mod forget;
mod proxies;
mod rate;
mod secrets;

use testkit::{
    gateway::{Gateway, Tenant},
    http::Request,
    redis::Redis,
};

use crate::running::{at, two_processes, wait_for};

/// Waits until a line of the metrics reads so.
#[track_caller]
fn wait_for_metric(gateway: &Gateway, line: &str) {
    wait_for(line, || gateway.metrics().lines().any(|found| found == line));
}

/// Two processes that serve the same tenants from one PostgreSQL, with one Redis.
struct Pair {
    processes: [Gateway; 2],
    /// One tenant, as each of them serves it.
    tenants: [Tenant; 2],
    redis: Redis,
}

impl Pair {
    fn start(settings: &[(&str, &str)]) -> Self {
        let redis = Redis::start();
        let url = redis.url();
        let settings: Vec<_> =
            settings.iter().copied().chain([("USHER__REDIS__URL", url.as_str())]).collect();
        let processes = two_processes(&settings);
        let tenant = processes[0].tenant("ire", "acme", None, None);
        let tenants = processes.each_ref().map(|process| {
            wait_for_metric(process, "usher_redis_fallback_active 0");
            at(process, &tenant)
        });
        Self { processes, tenants, redis }
    }
}

/// Changes the tenant's settings by the command line.
fn set(gateway: &Gateway, words: &[&str]) -> String {
    gateway.cli_ok(&[&["tenant", "set", "--region", "ire", "--key", "acme", "--json"], words].concat())
}

/// A cheap request; its status.
fn probe(tenant: &Tenant) -> u16 {
    tenant.get("/ServiceProviderConfig").status
}

/// A request with a token that opens nothing; its status.
fn wrong(base_url: &str, token: &str) -> u16 {
    Request::new("GET", &format!("{base_url}/Users")).bearer(token).send().status
}
