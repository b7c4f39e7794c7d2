//! `/Groups`, read: what HTTP adds to the use cases of [`provisioning::groups`].

use std::sync::Arc;

use actix_web::HttpRequest;
use provisioning::{
    groups::{self, GroupView},
    render,
    version::etag,
};
use store::ReadTx;

use super::{
    answer::Answer,
    caller::Caller,
    conditions::{conditional, conditions},
    query::Query,
};
use crate::{api_error::ApiError, app::App};

pub(super) async fn get(
    app: &App,
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    id: String,
) -> Result<Answer, ApiError> {
    let conditions = conditions(request);
    let projection = query.projection(&caller.rules.group)?;
    let Caller { rules, base, store, tenant, .. } = caller;
    let with_members = projection.wants("members");
    let answer = Arc::new(move |view: &GroupView| {
        let text = || Ok(render::group_text(&rules, &base, view, &projection)?);
        conditional(&conditions, etag(view.record.version), text)
    });
    let (same_id, same_answer) = (id.clone(), Arc::clone(&answer));
    let at_once = move |tx: &mut ReadTx<'_>| {
        let view = groups::get_at_once(tx, &same_id, with_members)?;
        view.map(|view| same_answer(&view)).transpose()
    };
    if let Some(answer) = store.read(at_once).await? {
        return Ok(answer);
    }
    let turn = app.shares.work(&tenant).await?;
    let work = move |tx: &mut ReadTx<'_>| {
        let _turn = turn;
        answer(&groups::get(tx, &id, with_members)?)
    };
    store.in_background().read(work).await
}
