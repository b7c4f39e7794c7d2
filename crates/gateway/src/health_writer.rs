//! Writes down what identity providers have sent, and how their tenants are. The row of a tenant is written at most once a minute, and only
//! if it says something new; one that comes earlier, because staff ask or change something, waits until then.

use std::{sync::Arc, time::Duration};

use provisioning::health;
use staff::{Health, Look};
use store::{Store, StoreError, WriteTx};
use tenant_registry::{CompanyKey, RegionCode, Registry, RegistryError, Tenant};
use tracing::{debug, warn};

use crate::{api_error::ApiError, app::App};

/// How often this process looks which tenants are to be written.
const EVERY: Duration = Duration::from_secs(1);

/// A store that was woken to write is let rest so many times more, a second apart: it may have been in use the first time, and of ten
/// thousand tenants that are asked in turn one in twenty is asked within the moment after the closing, which wakes it again. One that is
/// written to meanwhile is opened so often anew.
const RESTS: u32 = 3;

/// Writes until the process ends.
pub(crate) async fn go_on(app: Arc<App>) {
    let write = async {
        loop {
            tokio::time::sleep(EVERY).await;
            write_due(&app).await;
        }
    };
    // Beside it: when ten thousand tenants are due, that takes long, and the stores that it wakes would be too many.
    let rest = async {
        loop {
            tokio::time::sleep(EVERY).await;
            let_rest(&app).await;
        }
    };
    tokio::join!(write, rest);
}

async fn let_rest(app: &App) {
    for (location, rests) in app.traffic.take_woken() {
        app.stores.let_rest(&location).await;
        if rests > 1 {
            app.traffic.note_woken(location, rests - 1);
        }
    }
}

async fn write_due(app: &App) {
    let now_ms = app.stores.clock().now_ms();
    for region in app.traffic.with_wrong_secrets(now_ms) {
        if let Err(error) = write_wrong_secrets(app, &region).await {
            debug!(%region, %error, "wrong secrets could not be noted");
        }
    }
    look_at_touched(app).await;
    for tenant in app.traffic.due(now_ms) {
        write(app, &tenant).await;
    }
}

async fn look_at_touched(app: &App) {
    for (region, key) in app.traffic.take_touched() {
        if let Err(error) = look(app, &region, &key).await {
            tell(&region, &key, &error);
        }
    }
}

/// Writes all that waits: the process ends.
pub(crate) async fn write_all(app: &App) {
    look_at_touched(app).await;
    for tenant in app.traffic.all() {
        write(app, &tenant).await;
    }
}

async fn write(app: &App, tenant: &Arc<Tenant>) {
    let written = async {
        let registry = app.registry(&tenant.region)?;
        // As the tenant is now: the one that called may have had other settings, or is another one's by now.
        let current = Arc::new(registry.tenant(&tenant.company_key).await?);
        if current.id != tenant.id {
            return Err(StoreError::Missing.into());
        }
        let place = Place { registry, tenant: current };
        if let Some(row) = add(app, &place).await?.row {
            place.registry.write_verdict(&place.tenant.id, &row).await?;
        }
        Ok::<_, ApiError>(())
    };
    if let Err(error) = written.await {
        if is_gone(&error) {
            drop(app.traffic.take(&tenant.id));
        }
        look_again(app, &tenant.region, &tenant.company_key, &error);
        tell(&tenant.region, &tenant.company_key, &error);
    }
}

/// A tenant and the registry that it is in.
struct Place {
    registry: Arc<Registry>,
    tenant: Arc<Tenant>,
}

/// How a tenant is, after all that this process knows of it is written down. Its row in the registry follows, now or within a minute.
///
/// # Errors
/// No such tenant; when a store fails.
pub(crate) async fn look(app: &App, region: &RegionCode, key: &CompanyKey) -> Result<Health, ApiError> {
    let looked = async {
        let registry = app.registry(region)?;
        write_wrong_secrets(app, region).await?;
        let place = Place { tenant: Arc::new(registry.tenant(key).await?), registry };
        let began_ms = app.stores.clock().now_ms();
        let Look { health, row } = add(app, &place).await?;
        if let Some(row) = row
            && app.traffic.may_write_row(&place.tenant, began_ms)
        {
            place.registry.write_verdict(&place.tenant.id, &row).await?;
        }
        Ok::<_, ApiError>(health)
    };
    looked.await.inspect_err(|error| look_again(app, region, key, error))
}

/// Adds the traffic that waits to what the tenant's store has, and looks at the tenant.
async fn add(app: &App, place: &Place) -> Result<Look, ApiError> {
    let Place { registry, tenant } = place;
    let store = registry.store_of(tenant).await?.in_background();
    let woken = store.is_at_rest().then(|| store.location().clone());
    let look = add_to(app, place, &store).await;
    drop(store);
    // Else each tenant that calls would have connections of its own, because of a write a minute.
    if let Some(location) = woken {
        app.stores.let_rest(&location).await;
        app.traffic.note_woken(location, RESTS);
    }
    look
}

async fn add_to(app: &App, place: &Place, store: &Store) -> Result<Look, ApiError> {
    let Place { registry, tenant } = place;
    let rules = app.rules.of(registry, tenant, || app.base(tenant), store).await?;
    {
        let _in_order = app.adding_traffic.lock().await;
        let traffic = app.traffic.take(&tenant.id);
        if !traffic.is_empty() {
            let newer = Arc::new(traffic.clone());
            let add = move |tx: &mut WriteTx<'_>| Ok::<_, ApiError>(health::add(tx, &newer)?);
            if let Err(error) = store.write(add).await {
                app.traffic.put_back(tenant, traffic);
                return Err(error);
            }
        }
    }
    let contact = app.contact_about_seats(tenant, &rules).to_owned();
    Ok(staff::health(registry, &tenant.company_key, store, &rules, contact).await?)
}

async fn write_wrong_secrets(app: &App, region: &RegionCode) -> Result<(), ApiError> {
    let _in_order = app.adding_traffic.lock().await;
    let newer = app.traffic.take_wrong_secrets(region);
    if newer.is_empty() {
        return Ok(());
    }
    Ok(app.registry(region)?.note_wrong_secrets(newer).await?)
}

/// Whether the tenant was deleted, or is somewhere else by now.
fn is_gone(error: &ApiError) -> bool {
    let is_deleted =
        matches!(error, ApiError::Registry(RegistryError::NoTenant(_) | RegistryError::BeingDeleted(_)));
    is_deleted || error.met_no_store()
}

/// Has a tenant looked at once more that could not be looked at, unless it is gone: nothing of it may be lost.
fn look_again(app: &App, region: &RegionCode, key: &CompanyKey, error: &ApiError) {
    if !is_gone(error) {
        app.traffic.touch(region.clone(), key.clone());
    }
}

/// Logs why a tenant could not be looked at.
fn tell(region: &RegionCode, key: &CompanyKey, error: &ApiError) {
    let tenant = format!("{region}/{key}");
    if is_gone(error) {
        debug!(tenant, "a tenant that is not here any more is not looked at");
        return;
    }
    if error.failure().status == 503 {
        debug!(tenant, %error, "the health of a tenant could not be written");
    } else {
        warn!(tenant, %error, "the health of a tenant could not be written");
    }
}
