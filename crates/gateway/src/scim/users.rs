//! `/Users`, read: what HTTP adds to the use cases of [`provisioning::users`].

use actix_web::{HttpRequest, http::StatusCode};
use provisioning::{render, users, version::etag};

use super::{answer::Answer, caller::Caller, conditions::conditions, query::Query};
use crate::api_error::ApiError;

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
            if view.is_unchanged_for(&conditions, &projection) {
                return Ok(Answer::empty(StatusCode::NOT_MODIFIED).with_etag(etag));
            }
            Ok(Answer::ok(render::user_text(&rules, &base, &view, &projection)?).with_etag(etag))
        })
        .await
}
