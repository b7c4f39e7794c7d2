//! The file descriptors of the process. At the start the limit is raised as far as the system allows and divided between
//! connections and stores. If the configured numbers do not fit, the process does not start.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{info, warn};

use crate::{
    http::{Bounds, NEWCOMERS},
    settings::Settings,
};

/// Standard streams, listeners, locks, signals, the main thread's and the metrics' event loops; measured, and four more.
const STANDING: usize = 28;

/// An HTTP worker's event loop.
const OF_A_WORKER: usize = 3;

/// A second listener: two handles, the accept loop, one worker, and connections that were just accepted.
const OF_ANOTHER_LISTENER: usize = 4 + OF_A_WORKER + NEWCOMERS;

/// Connections of the metrics listener.
pub(crate) const METRICS_CONNECTIONS: usize = 4;

/// Connections of the probes' listener: each has one request, so a few probes at once find room.
pub(crate) const PROBE_CONNECTIONS: usize = 8;

/// The probes' listener: two handles, the accept loop, one worker, its connections.
const OF_PROBES: usize = 4 + OF_A_WORKER + PROBE_CONNECTIONS;

/// Files that are open for a moment, such as a directory that is synced or listed.
const PASSING: usize = 4;

/// A store has one connection for writes and one for checkpoints beside its readers. Each has the file and its write-ahead log
/// open; all share the index of the log.
const fn of_a_store(read_connections: usize) -> usize {
    2 * (read_connections + 2) + 1
}

/// Upper bounds if there are descriptors in plenty: an idle connection takes about 20 kB of memory, a store 115 kB.
const MOST_CONNECTIONS: usize = 4096;
const MOST_STORES: usize = 512;

/// With fewer connections the process does not start.
const FEWEST_CONNECTIONS: usize = 4;

/// If there is room for fewer tenants' stores than this, each store gets fewer readers.
const ENOUGH_TENANTS: usize = 8;

/// Numbers that the settings fix; `None` means as many as the limit of open files allows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Configured {
    pub(crate) connections: Option<usize>,
    pub(crate) unauthenticated: Option<usize>,
    pub(crate) stores: Option<usize>,
}

/// The descriptors of the process and its fixed needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pub(crate) limit: usize,
    pub(crate) workers: usize,
    pub(crate) listeners: usize,
    /// Whether probes have a listener of their own.
    pub(crate) has_probes: bool,
    /// Each keeps its registry open.
    pub(crate) regions: usize,
    pub(crate) read_connections: usize,
}

/// The division of the descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) connections: usize,
    pub(crate) unauthenticated: usize,
    pub(crate) stores: usize,
    pub(crate) read_connections: usize,
}

impl Shares {
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { all: self.connections, unauthenticated: self.unauthenticated }
    }
}

/// Raises the limit of open files as far as the system allows and returns it.
pub(crate) fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            warn!(%error, "the limit of open files could not be raised");
            limit.current
        }
    };
    current.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Divides the descriptors and logs the result.
///
/// # Errors
/// One sentence with the settings and numbers that do not fit.
pub(crate) fn share_out(process: Process, configured: Configured) -> Result<Shares, String> {
    let shares = shares(process, configured)?;
    info!(
        open_files = process.limit,
        max_open = shares.stores,
        read_connections = shares.read_connections,
        max_connections = shares.connections,
        max_unauthenticated = shares.unauthenticated,
        "file descriptors are shared out"
    );
    Ok(shares)
}

/// The limit, raised as far as the system allows, and the division that these settings would get, without a log line.
///
/// # Errors
/// One sentence with the settings and numbers that do not fit.
pub(crate) fn fit(settings: &Settings) -> Result<(usize, Shares), String> {
    let process = Process::of(settings, settings.admin.listen.is_some(), settings.health.listen.is_some());
    shares(process, Configured::of(settings)).map(|shares| (process.limit, shares))
}

/// HTTP workers where the settings name no number.
pub(crate) fn one_a_core() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

impl Configured {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            connections: settings.server.max_connections,
            unauthenticated: settings.server.max_unauthenticated,
            stores: settings.store.max_open,
        }
    }
}

fn shares(process: Process, configured: Configured) -> Result<Shares, String> {
    if let Some(stores) = configured.stores.filter(|stores| *stores <= process.regions) {
        return Err(format!(
            "settings: store.max_open is {stores}, and must be more than the {} served regions (serve_regions), each of which \
             keeps its registry open",
            process.regions
        ));
    }
    // Configured numbers are met or refused. The number of readers is lowered only if `store.max_open` is not configured.
    let fewest_readers = if configured.stores.is_some() { process.read_connections } else { 1 };
    let mut tried = (fewest_readers..=process.read_connections).rev().map(|readers| {
        let shares = process.share_with(readers, configured);
        shares.map(|shares| (shares.stores >= process.regions + ENOUGH_TENANTS, shares))
    });
    let mut best = Err(process.cannot_fit(configured));
    for shares in &mut tried {
        match shares {
            Some((true, shares)) => return Ok(shares),
            Some((false, shares)) => best = Ok(shares),
            None => {}
        }
    }
    best
}

impl Process {
    /// This process with these settings, its limit raised; staff and probes may have listeners of their own.
    pub(crate) fn of(settings: &Settings, has_admin: bool, has_probes: bool) -> Self {
        Self {
            limit: raise_limit(),
            workers: settings.server.workers.unwrap_or_else(one_a_core),
            listeners: if has_admin { 2 } else { 1 },
            has_probes,
            regions: settings.regions.len(),
            read_connections: usize::try_from(settings.store.read_connections).unwrap_or(usize::MAX),
        }
    }

    fn reserved(&self) -> usize {
        let probes = if self.has_probes { OF_PROBES } else { 0 };
        let others = OF_ANOTHER_LISTENER * self.listeners.saturating_sub(1) + probes;
        STANDING + OF_A_WORKER * self.workers + others + METRICS_CONNECTIONS + PASSING + NEWCOMERS
    }

    /// `None` when it does not fit.
    fn share_with(&self, read_connections: usize, configured: Configured) -> Option<Shares> {
        let of_one = of_a_store(read_connections);
        let fewest_stores = configured.stores.unwrap_or(self.regions + 1);
        let free =
            self.limit.checked_sub(self.reserved())?.checked_sub(of_one.checked_mul(fewest_stores)?)?;
        let connections =
            configured.connections.unwrap_or_else(|| (free / 2).clamp(FEWEST_CONNECTIONS, MOST_CONNECTIONS));
        let more = free.checked_sub(connections)? / of_one;
        let stores =
            configured.stores.unwrap_or_else(|| (fewest_stores + more).min(MOST_STORES.max(fewest_stores)));
        let unauthenticated = configured.unauthenticated.unwrap_or((connections / 2).max(1)).min(connections);
        Some(Shares { connections, unauthenticated, stores, read_connections })
    }

    fn cannot_fit(&self, configured: Configured) -> String {
        let readers = if configured.stores.is_some() { self.read_connections } else { 1 };
        let stores = configured.stores.unwrap_or(self.regions + 1);
        let connections = configured.connections.unwrap_or(FEWEST_CONNECTIONS);
        let needed = stores.saturating_mul(of_a_store(readers)).saturating_add(connections + self.reserved());
        format!(
            "settings: {stores} open stores (store.max_open; {} file descriptors each at store.read_connections {readers}), \
             {connections} connections (server.max_connections) and {} for the process itself need {needed} file \
             descriptors, and the limit of open files is {}: raise it (ulimit -Hn, LimitNOFILE=), or lower these or the \
             {} served regions (serve_regions)",
            of_a_store(readers),
            self.reserved(),
            self.limit,
            self.regions,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(limit: usize) -> Process {
        Process { limit, workers: 2, listeners: 1, has_probes: false, regions: 5, read_connections: 4 }
    }

    fn needed(process: Process, shares: Shares) -> usize {
        process.reserved() + shares.connections + shares.stores * of_a_store(shares.read_connections)
    }

    #[test]
    fn what_is_shared_out_fits_and_leaves_some_for_everybody() {
        for limit in (96..1024).chain([1024, 4096, 20_000, 1 << 20, usize::MAX]) {
            let process = process(limit);
            let Ok(shares) = shares(process, Configured::default()) else {
                assert!(limit < 128, "{limit} is enough");
                continue;
            };
            assert!(needed(process, shares) <= limit, "{limit}: {shares:?}");
            assert!(shares.stores > process.regions && shares.connections >= FEWEST_CONNECTIONS);
            assert!((1..=shares.connections).contains(&shares.unauthenticated), "{limit}: {shares:?}");
            assert!((1..=4).contains(&shares.read_connections));
        }
        let plenty = shares(process(1 << 20), Configured::default()).unwrap();
        let most = Shares { connections: 4096, unauthenticated: 2048, stores: 512, read_connections: 4 };
        assert_eq!(plenty, most);
        assert!(shares(Process { regions: 1, ..process(64) }, Configured::default()).is_ok());
    }

    #[test]
    fn what_was_asked_for_is_given_or_refused_with_the_keys_and_the_numbers() {
        let configured = Configured { stores: Some(512), ..Configured::default() };
        assert_eq!(shares(process(20_000), configured).unwrap().stores, 512);
        for (limit, configured) in [
            (1024, configured),
            (1024, Configured { connections: Some(1000), ..Configured::default() }),
            (40, Configured::default()),
            (1024, Configured { stores: Some(usize::MAX), ..Configured::default() }),
        ] {
            let refused = shares(process(limit), configured).unwrap_err();
            let named =
                ["store.max_open", "server.max_connections", "store.read_connections", "serve_regions"];
            assert!(named.iter().all(|key| refused.contains(key)), "{refused}");
            assert!(refused.contains(&limit.to_string()), "{refused}");
        }
        let refused =
            shares(process(1024), Configured { stores: Some(5), ..Configured::default() }).unwrap_err();
        assert!(refused.contains("store.max_open") && refused.contains("serve_regions"), "{refused}");
    }
}
