//! Regions and tenants: create, list, show, set, activate, suspend, resume, delete.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Query},
};
use provisioning::{Feature, timestamp::iso};
use serde::Deserialize;
use serde_json::{Value, json};
use staff::{NewTenant, TenantChange};
use tenant_registry::{CompanyKey, Tenant, TenantState};

use super::{
    Problem,
    acts::{Acts, OfRegion},
    body::Body,
    query::Page,
    response::{json, list, with},
};
use crate::app::App;

pub(super) fn tenant_json(app: &App, tenant: &Tenant) -> Value {
    json!({
        "region": tenant.region,
        "key": tenant.company_key,
        "name": tenant.name,
        "state": tenant.state,
        "provisioning": tenant.provisioning(),
        "plan": tenant.settings.plan,
        "features": features(tenant),
        "profile": tenant.profile,
        "mode": tenant.settings.mode,
        "settings": tenant.settings,
        "location": tenant.location,
        "rate": tenant.settings.rate,
        "base_url": app.base(tenant).0,
        "created": iso(tenant.created_ms),
    })
}

/// Each feature, with whether it is on.
fn features(tenant: &Tenant) -> Value {
    let is_on = |feature: &Feature| !tenant.settings.features_off.contains(feature.name());
    Feature::ALL.iter().map(|feature| (feature.name().to_owned(), Value::from(is_on(feature)))).collect()
}

pub(super) async fn regions(app: Data<App>) -> HttpResponse {
    list(app.settings.regions.iter().zip(app.regions.all()).map(|((code, region), (_, why))| {
        json!({
            "code": code,
            "name": region.name,
            "base_url": region.base_url.as_ref().map(ToString::to_string),
            "served": why.is_none(),
            "why": why,
        })
    }))
}

/// In order of company key.
pub(super) async fn all(
    app: Data<App>,
    region: OfRegion,
    Query(page): Query<Page>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let after = page.after.as_deref().map(CompanyKey::new).transpose()?;
    let tenants = region.registry.page(after, page.limit() + 1).await?;
    let elements = tenants.iter().map(|tenant| tenant_json(&app, tenant)).collect();
    Ok(page.answer(elements, "key", request.path()))
}

pub(super) async fn create(
    app: Data<App>,
    region: OfRegion,
    Body(new): Body<NewTenant>,
) -> Result<HttpResponse, Problem> {
    // Creation and deletion run in tasks of their own, so that they are completed when the client disconnects.
    let creation = actix_web::rt::spawn(staff::create(region.registry, new, region.act));
    let tenant = creation
        .await
        .map_err(|_| Problem::new(500, "The creation broke off; delete the tenant and create it again."))??;
    Ok(json(201, &tenant_json(&app, &tenant)))
}

/// Shows the tenant, the names that its identity provider sends and no schema knows, and how many bytes its store holds, or why the store
/// cannot be read.
pub(super) async fn show(app: Data<App>, acts: Acts) -> Result<HttpResponse, Problem> {
    let tenant = acts.tenant().await?;
    let body = with(tenant_json(&app, &tenant), [("dropped", json!(app.dropped.of(tenant.id.as_str())))]);
    Ok(json(
        200,
        &match acts.bytes_in_use(&tenant).await {
            Ok(bytes) => with(body, [("bytes_in_use", bytes.into())]),
            Err(error) => {
                with(body, [("bytes_in_use", Value::Null), ("store_error", format!("{error}.").into())])
            }
        },
    ))
}

pub(super) async fn set(
    app: Data<App>,
    acts: Acts,
    Body(change): Body<TenantChange>,
) -> Result<HttpResponse, Problem> {
    let acts = acts.clone();
    // What was begun is completed, also when the client disconnects.
    let changing = actix_web::rt::spawn(async move { acts.change(change).await });
    let tenant = changing.await.map_err(|_| Problem::new(500, "The change broke off; make it again."))??;
    Ok(json(200, &tenant_json(&app, &tenant)))
}

/// `{"name": count}`: attributes that this tenant's identity provider sends and no schema knows, since the start of this process.
pub(super) async fn dropped(app: Data<App>, acts: Acts) -> Result<HttpResponse, Problem> {
    let tenant = acts.tenant().await?;
    Ok(json(200, &app.dropped.of(tenant.id.as_str())))
}

/// The body of an act that needs none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(super) async fn suspend(
    app: Data<App>,
    acts: Acts,
    _: Body<Option<Nothing>>,
) -> Result<HttpResponse, Problem> {
    Ok(json(200, &tenant_json(&app, &acts.set_state(TenantState::Suspended).await?)))
}

pub(super) async fn resume(
    app: Data<App>,
    acts: Acts,
    _: Body<Option<Nothing>>,
) -> Result<HttpResponse, Problem> {
    Ok(json(200, &tenant_json(&app, &acts.set_state(TenantState::Active).await?)))
}

pub(super) async fn activate(
    app: Data<App>,
    acts: Acts,
    _: Body<Option<Nothing>>,
) -> Result<HttpResponse, Problem> {
    Ok(json(200, &tenant_json(&app, &acts.activate().await?)))
}

pub(super) async fn delete(acts: Acts) -> Result<HttpResponse, Problem> {
    let deletion = actix_web::rt::spawn(async move { acts.delete().await });
    deletion.await.map_err(|_| Problem::new(500, "The deletion broke off; delete the tenant again."))??;
    Ok(HttpResponse::NoContent().finish())
}
