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
    lists::{self, Listed, Part, Shown},
    render::Base,
    write::Kind,
};
use scim_core::{ScimError, leniency::Tolerance, list, search::SearchRequest};
use serde_json::json;
use store::ReadTx;

pub(super) use self::asked::Asked;
use super::{answer::Answer, body::Body, caller::Caller, endpoint::Scope, entitlements, query::Query};
use crate::{api_error::ApiError, app::App, shares::AnswerRoom};

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
            return entitlements::list(app, caller, kind, &request, tolerance).await;
        }
        Scope::Of(kind) => vec![part(&caller.rules, kind, &[], &request, tolerance)?],
        Scope::All => both(&caller.rules, &request, tolerance)?,
    };
    let shown = Shown {
        user: request.projection(&caller.rules.user)?,
        group: request.projection(&caller.rules.group)?,
    };
    let Caller { rules, base, store, tenant, .. } = caller;
    let paging = request.paging(app.settings.max_results)?;
    let asked = Asked::of(app, &store, paging, &query_text(scope, &parts)).await?;
    let search = Arc::new(Search { rules, base, parts, asked, shown, time: app.settings.search_time });
    if search.is_look_up() {
        let at_once = Arc::clone(&search);
        if let Some(body) = store.look_up(move |tx| at_once.look_up(tx)).await? {
            return Ok(Answer::ok(body));
        }
    }
    if search.may_be_short() {
        let (at_once, room) = (Arc::clone(&search), app.shares.answers().room(&tenant));
        if let Some(answer) = store.read(move |tx| at_once.run_at_once(tx, room)).await? {
            return Ok(answer);
        }
    }
    let (turn, room) = (app.shares.work(&tenant).await?, app.shares.answers().room(&tenant));
    let work = move |tx: &mut ReadTx<'_>| {
        let _turn = turn;
        search.run(tx, room)
    };
    store.in_background().read(work).await
}

/// One search, which knows all that it needs beside the store.
struct Search {
    rules: Arc<Rules>,
    base: Base,
    parts: Vec<Part>,
    asked: Asked,
    shown: Shown,
    /// How long it may go on.
    time: Duration,
}

impl Search {
    fn is_look_up(&self) -> bool {
        self.asked_within(&|| false, &|_| true).is_look_up()
    }

    fn look_up(&self, tx: &mut ReadTx<'_>) -> Result<Option<String>, ApiError> {
        let asked = self.asked_within(&|| false, &|_| true);
        let listed = lists::look_up_at_once(tx, (&self.rules, &self.base), &asked)?;
        Ok(listed.map(|listed| self.text(&listed)))
    }

    fn may_be_short(&self) -> bool {
        self.asked_within(&|| false, &|_| true).may_be_short()
    }

    fn run_at_once(&self, tx: &mut ReadTx<'_>, room: AnswerRoom) -> Result<Option<Answer>, ApiError> {
        let room = RefCell::new(room);
        let has_room = |bytes| room.borrow_mut().fits(bytes);
        let asked = self.asked_within(&|| false, &has_room);
        let listed = lists::list_at_once(tx, (&self.rules, &self.base), &asked)?;
        Ok(listed.map(|listed| self.answer(&listed, room.into_inner())))
    }

    fn run(&self, tx: &mut ReadTx<'_>, room: AnswerRoom) -> Result<Answer, ApiError> {
        let (began, room) = (Instant::now(), RefCell::new(room));
        let is_over = || began.elapsed() >= self.time;
        let has_room = |bytes| room.borrow_mut().fits(bytes);
        let asked = self.asked_within(&is_over, &has_room);
        let listed = lists::list(tx, (&self.rules, &self.base), &asked)?;
        Ok(self.answer(&listed, room.into_inner()))
    }

    fn answer(&self, listed: &Listed, room: AnswerRoom) -> Answer {
        Answer { room: room.held(), ..Answer::ok(self.text(listed)) }
    }

    fn asked_within<'a>(
        &'a self,
        is_over: &'a dyn Fn() -> bool,
        has_room: &'a dyn Fn(usize) -> bool,
    ) -> lists::Asked<'a> {
        lists::Asked {
            parts: &self.parts,
            window: self.asked.window(),
            shown: &self.shown,
            is_over,
            has_room,
        }
    }

    fn text(&self, listed: &Listed) -> String {
        list::list_text(listed.total, &self.asked.place(&listed.ends), &listed.texts)
    }
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
