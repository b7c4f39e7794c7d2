//! `/Groups`, read: what HTTP adds to the use cases of [`provisioning::groups`].

use actix_web::HttpRequest;
use provisioning::{groups, render, version::etag};

use super::{
    answer::Answer,
    caller::Caller,
    conditions::{conditional, conditions},
    query::Query,
};
use crate::api_error::ApiError;

pub(super) async fn get(
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    id: String,
) -> Result<Answer, ApiError> {
    let conditions = conditions(request);
    let projection = query.projection(&caller.rules.group)?;
    let Caller { rules, base, store, .. } = caller;
    store
        .read(move |tx| {
            let view = groups::get(tx, &id, projection.wants("members"))?;
            let text = || Ok(render::group_text(&rules, &base, &view, &projection)?);
            conditional(&conditions, etag(view.record.version), text)
        })
        .await
}
