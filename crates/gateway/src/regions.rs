//! The regions that this process serves, each a boundary of failure. A region that cannot be opened answers 503, and the process
//! tries again every few seconds; the other regions are served meanwhile.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use prometheus::IntGaugeVec;
use provisioning::{TENANT_MIGRATIONS, take_all_turns};
use store::{CellStats, Stores};
use tenant_registry::{
    OnForget, RegionCode, RegionPlace, Registry, RegistryContext, RegistryError, RegistryPlace, TenantId,
};
use tracing::{error, info};

use crate::shared::{CACHE_TIME_ALONE, Caches, Forget, Outbox};

/// How often each region is checked: a failed one is opened again; of a served one, the registry's file must still be in place
/// and the disk reserve is refilled.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Checks between two counts of the stores that are behind: a count reads all tenants.
const CHECKS_A_COUNT: u32 = 15;

/// All regions of the process.
pub(crate) struct Regions {
    regions: BTreeMap<RegionCode, Region>,
    ground: Ground,
    /// Of regions that other processes may serve too.
    cache_time: Mutex<Duration>,
}

/// One region: where it is, and whether it is served from there.
struct Region {
    place: RegionPlace,
    state: RwLock<State>,
}

/// What every registry is opened with.
pub(crate) struct Ground {
    pub(crate) stores: Stores,
    /// By region: 1 while it is served.
    pub(crate) served: IntGaugeVec,
    /// By region: stores that lack a migration.
    pub(crate) behind: IntGaugeVec,
    /// Tells other processes which tenants staff have changed here.
    pub(crate) outbox: Option<Arc<Outbox>>,
}

#[derive(Clone)]
enum State {
    Served(Arc<Registry>),
    Down(RegionDown),
}

/// The connections to one PostgreSQL database.
pub(crate) struct CellInUse {
    pub(crate) region: RegionCode,
    pub(crate) cell: String,
    pub(crate) stats: CellStats,
}

/// Why a region is not served, for staff and for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("region {region} is not served: {why}")]
pub(crate) struct RegionDown {
    region: RegionCode,
    why: String,
    /// This version of the program will never serve it.
    is_beyond_this_version: bool,
}

impl Regions {
    /// Opens the registry of each of these regions.
    pub(crate) async fn open(
        places: impl Iterator<Item = (RegionCode, RegionPlace)>,
        ground: Ground,
    ) -> Self {
        let mut regions = BTreeMap::new();
        let cache_time = CACHE_TIME_ALONE;
        for (code, place) in places {
            let state = ground.open(&code, &place).await;
            if let State::Down(down) = &state {
                error!(region = %code, cause = down.why, "a region is not served");
            }
            limit_cache_time(&place, &state, cache_time);
            regions.insert(code, Region { place, state: RwLock::new(state) });
        }
        let regions = Self { regions, ground, cache_time: Mutex::new(cache_time) };
        for code in regions.regions.keys() {
            regions.settle_moves(code).await;
        }
        regions
    }

    /// Completes or undoes the moves that no process works on.
    async fn settle_moves(&self, code: &RegionCode) {
        if let Some(Ok(registry)) = self.get(code) {
            registry.settle_moves(|other| self.get(other)?.ok()).await;
        }
    }

    /// The registry of a region; `None` if the region is not configured.
    pub(crate) fn get(&self, code: &RegionCode) -> Option<Result<Arc<Registry>, RegionDown>> {
        Some(self.regions.get(code)?.registry())
    }

    /// A region that this version of the program will never serve: a newer one has left something in it that cannot be read.
    pub(crate) fn beyond_this_version(&self) -> Option<RegionDown> {
        let failures = self.registries().filter_map(Result::err);
        failures.into_iter().find(|down| down.is_beyond_this_version)
    }

    /// The registry of each region, in the order of their codes, or why it is not served.
    pub(crate) fn registries(&self) -> impl Iterator<Item = Result<Arc<Registry>, RegionDown>> {
        self.regions.values().map(Region::registry)
    }

    /// The failure of the region with this name, in any letter case; `None` if it is served or not configured.
    pub(crate) fn down(&self, name: &str) -> Option<RegionDown> {
        let (_, region) = self.regions.iter().find(|(code, _)| code.as_str().eq_ignore_ascii_case(name))?;
        match &*region.state() {
            State::Served(_) => None,
            State::Down(down) => Some(down.clone()),
        }
    }

    /// Each region; if it is not served, with the reason.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&RegionCode, Option<String>)> {
        self.regions.iter().map(|(code, region)| match &*region.state() {
            State::Served(_) => (code, None),
            State::Down(down) => (code, Some(down.why.clone())),
        })
    }

    /// The connections to each PostgreSQL database, by region and cell; `registry` is that of the registry.
    pub(crate) fn cells_in_use(&self) -> Vec<CellInUse> {
        let mut cells = Vec::new();
        for (code, region) in &self.regions {
            let of = |cell: &str, url| CellInUse {
                region: code.clone(),
                cell: cell.to_owned(),
                stats: self.ground.stores.cell_stats(url),
            };
            if let RegistryPlace::Database(url) = &region.place.registry {
                cells.push(of("registry", url));
            }
            cells.extend(region.place.cells.iter().map(|(name, cell)| of(name.as_str(), &cell.url)));
        }
        cells
    }

    /// Checks the regions again and again until the process ends.
    pub(crate) async fn look_after(&self) {
        for check in 0_u32.. {
            tokio::time::sleep(LOOK_EVERY).await;
            for (code, region) in &self.regions {
                self.look_at(code, region).await;
                self.settle_moves(code).await;
                if check.is_multiple_of(CHECKS_A_COUNT)
                    && let Some(Ok(registry)) = self.get(code)
                    && let Ok(behind) = registry.stores_behind().await
                {
                    self.ground.behind.with_label_values(&[code.as_str()]).set(behind);
                }
            }
        }
    }

    async fn look_at(&self, code: &RegionCode, region: &Region) {
        let before = region.state().clone();
        let known = match before {
            State::Served(registry) if registry.is_in_place() => {
                registry.fill_up_reserve().await;
                return registry.complete_abandoned().await;
            }
            State::Served(registry) => {
                registry.close().await;
                String::new()
            }
            State::Down(before) => before.why,
        };
        let now = self.ground.open(code, &region.place).await;
        match &now {
            State::Served(_) => info!(region = %code, "a region is served again"),
            State::Down(down) if down.why != known => {
                error!(region = %code, cause = down.why, "a region is not served");
            }
            State::Down(_) => {}
        }
        let cache_time = self.cache_time.lock().unwrap_or_else(PoisonError::into_inner);
        limit_cache_time(&region.place, &now, *cache_time);
        *region.state.write().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Caches for Regions {
    fn forget(&self, what: &Forget) {
        let Some(Ok(registry)) = self.get(&what.region) else { return };
        match &what.tenant {
            Some(tenant) => registry.forget(tenant),
            None => registry.forget_all(),
        }
    }

    fn forget_everything(&self) {
        self.regions.keys().for_each(|code| self.forget(&Forget { region: code.clone(), tenant: None }));
    }

    fn limit_cache_time(&self, longest: Duration) {
        // The lock is held, so that a region that is opened meanwhile gets this time too.
        let mut cache_time = self.cache_time.lock().unwrap_or_else(PoisonError::into_inner);
        *cache_time = longest;
        for region in self.regions.values() {
            limit_cache_time(&region.place, &region.state(), longest);
        }
    }
}

impl Region {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The registry, or why it is not served.
    fn registry(&self) -> Result<Arc<Registry>, RegionDown> {
        match &*self.state() {
            State::Served(registry) => Ok(Arc::clone(registry)),
            State::Down(down) => Err(down.clone()),
        }
    }
}

/// Other processes change only tenants of a registry that is in a database: a directory belongs to one process.
fn limit_cache_time(place: &RegionPlace, state: &State, longest: Duration) {
    if let (State::Served(registry), RegistryPlace::Database(_)) = (state, &place.registry) {
        registry.limit_cache_time(Some(longest));
    }
}

impl Ground {
    fn on_forget(&self, code: &RegionCode) -> OnForget {
        let Some(outbox) = self.outbox.clone() else { return Arc::new(|_| {}) };
        let region = code.clone();
        Arc::new(move |tenant: &TenantId| {
            outbox.put(Forget { region: region.clone(), tenant: Some(tenant.clone()) });
        })
    }

    async fn open(&self, code: &RegionCode, place: &RegionPlace) -> State {
        let context = RegistryContext {
            stores: &self.stores,
            tenant_migrations: TENANT_MIGRATIONS,
            take_all_turns,
            on_forget: self.on_forget(code),
            check_profile: staff::check_profile,
        };
        let opened = Registry::open(context, code.clone(), place.clone()).await;
        self.served.with_label_values(&[code.as_str()]).set(i64::from(opened.is_ok()));
        match opened {
            Ok(registry) => State::Served(Arc::new(registry)),
            Err(error) => State::Down(RegionDown {
                region: code.clone(),
                why: error.to_string(),
                is_beyond_this_version: matches!(error, RegistryError::UnreadableProfile(_)),
            }),
        }
    }
}
