//! `/Users`, read: what HTTP adds to the use cases of [`provisioning::users`].

use std::sync::Arc;

use actix_web::{HttpRequest, http::StatusCode};
use provisioning::{
    render,
    users::{self, UserView},
    version::etag,
};
use store::ReadTx;

use super::{answer::Answer, caller::Caller, conditions::conditions, query::Query};
use crate::{api_error::ApiError, app::App};

pub(super) async fn get(
    app: &App,
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    id: String,
) -> Result<Answer, ApiError> {
    let conditions = conditions(request);
    let projection = query.projection(&caller.rules.user)?;
    let Caller { rules, base, store, tenant, .. } = caller;
    let answer = Arc::new(move |view: &UserView| {
        let etag = etag(view.record.version);
        conditions.check_read(&etag)?;
        if view.is_unchanged_for(&conditions, &projection) {
            return Ok(Answer::empty(StatusCode::NOT_MODIFIED).with_etag(etag));
        }
        Ok::<_, ApiError>(Answer::ok(render::user_text(&rules, &base, view, &projection)?).with_etag(etag))
    });
    let (same_id, same_answer) = (id.clone(), Arc::clone(&answer));
    let at_once = move |tx: &mut ReadTx<'_>| {
        let view = users::get_at_once(tx, &same_id)?;
        view.map(|view| same_answer(&view)).transpose()
    };
    if let Some(answer) = store.look_up(at_once).await? {
        return Ok(answer);
    }
    // Groups in groups, and many of them, are walked over where nobody else waits for the thread.
    let turn = app.shares.work(&tenant).await?;
    let work = move |tx: &mut ReadTx<'_>| {
        let _turn = turn;
        answer(&users::get(tx, &id)?)
    };
    store.in_background().read(work).await
}
