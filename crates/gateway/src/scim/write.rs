//! POST, PUT, PATCH and DELETE of one resource: what HTTP adds to [`provisioning::Write`].

use std::sync::Arc;

use actix_web::{HttpRequest, http::StatusCode};
use provisioning::{
    RequestContext, Rules, Shown, Write,
    dry_run::{self, Preview},
    render,
    version::etag,
    view::{View, links_attribute},
};
use scim_core::{ResourceKind, bulk::Method, projection::Projection};
use serde_json::Value;
use store::{WriteTx, in_background};
use tenant_registry::DueGuard;

use super::{
    body::{Body, Parsed},
    caller::Caller,
    conditions::conditions,
    dry_run::with_seats,
    query::Query,
    refusal::{count_refusals, explain},
    response::Response,
};
use crate::{api_error::ApiError, app::App, shares::TooMuchUnderWay};

/// What one request asks for, with its body as it came.
pub(super) struct WriteRequest {
    pub(super) kind: ResourceKind,
    pub(super) method: Method,
    /// `None` for a POST.
    pub(super) id: Option<String>,
    /// `None` for a DELETE.
    pub(super) body: Option<Body>,
    pub(super) is_dry_run: bool,
}

/// Does what one request asks for, in one transaction.
pub(super) async fn write(
    app: &App,
    http: &HttpRequest,
    caller: Caller,
    query: &Query,
    request: WriteRequest,
    context: &mut RequestContext,
) -> Result<Response, ApiError> {
    let (Caller { tenant, store, registry }, rules) = (caller, Arc::clone(&context.rules));
    let WriteRequest { kind, method, id, body, is_dry_run } = request;
    let rt = rules.resource_type(kind);
    let projection = match method {
        Method::Delete => Ok(Projection::all(rt)),
        _ => query.projection(rt),
    };
    let judge = move |value, context: &mut RequestContext| Ok(Write::new(kind, method, id, value, context)?);
    let Parsed { value: write, memory } = match body {
        Some(body) => body.parse(app, &tenant, context, judge).await?,
        None => Parsed { value: judge(Value::Null, context)?, memory: None },
    };
    // A refusal for its query tells the person all the same.
    let projection = projection.inspect_err(|_| context.sent.role_received = write.role_received(&rules))?;
    context.names_attributes = projection.is_named();
    let (write, is_long) = (Arc::new(write), memory.is_some());
    let status = write.status(context);
    let shown = match status {
        204 => Shown::Version,
        _ if projection.wants(links_attribute(kind)) => Shown::Links,
        _ => Shown::Attributes,
    };
    let not_done = write.not_done();
    let (conditions, answers) = (conditions(http), app.shares.answers());
    let store = if is_long { store.in_background() } else { store };
    // The transaction may outlive this request.
    let (own, for_whom, asked) = (context.attempt(), Arc::clone(&tenant), Arc::clone(&write));
    let work = Arc::new(move |tx: &mut WriteTx<'_>| {
        let (mut context, _memory) = (own.attempt(), &memory);
        let done = asked.run(tx, shown, &conditions, &mut context)?;
        // What cannot be answered now is not done: after the commit it would have to be answered all the same.
        let mut room = answers.room(&for_whom);
        if let Some(view) = done.view.as_ref().filter(|_| shown != Shown::Version)
            && !room.fits(view.size())
        {
            return Err(TooMuchUnderWay { read: true }.into());
        }
        Ok::<_, ApiError>((done, context.tolerance.seen, room.held()))
    });
    let once = async |guard: DueGuard| {
        let work = Arc::clone(&work);
        let write = move |tx: &mut WriteTx<'_>| {
            let done = work(tx)?;
            guard.admit(tx)?;
            Ok((done, None))
        };
        store.write_repeatable(write).await
    };
    let written = if is_dry_run {
        let (work, rules) = (Arc::clone(&work), Arc::clone(&rules));
        let watched = move |tx: &mut WriteTx<'_>| dry_run::watch(tx, &rules, |tx| work(tx));
        store.dry_run(watched).await.map(|(done, preview)| (done, Some(preview)))
    } else {
        registry.write_noting(&tenant.id, once).await
    };
    if written.is_err() {
        let rules = Arc::clone(&rules);
        let read = move || Ok::<_, ApiError>(write.role_received(&rules));
        context.sent.role_received =
            if is_long { in_background(read).await } else { read() }.unwrap_or_default();
    }
    if !is_dry_run && written.as_ref().is_err_and(ApiError::is_for_want_of_a_seat) {
        count_refusals(app, &Caller { tenant: Arc::clone(&tenant), store, registry }, context, 1).await;
    }
    let written = written.map_err(|error| explain(app, &tenant, context, not_done, error));
    let ((mut done, seen, room), preview) = written?;
    context.tolerance.seen.extend(seen);
    let mut response = Response::empty(StatusCode::from_u16(status).unwrap_or(StatusCode::OK));
    if let Some(view) = done.view.take() {
        response.etag = Some(etag(view.version()));
        response.location = (status == 201).then(|| rules.base.location(rt, view.id()));
        response.id = Some(view.id().to_owned());
        if shown != Shown::Version {
            response.body = Some(text(view, Arc::clone(&rules), projection, preview).await?);
            response.room = room;
        }
    }
    response.done = done;
    Ok(response)
}

/// Members or groups up to which a resource is put together where it was asked for.
const FEW: usize = 200;

/// The resource as it is answered: made here and not in the transaction, so that the next writer need not wait for it, and
/// when it is large, in the background.
async fn text(
    view: View,
    rules: Arc<Rules>,
    projection: Projection,
    preview: Option<Preview>,
) -> Result<String, ApiError> {
    let is_small = view.links() <= FEW;
    let text = move || {
        let text = render::text(&rules, &view, &projection)?;
        match preview {
            Some(preview) => with_seats(&text, &preview),
            None => Ok(text),
        }
    };
    if is_small { text() } else { in_background(text).await }
}
