//! Writes what waits to be logged. Nothing of a refused write was stored, so such writes wait for a moment and are written together: an
//! identity provider that is refused two hundred times a second must not slow the others down.

use std::{sync::Arc, time::Duration};

use provisioning::log::{Refused, record_refused};
use store::{StoreError, WriteTx};
use tenant_registry::{RegistryError, Tenant};
use tracing::{debug, warn};

use crate::{api_error::ApiError, app::App, refused_writes::Waiting};

/// The pause between two times of writing.
const EVERY: Duration = Duration::from_millis(250);

/// The most rows of one transaction.
const AT_ONCE: usize = 500;

/// Writes them several times a second until the process ends.
pub(crate) async fn go_on(app: Arc<App>) {
    loop {
        tokio::time::sleep(EVERY).await;
        write_all(&app).await;
    }
}

/// Writes all that wait.
pub(crate) async fn write_all(app: &App) {
    for (of, mut waiting) in app.refused.take_all() {
        let Err(error) = write(app, &of, &mut waiting).await else { continue };
        let tenant = of.region_and_key();
        let is_gone =
            matches!(error, ApiError::Registry(RegistryError::NoTenant(_) | RegistryError::BeingDeleted(_)));
        if is_gone || error.met_no_store() {
            // The tenant is gone, or has moved with its log.
            debug!(tenant, "refused writes of a tenant that is not here any more are not logged");
            continue;
        }
        let waits = waiting.rows.len();
        app.refused.put_back(of, waiting);
        if error.failure().status != 503 {
            warn!(tenant, waits, %error, "refused writes could not be written to the log");
        }
    }
}

async fn write(app: &App, tenant: &Arc<Tenant>, waiting: &mut Waiting) -> Result<(), ApiError> {
    let registry = app.registry(&tenant.region)?;
    // As the tenant is now: the one that was refused may have had another limit, which its store would be given again.
    let current = Arc::new(registry.tenant(&tenant.company_key).await?);
    if current.id != tenant.id {
        return Err(StoreError::Missing.into());
    }
    let store = registry.store_of(&current).await?.in_background();
    let rules = app.rules.of(&registry, &current, || app.base(&current), &store).await?;
    while !waiting.rows.is_empty() || waiting.lost > 0 {
        let number = waiting.rows.len().min(AT_ONCE);
        let rows: Arc<[Refused]> = waiting.rows.iter().take(number).cloned().collect();
        let (rules, lost) = (Arc::clone(&rules), waiting.lost);
        let work = move |tx: &mut WriteTx<'_>| Ok::<_, ApiError>(record_refused(tx, &rules, &rows, lost)?);
        store.write(work).await?;
        waiting.rows.drain(..number);
        waiting.lost = 0;
    }
    Ok(())
}
