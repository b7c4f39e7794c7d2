//! Lists: `GET` of a collection or of the base URL, and the same by POST to `.search` (RFC 7644 §3.4.2 and §3.4.3), by index or
//! by cursor (RFC 9865).

mod asked;
mod cursor;

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, Instant},
};

use provisioning::{
    Rules,
    lists::{self, ListRequest, Part, Projections},
};
use scim_core::{ResourceKind, ScimError, leniency::Tolerance, list, search::SearchRequest};
use serde_json::json;
use store::ReadTx;
use tenant_registry::Tenant;

pub(super) use self::asked::Asked;
use super::{
    answer::Answer, body::Body, caller::Caller, endpoint::Scope, entitlements, query::Query, resources,
};
use crate::{api_error::ApiError, app::App, shares::Answers};

/// A list by GET.
pub(super) async fn get(
    app: &App,
    caller: Caller,
    scope: Scope,
    query: Query,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    answer(app, caller, scope, query.search, tolerance).await
}

/// A list by POST. What the URL asks for beside the body would be ignored or contradict it, so it is refused.
pub(super) async fn search(
    app: &App,
    caller: Caller,
    scope: Scope,
    (query, body): (Query, Body),
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    if !query.search.is_empty() {
        let detail = "Send the parameters of a search in its body, not in the URL.";
        return Err(ScimError::invalid_value(detail).into());
    }
    let read = |body, _: &Rules, t: &mut Tolerance| Ok(SearchRequest::from_body(&body, t)?);
    let request = body.make(app, &caller, tolerance, read).await?.what;
    request.note_dialects(tolerance);
    answer(app, caller, scope, request, tolerance).await
}

async fn answer(
    app: &App,
    caller: Caller,
    scope: Scope,
    request: SearchRequest,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let request = request.without_empty(tolerance)?;
    let parts = match scope {
        Scope::Entitlements(kind) => {
            return entitlements::list(app, caller, kind.into(), &request, tolerance).await;
        }
        Scope::Of(kind) => vec![part(&caller.rules, kind.into(), &[], &request, tolerance)?],
        Scope::All => both(&caller.rules, &request, tolerance)?,
    };
    let projections = Projections {
        user: request.projection(&caller.rules.user)?,
        group: request.projection(&caller.rules.group)?,
    };
    let Caller { rules, store, tenant, .. } = caller;
    let paging = request.paging(app.settings.max_results)?;
    let asked = Asked::of(app, &store, paging, &query_text(scope, &parts)).await?;
    let (answers, time) = (app.shares.answers(), app.settings.search_time);
    let for_whom = Arc::clone(&tenant);
    let search = Search { rules, parts, asked, projections, time, answers, tenant: for_whom };
    let small = search.asked_within(&|| false, &|_| true);
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
    parts: Vec<Part>,
    asked: Asked,
    projections: Projections,
    /// How long it may go on.
    time: Duration,
    answers: Answers,
    tenant: Arc<Tenant>,
}

impl Search {
    fn run(&self, tx: &mut ReadTx<'_>) -> Result<Answer, ApiError> {
        let (began, room) = (Instant::now(), RefCell::new(self.answers.room(&self.tenant)));
        let is_over = || began.elapsed() >= self.time;
        let has_room = |bytes| room.borrow_mut().fits(bytes);
        let asked = self.asked_within(&is_over, &has_room);
        let listed = lists::list(tx, &self.rules, &asked)?;
        let text = list::list_text(listed.total, &self.asked.place(&listed.ends), &listed.texts);
        Ok(Answer { room: room.into_inner().held(), ..Answer::ok(text) })
    }

    fn asked_within<'a>(
        &'a self,
        is_over: &'a dyn Fn() -> bool,
        has_room: &'a dyn Fn(usize) -> bool,
    ) -> ListRequest<'a> {
        ListRequest {
            parts: &self.parts,
            request: self.asked.request(),
            projections: &self.projections,
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

/// What a cursor is bound to beside its tenant: which types, which of them, in which order. Two spellings of one query are one.
fn query_text(scope: Scope, parts: &[Part]) -> String {
    let of = |part: &Part| {
        let filter = part.filter.as_ref().map(ToString::to_string);
        let sort = part.sort.as_ref().map(ToString::to_string);
        json!([format!("{:?}", part.kind), filter, sort])
    };
    json!([format!("{scope:?}"), parts.iter().map(of).collect::<Vec<_>>()]).to_string()
}
