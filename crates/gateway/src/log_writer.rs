//! Writes what waits to be logged. Nothing of a refused write was stored, so such writes wait for a moment and are written together: an
//! identity provider that is refused two hundred times a second must not slow the others down.

use std::{iter, sync::Arc, time::Duration};

use futures_util::{
    StreamExt as _,
    stream::{self, FuturesUnordered},
};
use provisioning::log::record_refused;
use store::{StoreError, WriteTx};
use tenant_registry::RegistryError;
use tracing::{debug, warn};

use crate::{api_error::ApiError, app::App, refused_writes::Turn};

/// The pause between two times of writing.
const EVERY: Duration = Duration::from_millis(250);

/// The most rows of one transaction.
const ROWS_AT_ONCE: usize = 500;

/// The most tenants that are written at a time. A busy store takes some seconds, and only so many of them keep
/// others waiting; each holds a place among the open stores meanwhile.
const TENANTS_AT_ONCE: usize = 8;

/// Writes them several times a second until the process ends. Who is slow is not waited for.
pub(crate) async fn go_on(app: Arc<App>) {
    let mut looks = tokio::time::interval(EVERY);
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < TENANTS_AT_ONCE
            && let Some(turn) = app.refused.next_turn()
        {
            under_way.push(write_down(&app, turn));
        }
        tokio::select! {
            _ = looks.tick() => app.refused.line_up(),
            Some(()) = under_way.next() => {}
        }
    }
}

/// Writes all that wait, and waits for what [`go_on`] is writing: the process ends.
pub(crate) async fn write_all(app: &App) {
    // Once more for rows that came while others of their tenant were written.
    for _ in 0..2 {
        app.refused.line_up_at_the_end();
        let turns = stream::iter(iter::from_fn(|| app.refused.next_turn()));
        turns.for_each_concurrent(TENANTS_AT_ONCE, |turn| write_down(app, turn)).await;
        app.refused.until_nobody_has_a_turn().await;
    }
}

/// Writes what waits of one tenant, as far as its store takes it.
async fn write_down(app: &App, turn: Turn<'_>) {
    let Err(error) = write(app, &turn).await else { return };
    let tenant = turn.tenant().region_and_key();
    let is_gone =
        matches!(error, ApiError::Registry(RegistryError::NoTenant(_) | RegistryError::BeingDeleted(_)));
    if is_gone || error.met_no_store() {
        // The tenant is gone, or has moved with its log.
        debug!(tenant, "refused writes of a tenant that is not here any more are not logged");
        turn.forget();
        return;
    }
    let waits = turn.waits();
    if error.failure().status != 503 {
        warn!(tenant, waits, %error, "refused writes could not be written to the log");
    }
}

async fn write(app: &App, turn: &Turn<'_>) -> Result<(), ApiError> {
    let tenant = turn.tenant();
    let registry = app.registry(&tenant.region)?;
    // As the tenant is now: the one that was refused may have had another limit, which its store would be given again.
    let current = Arc::new(registry.tenant(&tenant.company_key).await?);
    if current.id != tenant.id {
        return Err(StoreError::Missing.into());
    }
    let store = registry.store_of(&current).await?.in_background();
    let rules = app.rules.of(&registry, &current, || app.base(&current), &store).await?;
    // Those that come meanwhile wait for the next turn, so that they are written together too.
    let mut left = turn.waits();
    while let Some(batch) = turn.batch(left.min(ROWS_AT_ONCE)) {
        let batch = Arc::new(batch);
        let (rules, new) = (Arc::clone(&rules), Arc::clone(&batch));
        let work =
            move |tx: &mut WriteTx<'_>| Ok::<_, ApiError>(record_refused(tx, &rules, &new.rows, new.lost)?);
        store.write(work).await?;
        turn.stored(&batch);
        left = left.saturating_sub(batch.rows.len());
        if left == 0 {
            break;
        }
    }
    Ok(())
}
