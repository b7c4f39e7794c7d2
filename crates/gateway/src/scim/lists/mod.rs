//! Lists: `GET` of a collection or of the base URL, and the same by POST to `.search` (RFC 7644 §3.4.2 and §3.4.3), by index or
//! by cursor (RFC 9865).

mod asked;
mod cursor;

use provisioning::{
    Rules,
    lists::{self, Part},
    render::Base,
    write::{Kind, View},
};
use scim_core::{ScimError, leniency::Tolerance, list, projection::Projection, search::SearchRequest};
use serde_json::{Value, json};
use store::ReadTx;

pub(super) use self::asked::Asked;
use super::{answer::Answer, caller::Caller, endpoint::Scope, entitlements, query::Query};
use crate::{api_error::ApiError, app::App};

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
    (query, body): (Query, &Value),
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    if !query.search.is_empty() {
        let detail = "Send the parameters of a search in its body, not in the URL.";
        return Err(ScimError::invalid_value(detail).into());
    }
    answer(app, caller, scope, SearchRequest::from_body(body)?, tolerance).await
}

async fn answer(
    app: &App,
    caller: Caller,
    scope: Scope,
    request: SearchRequest,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let parts = match scope {
        Scope::Entitlements(kind) => {
            return entitlements::list(app, caller, kind, &request, tolerance).await;
        }
        Scope::Of(kind) => vec![part(&caller.rules, kind, &[], &request, tolerance)?],
        Scope::All => both(&caller.rules, &request, tolerance)?,
    };
    let texts = Texts::of(&caller.rules, &request)?;
    let Caller { rules, base, store, .. } = caller;
    let paging = request.paging(app.settings.max_results)?;
    let asked = Asked::of(app, &store, paging, &query_text(scope, &parts)).await?;
    let look_up = lists::is_look_up(&parts, &asked.window());
    let work = move |tx: &mut ReadTx<'_>| {
        let listed = lists::list(tx, (&rules, &base), &parts, &asked.window(), texts.with_members())?;
        let texts = texts.make(&rules, &base, &listed.views)?;
        Ok::<_, ApiError>(list::list_text(listed.total, &asked.place(&listed.ends), &texts))
    };
    let body = if look_up { store.look_up(work).await } else { store.read(work).await };
    Ok(Answer::ok(body?))
}

/// What is searched of one type, which may be listed together with others.
fn part(
    rules: &Rules,
    kind: Kind,
    others: &[Kind],
    request: &SearchRequest,
    tolerance: &mut Tolerance,
) -> Result<Part, ScimError> {
    let others: Vec<_> = others.iter().map(|kind| kind.of(rules)).collect();
    let filter = request.filter(kind.of(rules), &others, tolerance)?;
    let sort = request.sort(kind.of(rules), &others, tolerance)?;
    Ok(Part { kind, filter, sort })
}

/// Both types, or the one that can have a match, or none.
fn both(rules: &Rules, request: &SearchRequest, tolerance: &mut Tolerance) -> Result<Vec<Part>, ScimError> {
    let users = part(rules, Kind::User, &[Kind::Group], request, tolerance)?;
    let groups = part(rules, Kind::Group, &[Kind::User], request, tolerance)?;
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

/// How resources of each type are shown.
struct Texts {
    user: Projection,
    group: Projection,
}

impl Texts {
    fn of(rules: &Rules, request: &SearchRequest) -> Result<Self, ScimError> {
        Ok(Self { user: request.projection(&rules.user)?, group: request.projection(&rules.group)? })
    }

    fn with_members(&self) -> bool {
        self.group.wants("members")
    }

    fn make(&self, rules: &Rules, base: &Base, views: &[View]) -> Result<Vec<String>, ApiError> {
        let text = |view: &View| {
            let projection = match view {
                View::User(_) => &self.user,
                View::Group(_) => &self.group,
            };
            Ok(view.text(rules, base, projection)?)
        };
        views.iter().map(text).collect()
    }
}
