//! GET of one resource (RFC 7644 §3.4.1): what HTTP adds to [`provisioning::view`].

use std::sync::Arc;

use actix_web::{HttpRequest, http::StatusCode};
use provisioning::{
    RequestContext, render,
    version::etag,
    view::{self, links_attribute},
};
use scim_core::ResourceKind;
use store::{ReadTx, Store};
use tenant_registry::Tenant;

use super::{caller::Caller, conditions::conditions, entitlements, query::Query, response::Response};
use crate::{api_error::ApiError, app::App};

pub(super) async fn get(
    app: &App,
    http: &HttpRequest,
    caller: Caller,
    query: &Query,
    kind: ResourceKind,
    id: String,
    context: &RequestContext,
) -> Result<Response, ApiError> {
    let (Caller { tenant, store, .. }, rules) = (caller, Arc::clone(&context.rules));
    let (conditions, projection) = (conditions(http), query.projection(rules.resource_type(kind))?);
    if kind.is_read_only() {
        return entitlements::get(&store, kind, id, projection, conditions, rules).await;
    }
    let work = move |tx: &mut ReadTx<'_>| {
        let with_links = projection.wants(links_attribute(kind));
        let view = view::get(tx, rules.product.licenses(), kind, &id, with_links)?;
        let etag = etag(view.version());
        conditions.check_read(&etag)?;
        if view.is_unchanged_for(&conditions, &projection) {
            return Ok(Response::empty(StatusCode::NOT_MODIFIED).with_etag(etag));
        }
        Ok::<_, ApiError>(Response::ok(render::text(&rules, &view, &projection)?).with_etag(etag))
    };
    // A group has many members more often than a user has many groups.
    read(app, &store, &tenant, kind == ResourceKind::User, Arc::new(work)).await
}

/// Runs a read where it was asked for, or on a thread that may block; where it turns out to be large, in the background, where
/// no other request waits for the thread.
pub(super) async fn read<W>(
    app: &App,
    store: &Store,
    tenant: &Arc<Tenant>,
    is_look_up: bool,
    work: Arc<W>,
) -> Result<Response, ApiError>
where
    W: Fn(&mut ReadTx<'_>) -> Result<Response, ApiError> + Send + Sync + 'static,
{
    let same = Arc::clone(&work);
    let small = move |tx: &mut ReadTx<'_>| tx.small(|tx| same(tx));
    let done = if is_look_up { store.look_up(small).await } else { store.read(small).await };
    match done {
        Err(error) if error.is_large_read() => read_large(app, store, tenant, work).await,
        done => done,
    }
}

/// Runs a read in the background.
pub(super) async fn read_large<W>(
    app: &App,
    store: &Store,
    tenant: &Arc<Tenant>,
    work: Arc<W>,
) -> Result<Response, ApiError>
where
    W: Fn(&mut ReadTx<'_>) -> Result<Response, ApiError> + Send + Sync + 'static,
{
    let turn = app.shares.work(tenant).await?;
    let work = move |tx: &mut ReadTx<'_>| {
        let _turn = turn;
        work(tx)
    };
    store.in_background().read(work).await
}
