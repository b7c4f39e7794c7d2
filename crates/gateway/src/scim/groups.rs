//! `/Groups`: what HTTP adds to the use cases of [`provisioning::groups`].

use actix_web::{HttpRequest, http::StatusCode};
use provisioning::{
    groups::{self, Written},
    render,
    version::etag,
};
use scim_core::{leniency::Tolerance, list, patch::PatchRequest, projection::Projection};
use serde_json::Value;
use tracing::info;

use super::{answer::Answer, caller::Caller, query::Query, users::conditions};
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
            let etag = etag(view.record.version);
            if conditions.has_already(view.record.version) {
                return Ok(Answer::empty(StatusCode::NOT_MODIFIED).with_etag(etag));
            }
            Ok(Answer::ok(render::group_text(&rules, &base, &view, &projection)?).with_etag(etag))
        })
        .await
}

pub(super) async fn create(
    caller: Caller,
    query: &Query,
    body: Value,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let projection = query.projection(&caller.rules.group)?;
    let Caller { rules, base, store, act, tenant } = caller;
    let request_id = act.request_id.clone();
    let mut own = rules.tolerance();
    let (answer, skipped, own) = store
        .write(move |tx| {
            let with_members = projection.wants("members");
            let written = groups::create(tx, &rules, &body, with_members, (&act, &mut own))?;
            let location = base.location(&rules.group, &written.view.record.id);
            let text = render::group_text(&rules, &base, &written.view, &projection)?;
            let answer = Answer::created(text, location).with_etag(etag(written.view.record.version));
            Ok::<_, ApiError>((answer, written.skipped, own))
        })
        .await?;
    tolerance.seen.extend(own.seen);
    log_skipped(&skipped, tenant.company_key.as_str(), &request_id);
    Ok(answer)
}

pub(super) async fn replace(
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    (id, body): (String, Value),
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let conditions = conditions(request);
    let projection = query.projection(&caller.rules.group)?;
    let Caller { rules, base, store, act, tenant } = caller;
    let request_id = act.request_id.clone();
    let mut own = rules.tolerance();
    let (answer, skipped, own) = store
        .write(move |tx| {
            let wants = (&body, projection.wants("members"));
            let written = groups::replace(tx, &rules, &id, wants, &conditions, (&act, &mut own))?;
            let answer = whole(&rules, &base, &written, &projection)?;
            Ok::<_, ApiError>((answer, written.skipped, own))
        })
        .await?;
    tolerance.seen.extend(own.seen);
    log_skipped(&skipped, tenant.company_key.as_str(), &request_id);
    Ok(answer)
}

/// 204 unless the request names attributes or the tenant is strict (table of disagreements, `PATCH of a group`).
pub(super) async fn patch(
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    (id, body): (String, Value),
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let conditions = conditions(request);
    let projection = query.projection(&caller.rules.group)?;
    let (patch, members) = PatchRequest::parse(&caller.rules.group, &body, tolerance)?.split_members()?;
    let Caller { rules, base, store, act, tenant } = caller;
    let request_id = act.request_id.clone();
    let mut own = rules.tolerance();
    let (answer, skipped, own) = store
        .write(move |tx| {
            let with_body = rules.strict || projection.is_named();
            let wants = (&patch, members.as_slice(), with_body && projection.wants("members"));
            let written = groups::patch(tx, &rules, &id, wants, &conditions, (&act, &mut own))?;
            let answer = if with_body {
                whole(&rules, &base, &written, &projection)?
            } else {
                Answer::empty(StatusCode::NO_CONTENT).with_etag(etag(written.view.record.version))
            };
            Ok::<_, ApiError>((answer, written.skipped, own))
        })
        .await?;
    tolerance.seen.extend(own.seen);
    log_skipped(&skipped, tenant.company_key.as_str(), &request_id);
    Ok(answer)
}

fn whole(
    rules: &provisioning::Rules,
    base: &render::Base,
    written: &Written,
    projection: &Projection,
) -> Result<Answer, ApiError> {
    let text = render::group_text(rules, base, &written.view, projection)?;
    Ok(Answer::ok(text).with_etag(etag(written.view.record.version)))
}

pub(super) async fn delete(request: &HttpRequest, caller: Caller, id: String) -> Result<Answer, ApiError> {
    let conditions = conditions(request);
    let Caller { rules, store, act, .. } = caller;
    store.write(move |tx| groups::delete(tx, &rules, &id, &conditions, &act)).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn log_skipped(skipped: &[String], tenant: &str, request_id: &str) {
    if !skipped.is_empty() {
        info!(request_id, tenant, ?skipped, "members that are no users of the tenant were skipped");
    }
}
