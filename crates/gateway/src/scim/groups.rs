//! `/Groups`, read: what HTTP adds to the use cases of [`provisioning::groups`].

use actix_web::HttpRequest;
use provisioning::{groups, render, version::etag};
use scim_core::{leniency::Tolerance, list};

use super::{
    answer::Answer,
    caller::Caller,
    conditions::{conditional, conditions},
    query::Query,
};
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
    let filter = query.filter(&rules.group, tolerance)?;
    let projection = query.projection(&rules.group)?;
    let body = store
        .read(move |tx| {
            let with_members = projection.wants("members");
            let (total, views) = groups::list(tx, &rules, &base, (filter.as_ref(), &page), with_members)?;
            let texts = views.iter().map(|view| render::group_text(&rules, &base, view, &projection));
            let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
            Ok::<_, ApiError>(list::list_text(total, &page, &texts))
        })
        .await?;
    Ok(Answer::ok(body))
}

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
