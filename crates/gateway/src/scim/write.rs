//! POST, PUT, PATCH and DELETE of one resource: what HTTP adds to [`provisioning::Write`].

use std::sync::Arc;

use actix_web::{HttpRequest, http::StatusCode};
use provisioning::{
    Rules, Write, render,
    version::etag,
    view::{View, links_attribute},
    write::Shown,
};
use scim_core::{ResourceKind, bulk::Method, leniency::Tolerance, projection::Projection};
use seat_ledger::License;
use serde_json::Value;
use store::{WriteTx, in_background};
use tenant_registry::Tenant;
use tracing::info;

use super::{
    answer::Answer,
    body::{Body, Made},
    caller::Caller,
    conditions::conditions,
    query::Query,
    refusal::Refused,
};
use crate::{api_error::ApiError, app::App, shares::TooMuchUnderWay};

/// What one request asks for, with its body as it came.
pub(super) enum Asked {
    Create(Body),
    Replace(String, Body),
    Patch(String, Body),
    Delete(String),
}

/// Does what one request asks for, in one transaction.
pub(super) async fn write(
    app: &App,
    http: &HttpRequest,
    caller: Caller,
    query: &Query,
    (kind, asked): (impl Into<ResourceKind>, Asked),
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let kind = kind.into();
    let projection = match asked {
        Asked::Delete(_) => Projection::all(caller.rules.resource_type(kind)),
        _ => query.projection(caller.rules.resource_type(kind))?,
    };
    let Made { what: write, memory } = judge(app, &caller, kind, asked, tolerance).await?;
    let status = write.status(&caller.rules, projection.is_named());
    let shown = match status {
        204 => Shown::Version,
        _ if projection.wants(links_attribute(kind)) => Shown::Links,
        _ => Shown::Attributes,
    };
    let refused = Refused::of(app, &caller, write.not_done());
    let conditions = conditions(http);
    let answers = app.shares.answers();
    let context = caller.context();
    let Caller { rules, store, tenant, .. } = caller;
    let request_id = context.request_id.clone();
    let store = if memory.is_some() { store.in_background() } else { store };
    let for_whom = Arc::clone(&tenant);
    let work = move |tx: &mut WriteTx<'_>| {
        // The transaction may outlive this request, so it has a tolerance of its own, and holds the memory of the body.
        let (mut context, _memory) = (context.attempt(), &memory);
        let done = write.run(tx, shown, &conditions, &mut context)?;
        // What cannot be told now is not done: after the commit it would have to be told all the same.
        let mut room = answers.room(&for_whom);
        if let Some(view) = done.view.as_ref().filter(|_| shown != Shown::Version)
            && !room.fits(view.size())
        {
            return Err(TooMuchUnderWay { read: true }.into());
        }
        Ok((done, context.tolerance, room.held()))
    };
    let (done, own, room) =
        store.write_repeatable(work).await.map_err(|error| refused.explain(app, error))?;
    tolerance.seen.extend(own.seen);
    tell(app, (&done.seats, &done.skipped), &tenant, &request_id);
    let mut answer = Answer::empty(StatusCode::from_u16(status).unwrap_or(StatusCode::OK));
    if let Some(view) = done.view {
        answer.etag = Some(etag(view.version()));
        answer.location = (status == 201).then(|| rules.base.location(rules.resource_type(kind), view.id()));
        if shown != Shown::Version {
            answer.body = Some(text(view, rules, projection).await?);
            answer.room = room;
        }
    }
    Ok(answer)
}

/// Judges a request as far as that can be done without the store.
async fn judge(
    app: &App,
    caller: &Caller,
    kind: ResourceKind,
    asked: Asked,
    tolerance: &mut Tolerance,
) -> Result<Made<Write>, ApiError> {
    let (method, id, body) = match asked {
        Asked::Create(body) => (Method::Post, None, body),
        Asked::Replace(id, body) => (Method::Put, Some(id), body),
        Asked::Patch(id, body) => (Method::Patch, Some(id), body),
        Asked::Delete(id) => {
            let context = &mut caller.context();
            let what = Write::new(kind, Method::Delete, Some(id), Value::Null, context)?;
            return Ok(Made { what, memory: None });
        }
    };
    let context = caller.context();
    let judge = move |value, _: &Rules, t: &mut Tolerance| {
        let mut context = context.attempt();
        let write = Write::new(kind, method, id, value, &mut context);
        t.seen.append(&mut context.tolerance.seen);
        Ok(write?)
    };
    body.make(app, caller, tolerance, judge).await
}

/// Members or groups up to which a resource is put together where it was asked for.
const FEW: usize = 200;

/// The resource as it is answered: made here and not in the transaction, so that the next writer need not wait for it, and
/// when it is large, in the background.
async fn text(view: View, rules: Arc<Rules>, projection: Projection) -> Result<String, ApiError> {
    if view.links() <= FEW {
        return Ok(render::text(&rules, &view, &projection)?);
    }
    in_background(move || Ok::<_, ApiError>(render::text(&rules, &view, &projection)?)).await
}

/// Counts what happened to seats and logs members that were skipped.
pub(super) fn tell(
    app: &App,
    (seats, skipped): (&[(License, &'static str)], &[String]),
    tenant: &Tenant,
    request_id: &str,
) {
    for (requested, became) in seats {
        app.metrics.seat_changes.with_label_values(&[requested.key(), became]).inc();
    }
    if !skipped.is_empty() {
        let tenant = format!("{}/{}", tenant.region, tenant.company_key);
        // Whatever has not the form of our ids may be a person's name or address (attack 23), and of any length.
        let ids: Vec<&str> =
            skipped.iter().map(String::as_str).filter(|id| looks_given_here(id)).take(SHOWN).collect();
        info!(request_id, tenant, number = skipped.len(), ?ids, "members that are not here were skipped");
    }
}

/// Most skipped members of one request that the log names.
const SHOWN: usize = 8;

/// Whether this is the text of a UUID, as every id that a store has given.
fn looks_given_here(id: &str) -> bool {
    id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
