//! Lists: `GET` of a collection or of the base URL, and the same by POST to `.search` (RFC 7644 §3.4.2 and §3.4.3), by index or
//! by cursor (RFC 9865).

mod cursor;
mod requested_page;

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, Instant},
};

use provisioning::{
    ProvisioningError, RequestContext, Rules,
    lists::{self, ListRequest, Part, Projections},
    walks::{Walk, Walks},
};
use scim_core::{ResourceKind, ScimError, leniency::Tolerance, list, search::SearchRequest};
use serde_json::json;
use store::ReadTx;
use tenant_registry::Tenant;

pub(super) use self::requested_page::RequestedPage;
use super::{
    body::Body, caller::Caller, entitlements, query::Query, refusal::explain, resources, response::Response,
};
use crate::{api_error::ApiError, app::App, shares::Answers};

/// A list by GET: of one kind, or of users and groups together.
pub(super) async fn get(
    app: &App,
    caller: Caller,
    kind: Option<ResourceKind>,
    query: Query,
    context: &mut RequestContext,
) -> Result<Response, ApiError> {
    answer(app, caller, kind, query.search, context).await
}

/// A list by POST. What the URL asks for beside the body would be ignored or contradict it, so it is refused.
pub(super) async fn search(
    app: &App,
    caller: Caller,
    kind: Option<ResourceKind>,
    query: Query,
    body: Option<Body>,
    context: &mut RequestContext,
) -> Result<Response, ApiError> {
    if !query.search.is_empty() {
        let detail = "Send the parameters of a search in its body, not in the URL.";
        return Err(ScimError::invalid_value(detail).into());
    }
    let read =
        |body, context: &mut RequestContext| Ok(SearchRequest::from_body(&body, &mut context.tolerance)?);
    let body = body.ok_or(ApiError::BodyBroken)?;
    let request = body.parse(app, &caller.tenant, context, read).await?.value;
    request.note_dialects(&mut context.tolerance);
    answer(app, caller, kind, request, context).await
}

async fn answer(
    app: &App,
    caller: Caller,
    kind: Option<ResourceKind>,
    request: SearchRequest,
    context: &mut RequestContext,
) -> Result<Response, ApiError> {
    let Caller { tenant, store, .. } = caller;
    let (rules, tolerance) = (Arc::clone(&context.rules), &mut context.tolerance);
    let request = request.without_empty(tolerance)?;
    let parts = match kind {
        Some(kind) if kind.is_read_only() => {
            return entitlements::list(app, &store, kind, &request, context).await;
        }
        Some(kind) => vec![part(&rules, kind, &[], &request, tolerance)?],
        None => both(&rules, &request, tolerance)?,
    };
    let projections =
        Projections { user: request.projection(&rules.user)?, group: request.projection(&rules.group)? };
    let paging = request.paging(app.settings.limits.max_results)?;
    // A filter looks for somebody; without one, all are read.
    for part in parts.iter().filter(|part| part.filter.is_none()) {
        let allowed = rules.features.require_list(part.kind, paging.count());
        allowed.map_err(|error| explain(app, &tenant, context, "", ProvisioningError::from(error).into()))?;
    }
    let requested = RequestedPage::of(app, &store, paging, || query_text(kind, &parts)).await?;
    let walks = Arc::clone(&app.walks);
    let (answers, time) = (app.shares.answers(), app.settings.limits.search_seconds.0);
    let for_whom = Arc::clone(&tenant);
    let search =
        Search { rules, kind, parts, requested, projections, walks, time, answers, tenant: for_whom };
    let query = || search.query();
    let small = search.request_within(&query, &|| false, &|_| true);
    let (is_look_up, may_be_short) = (small.is_look_up(), small.may_be_short());
    let work = Arc::new(move |tx: &mut ReadTx<'_>| search.run(tx));
    if is_look_up || may_be_short {
        return resources::read(app, &store, &tenant, is_look_up, work).await;
    }
    resources::read_large(app, &store, &tenant, work).await
}

/// One search, which knows all that it needs beside the store.
struct Search {
    rules: Arc<Rules>,
    kind: Option<ResourceKind>,
    parts: Vec<Part>,
    requested: RequestedPage,
    projections: Projections,
    walks: Arc<Walks>,
    /// How long it may go on.
    time: Duration,
    answers: Answers,
    tenant: Arc<Tenant>,
}

impl Search {
    fn run(&self, tx: &mut ReadTx<'_>) -> Result<Response, ApiError> {
        let (began, room) = (Instant::now(), RefCell::new(self.answers.room(&self.tenant)));
        let is_over = || began.elapsed() >= self.time;
        let has_room = |bytes| room.borrow_mut().fits(bytes);
        let query = || self.query();
        let requested = self.request_within(&query, &is_over, &has_room);
        let listed = lists::list(tx, &self.rules, &requested)?;
        let text = list::list_text(listed.total, &self.requested.position(&listed.ends), &listed.texts);
        Ok(Response { room: room.into_inner().held(), ..Response::ok(text) })
    }

    /// By which a walk knows the list.
    fn query(&self) -> String {
        query_text(self.kind, &self.parts)
    }

    fn request_within<'a>(
        &'a self,
        query: &'a dyn Fn() -> String,
        is_over: &'a dyn Fn() -> bool,
        has_room: &'a dyn Fn(usize) -> bool,
    ) -> ListRequest<'a> {
        ListRequest {
            parts: &self.parts,
            request: self.requested.request(),
            projections: &self.projections,
            walk: Some(Walk { walks: &self.walks, tenant: self.tenant.id.as_str(), query }),
            is_over,
            has_room,
        }
    }
}

/// What is searched of one type, which may be listed together with others.
fn part(
    rules: &Rules,
    kind: ResourceKind,
    others: &[ResourceKind],
    request: &SearchRequest,
    tolerance: &mut Tolerance,
) -> Result<Part, ScimError> {
    let others: Vec<_> = others.iter().map(|kind| rules.resource_type(*kind)).collect();
    let filter = request.filter(rules.resource_type(kind), &others, tolerance)?;
    let sort = request.sort(rules.resource_type(kind), &others, tolerance)?;
    Ok(Part { kind, filter, sort })
}

/// Both types, or the one that can have a match, or none.
fn both(rules: &Rules, request: &SearchRequest, tolerance: &mut Tolerance) -> Result<Vec<Part>, ScimError> {
    let users = part(rules, ResourceKind::User, &[ResourceKind::Group], request, tolerance)?;
    let groups = part(rules, ResourceKind::Group, &[ResourceKind::User], request, tolerance)?;
    Ok([users, groups].into_iter().filter_map(|part| part.reduced(rules)).collect())
}

/// The query that a cursor is bound to: types, parsed filter and sort. Its spelling does not matter.
fn query_text(kind: Option<ResourceKind>, parts: &[Part]) -> String {
    let of = |part: &Part| {
        let filter = part.filter.as_ref().map(ToString::to_string);
        let sort = part.sort.as_ref().map(ToString::to_string);
        json!([format!("{:?}", part.kind), filter, sort])
    };
    json!([format!("{kind:?}"), parts.iter().map(of).collect::<Vec<_>>()]).to_string()
}
