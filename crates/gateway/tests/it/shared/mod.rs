//! What processes share: limits of requests and of wrong credentials, and messages; with Redis, without it, and while it fails.

mod attempts;
mod faults;
mod forget;
mod proxies;
mod rate;
mod secrets;

use std::{
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use testkit::{
    database::Database,
    gateway::{Gateway, Setup, Tenant},
    http::Request,
    redis::Redis,
};

use crate::running::BINARY;

/// The longest wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until a line of the metrics reads so.
#[track_caller]
fn wait_for_metric(gateway: &Gateway, line: &str) {
    wait_until(line, || gateway.metrics().lines().any(|found| found == line));
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(5));
    }
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
        let (redis, database) = (Redis::start(), Arc::new(Database::create()));
        let url = redis.url();
        let settings: Vec<_> =
            settings.iter().copied().chain([("USHER__REDIS__URL", url.as_str())]).collect();
        let processes = [(); 2].map(|()| {
            let database = Some(Arc::clone(&database));
            Gateway::set_up(BINARY, Setup { settings: &settings, database, ..Setup::default() })
        });
        let tenant = processes[0].tenant("ire", "acme", None, None);
        let tenants = processes.each_ref().map(|process| {
            wait_for_metric(process, "usher_redis_fallback_active 0");
            at(process, &tenant)
        });
        Self { processes, tenants, redis }
    }
}

/// The tenant as this process serves it.
fn at(process: &Gateway, tenant: &Tenant) -> Tenant {
    let base_url = format!("{}/{}/{}/scim/v2", process.url, tenant.region, tenant.key);
    Tenant { base_url, ..tenant.clone() }
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
