//! `/Users`: what HTTP adds to the use cases of [`provisioning::users`].

use actix_web::{HttpRequest, http::StatusCode, web::Data};
use provisioning::{
    Preconditions, render,
    users::{self, Edit, UserView, Written},
    version::etag,
};
use scim_core::{leniency::Tolerance, list, patch::PatchRequest, projection::Projection, resource};
use seat_ledger::{License, SeatChange};
use serde_json::Value;
use store::ReadTx;

use super::{answer::Answer, caller::Caller, query::Query};
use crate::{
    api_error::{ApiError, Refused},
    app::App,
};

pub(super) async fn list(
    app: &App,
    caller: Caller,
    query: &Query,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let Caller { rules, base, store, .. } = caller;
    query.refuse_unsupported()?;
    let page = query.page(app.settings.max_results)?;
    let filter = query.filter(&rules.user, tolerance)?;
    let projection = query.projection(&rules.user)?;
    let look_up = users::is_look_up(filter.as_ref());
    let work = move |tx: &mut ReadTx<'_>| {
        let (total, views) = users::list(tx, &rules, &base, filter.as_ref(), &page)?;
        let texts = views.iter().map(|view| render::user_text(&rules, &base, view, &projection));
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        Ok::<_, ApiError>(list::list_text(total, &page, &texts))
    };
    let body = if look_up { store.look_up(work).await } else { store.read(work).await };
    Ok(Answer::ok(body?))
}

pub(super) async fn get(
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    id: String,
) -> Result<Answer, ApiError> {
    let conditions = conditions(request);
    let projection = query.projection(&caller.rules.user)?;
    let Caller { rules, base, store, .. } = caller;
    store
        .look_up(move |tx| {
            let view = users::get(tx, &id)?;
            let etag = etag(view.record.version);
            if view.is_unchanged_for(&conditions) {
                return Ok(Answer::empty(StatusCode::NOT_MODIFIED).with_etag(etag));
            }
            Ok(Answer::ok(render::user_text(&rules, &base, &view, &projection)?).with_etag(etag))
        })
        .await
}

pub(super) async fn create(
    app: &Data<App>,
    caller: Caller,
    query: &Query,
    body: &Value,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let refused = Refused::of(app, &caller, "created");
    let projection = query.projection(&caller.rules.user)?;
    let document = resource::create(&caller.rules.user, body, tolerance)?;
    let Caller { rules, base, store, act, .. } = caller;
    let done = store
        .write(move |tx| {
            let written = users::create(tx, &rules, &document, &act)?;
            let location = base.location(&rules.user, &written.view.record.id);
            let text = render::user_text(&rules, &base, &written.view, &projection)?;
            let answer = Answer::created(text, location).with_etag(etag(written.view.record.version));
            Ok::<_, ApiError>((answer, written.seat))
        })
        .await;
    finish(app, refused, done)
}

pub(super) async fn replace(
    app: &Data<App>,
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    (id, body): (String, Value),
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    edit(app, request, caller, query, (id, Change::Replace(body)), tolerance).await
}

pub(super) async fn patch(
    app: &Data<App>,
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    (id, body): (String, Value),
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let patch = PatchRequest::parse(&caller.rules.user, &body, tolerance)?;
    edit(app, request, caller, query, (id, Change::Patch(patch)), tolerance).await
}

/// [`Edit`] as a value that can go into a transaction.
enum Change {
    Replace(Value),
    Patch(PatchRequest),
}

impl Change {
    fn as_edit(&self) -> Edit<'_> {
        match self {
            Self::Replace(body) => Edit::Replace(body),
            Self::Patch(patch) => Edit::Patch(patch),
        }
    }
}

async fn edit(
    app: &Data<App>,
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    (id, change): (String, Change),
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let refused = Refused::of(app, &caller, "changed");
    let conditions = conditions(request);
    let projection = query.projection(&caller.rules.user)?;
    let Caller { rules, base, store, act, .. } = caller;
    // The transaction may outlive this request, so it has a tolerance of its own.
    let mut own = rules.tolerance();
    let done = store
        .write(move |tx| {
            let Written { view, seat, .. } =
                users::edit(tx, &rules, &id, change.as_edit(), &conditions, (&act, &mut own))?;
            Ok::<_, ApiError>((text(&rules, &base, &view, &projection)?, seat, own))
        })
        .await;
    let done = done.map(|(answer, seat, own)| {
        tolerance.seen.extend(own.seen);
        (answer, seat)
    });
    finish(app, refused, done)
}

fn text(
    rules: &provisioning::Rules,
    base: &render::Base,
    view: &UserView,
    projection: &Projection,
) -> Result<Answer, ApiError> {
    Ok(Answer::ok(render::user_text(rules, base, view, projection)?).with_etag(etag(view.record.version)))
}

pub(super) async fn delete(request: &HttpRequest, caller: Caller, id: String) -> Result<Answer, ApiError> {
    let conditions = conditions(request);
    let Caller { rules, store, act, .. } = caller;
    store.write(move |tx| users::delete(tx, &rules, &id, &conditions, &act)).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// Counts what happened to the seat and gives a refusal its words.
fn finish(
    app: &App,
    refused: Refused,
    done: Result<(Answer, Option<SeatChange>), ApiError>,
) -> Result<Answer, ApiError> {
    let (answer, seat) = done.map_err(|error| refused.explain(app, error))?;
    if let Some(seat) = seat {
        let count = |requested: License, became| {
            app.metrics.seat_changes.with_label_values(&[requested.key(), became]).inc();
        };
        if seat.changed() {
            count(seat.after.requested, seat.after.state.key());
        }
        seat.promoted.iter().for_each(|promoted| count(promoted.requested, "promoted"));
    }
    Ok(answer)
}

/// `If-Match` and `If-None-Match`, as sent.
pub(super) fn conditions(request: &HttpRequest) -> Preconditions {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    Preconditions { if_match: header("if-match"), if_none_match: header("if-none-match") }
}
