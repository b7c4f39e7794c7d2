//! The tick: the one background job. Once a minute it carries out what has fallen due in tenants' stores: dates, delays, grace. The
//! registry says of which tenants something is due, so idle stores stay closed. In each region one process ticks at a time.

use std::{sync::Arc, time::Duration};

use provisioning::{
    Rules,
    due::{self, CarriedOut},
    log,
};
use serde::Serialize;
use store::{ReadTx, Store, WriteTx};
use tenant_registry::{DueTenant, Registry};
use tracing::{info, warn};

use crate::{api_error::ApiError, app::App, breaker, expiry, request_id};

/// How often.
const EVERY: Duration = Duration::from_secs(60);

/// Every so many ticks this process counts the credentials that end soon.
const EXPIRIES_EVERY: usize = 15;

/// Tenants that are read from the registry at a time.
const PAGE: i64 = 200;

/// How often, and how many times, a tick that staff ask for looks whether another process has ended its own.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS: u32 = 100;

/// What one tick has done.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Ticked {
    /// Tenants whose store was looked into.
    tenants: usize,
    /// Seats that moved.
    seats: usize,
    /// People who were suspended or deleted, because they are in no group.
    people: usize,
    /// Tenants of which it could not be carried out; the next tick tries again.
    failed: usize,
}

impl Ticked {
    fn add(&mut self, done: &CarriedOut) {
        self.seats += done.seats;
        self.people += done.people;
    }

    fn add_all(&mut self, other: Self) {
        self.tenants += other.tenants;
        self.seats += other.seats;
        self.people += other.people;
        self.failed += other.failed;
    }
}

/// Ticks once a minute until the process ends.
pub(crate) async fn go_on(app: Arc<App>) {
    for ticks in (0..EXPIRIES_EVERY).cycle() {
        tokio::time::sleep(EVERY).await;
        for registry in app.regions.registries().filter_map(Result::ok) {
            if let Err(error) = region(&app, &registry).await {
                warn!(region = %registry.region(), %error, "the registry could not be asked what is due");
            }
            if ticks == 0
                && let Err(error) = expiry::look(&app.metrics, &registry).await
            {
                warn!(region = %registry.region(), %error, "credentials that expire soon could not be looked for");
            }
        }
    }
}

/// Ticks now, in every region that this process serves.
///
/// # Errors
/// When a registry fails; `Busy` when another process does not end its own tick.
pub(crate) async fn now(app: &App) -> Result<Ticked, ApiError> {
    let mut all = Ticked::default();
    for registry in app.regions.registries() {
        let registry = registry.map_err(ApiError::RegionDown)?;
        let mut looks = 0;
        let done = loop {
            match region(app, &registry).await? {
                Some(done) => break done,
                None if looks < LOOKS => tokio::time::sleep(LOOK_EVERY).await,
                None => return Err(store::StoreError::Busy.into()),
            }
            looks += 1;
        };
        all.add_all(done);
        expiry::look(&app.metrics, &registry).await?;
    }
    Ok(all)
}

/// One tick of a region; `None` while another process ticks.
async fn region(app: &App, registry: &Registry) -> Result<Option<Ticked>, ApiError> {
    let _alone = app.ticking.lock().await;
    let mut page = registry.due_tenants(None, PAGE).await?;
    if page.is_empty() {
        return Ok(Some(Ticked::default()));
    }
    if !registry.take_tick().await? {
        return Ok(None);
    }
    // What another process has done meanwhile is not due any more.
    page = registry.due_tenants(None, PAGE).await?;
    let (mut done, request_id) = (Ticked::default(), request_id::new());
    while let Some(last) = page.last().cloned() {
        for due in &page {
            done.tenants += 1;
            let kept = registry.take_tick().await?;
            match tenant(app, registry, due, &request_id, &mut done).await {
                _ if !kept => return Ok(None),
                Ok(()) => {}
                Err(error) => {
                    done.failed += 1;
                    let tenant = due.tenant.region_and_key();
                    warn!(request_id, tenant, %error, "what is due could not be carried out");
                }
            }
        }
        page = registry.due_tenants(Some(&last.tenant.id), PAGE).await?;
    }
    registry.end_tick().await?;
    if done.seats + done.people > 0 {
        let Ticked { tenants, seats, people, .. } = done;
        info!(request_id, region = %registry.region(), tenants, seats, people, "what was due is carried out");
    }
    Ok(Some(done))
}

/// Carries out what is due in one tenant, and tells the registry what is next.
async fn tenant(
    app: &App,
    registry: &Registry,
    due: &DueTenant,
    request_id: &str,
    done: &mut Ticked,
) -> Result<(), ApiError> {
    let tenant = Arc::new(due.tenant.clone());
    let store = registry.store_of(&tenant).await?.in_background();
    loop {
        let rules = app.rules.of(registry, &tenant, || app.base(&tenant), &store).await?;
        let (id, limit) = (request_id.to_owned(), app.settings.limits.refusals_before_hold.into());
        let by = Arc::clone(&rules);
        let work = move |tx: &mut WriteTx<'_>| Ok::<_, ApiError>(due::carry_out(tx, &by, limit, &id)?);
        let step = match store.write(work).await {
            Err(error) if error.met_newer_schemas() => {
                app.rules.forget(&tenant);
                continue;
            }
            step => step?,
        };
        done.add(&step);
        for held in &step.held {
            breaker::count(&app.metrics, &tenant, *held, request_id);
        }
        // Of people some hundreds are done with at a time, of rows some thousands.
        if step.people + step.log_rows == 0 {
            hash_names(&store, &rules).await?;
            // What was done may begin or end a finding.
            app.traffic.touch(tenant.region.clone(), tenant.company_key.clone());
            return Ok(registry.set_next_due(due, step.next_ms).await?);
        }
    }
}

/// Hashes the names in a log that is to hold none.
async fn hash_names(store: &Store, rules: &Rules) -> Result<(), ApiError> {
    let people = rules.profile().log.people;
    let look = move |tx: &mut ReadTx<'_>| Ok::<_, ApiError>(log::segments_with_names(tx, people)?);
    for segment in store.read(look).await? {
        let hash = move |tx: &mut WriteTx<'_>| Ok::<_, ApiError>(log::hash_names(tx, segment)?);
        store.write(hash).await?;
    }
    Ok(())
}
