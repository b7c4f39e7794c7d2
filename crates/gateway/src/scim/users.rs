//! `/Users`, read: what HTTP adds to the use cases of [`provisioning::users`].

use actix_web::{HttpRequest, http::StatusCode};
use provisioning::{render, users, version::etag};
use scim_core::{leniency::Tolerance, list};
use store::ReadTx;

use super::{answer::Answer, caller::Caller, conditions::conditions, query::Query};
use crate::{api_error::ApiError, app::App};

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
            conditions.check_read(&etag)?;
            if view.is_unchanged_for(&conditions) {
                return Ok(Answer::empty(StatusCode::NOT_MODIFIED).with_etag(etag));
            }
            Ok(Answer::ok(render::user_text(&rules, &base, &view, &projection)?).with_etag(etag))
        })
        .await
}
