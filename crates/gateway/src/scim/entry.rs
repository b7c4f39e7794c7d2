//! The one way in: path, credential, endpoint, method, then the handler. A panic below ends here as a 500 in SCIM form.

use std::{borrow::Cow, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    rt,
    web::{Data, Payload},
};
use futures_util::FutureExt as _;
use metrics::Operation;
use provisioning::{
    MayWrite, Outcome, RequestContext, SentPerson,
    log::{Idp, Sender},
};
use scim_core::{ResourceKind, bulk};
use tenant_registry::{Grant, RegionCode, Scope, Scopes, Tenant};
use tracing::{Instrument as _, warn};

use super::{
    authenticate::{authenticate, check_served, lost, region_of, region_word},
    body::{Body, user_name_in},
    bulk::bulk,
    caller::Caller,
    conditions::conditions,
    discovery, dry_run,
    endpoint::Endpoint,
    lists,
    outcome::{Part, SCIM, SentBy, Subject, conclude},
    query::Query,
    resources,
    response::{Response, error_response},
    target::Target,
    write::{WriteRequest, write},
};
use crate::{
    api_error::ApiError,
    app::App,
    http,
    oauth::Admitted,
    protection::protect,
    recognition::{self, Recognised},
    request_id,
    shares::TooMuchUnderWay,
    telemetry::{in_flight::InFlight, traces},
};

/// The facts of a request that are known by the time it is answered, for the log, the metrics and its span.
struct Known {
    began: Instant,
    id: String,
    /// Whether a trusted proxy gave it its id.
    is_id_taken: bool,
    /// The region that the path means, or that of the tenant.
    region: Option<RegionCode>,
    route: Option<Cow<'static, str>>,
    operation: Operation,
    tenant: Option<Arc<Tenant>>,
    context: Option<RequestContext>,
    /// The credential, once it was checked, and who sent it.
    sent_by: Option<SentBy>,
    /// What is asked of which resource, where that is one.
    kind: Option<ResourceKind>,
    method: Option<bulk::Method>,
    resource_id: Option<String>,
    /// The userName in a body that is not read otherwise, because the credential, the tenant or the query is refused.
    unread_name: Option<String>,
    is_dry_run: bool,
}

impl Known {
    fn begin(app: &App, request: &HttpRequest) -> Self {
        let taken = app.settings.server.trusted_proxies.request_id_of(request);
        Self {
            began: Instant::now(),
            is_id_taken: taken.is_some(),
            id: request_id::or_new(taken),
            region: None,
            route: None,
            operation: Operation::Other,
            tenant: None,
            context: None,
            sent_by: None,
            kind: None,
            method: None,
            resource_id: None,
            unread_name: None,
            is_dry_run: false,
        }
    }

    fn makes_person(&self) -> bool {
        self.kind == Some(ResourceKind::User) && self.method == Some(bulk::Method::Post) && !self.is_dry_run
    }
}

/// Answers every request that no other route takes.
pub(crate) async fn scim(request: HttpRequest, payload: Payload, app: Data<App>) -> HttpResponse {
    let _in_flight = InFlight::begin(&app.metrics, SCIM, request.headers());
    let span = traces::begin(&request, &app.settings.server.trusted_proxies);
    let mut known = Known::begin(&app, &request);
    // Boxed: it has ten KiB, and each layer around it would move them.
    let work = Box::pin(answer(&app, &request, payload, &mut known)).instrument(span.clone());
    let work = AssertUnwindSafe(work).catch_unwind().await;
    let (mut response, result) = match work.unwrap_or(Err(ApiError::Panicked)) {
        Ok(mut response) => {
            known.resource_id = known.resource_id.or(response.id.take());
            let done = std::mem::take(&mut response.done);
            (response.into_http(&request), Ok(done))
        }
        Err(error) => {
            let is_refusal = known.sent_by.is_some() && known.method.is_some();
            if let (true, true, Some(tenant)) = (is_refusal, known.is_id_taken, &known.tenant) {
                app.taken_ids.note(&known.id, &tenant.id);
            }
            let scim = if is_refusal { error.to_refusal(&known.id) } else { error.to_scim(&known.id) };
            (error_response(&error, &scim, &request), Err(error))
        }
    };
    protect(response.headers_mut(), &known.id);
    let Known {
        began,
        id,
        route,
        operation,
        tenant,
        context,
        sent_by,
        kind,
        method,
        resource_id,
        unread_name,
        is_dry_run,
        ..
    } = known;
    if is_dry_run {
        dry_run::echo(&mut response);
    }
    let (leniencies, mut sent) =
        context.map(|context| (context.tolerance.seen, context.sent)).unwrap_or_default();
    sent.user_name = sent.user_name.or(unread_name);
    let outcome = Outcome { kind, method, id: resource_id, sent, result, leniencies };
    let subject = Subject {
        request_id: &id,
        tenant: tenant.as_ref(),
        sent_by: sent_by.as_ref(),
        method: request.method().as_str(),
        is_dry_run,
        part: Part::Request {
            region: region_word(known.region.as_ref()),
            route: route.as_deref().unwrap_or("other"),
            operation: if is_dry_run { Operation::Other } else { operation },
            took: began.elapsed(),
        },
    };
    span.in_scope(|| conclude(&app, &subject, response.status(), &outcome));
    response
}

/// Answers a request. The name of a person who was to be made is read for the log, where the body was not (MO17).
async fn answer(
    app: &Data<App>,
    request: &HttpRequest,
    payload: Payload,
    known: &mut Known,
) -> Result<Response, ApiError> {
    let mut unread = Some(payload);
    let answered = attempt(app, request, &mut unread, known).await;
    // Any other refusal comes of the body, or must be cheap.
    let is_refused_unread = answered.as_ref().is_err_and(|error| matches!(error.failure().status, 400 | 403));
    if let (true, true, Some(payload)) = (is_refused_unread, known.makes_person(), unread) {
        known.unread_name = user_name_in(request, payload).await;
    }
    answered
}

async fn attempt(
    app: &Data<App>,
    request: &HttpRequest,
    payload: &mut Option<Payload>,
    known: &mut Known,
) -> Result<Response, ApiError> {
    refuse_odd_host(request)?;
    let Some(target) = Target::parse(request.uri().path()) else { return Err(lost(app, request).await) };
    known.is_dry_run = dry_run::is_asked(request, write_method(request.method()), &target);
    let region = region_of(app, request, &target);
    known.region = region.cloned();
    let Admitted { grant, scopes } = authenticate(app, request, &target, region).await?;
    let tenant = grant.tenant();
    known.region = Some(tenant.region.clone());
    known.tenant = Some(Arc::clone(tenant));
    let mut sender = Sender { idp: recognise(app, &grant, request), client_request_id: None };
    known.method = write_method(request.method());
    if known.method.is_some() {
        if !known.is_id_taken {
            known.id = request_id::of_tenant(&tenant.id);
        }
        sender.client_request_id = request_id::of_client(request);
    }
    known.sent_by = Some(SentBy { credential: grant.key_id.clone(), sender: sender.clone() });
    let endpoint = Endpoint::parse(&target.rest);
    // A bulk that is refused from here on has a row, which its route tells.
    known.route = endpoint.as_ref().map(Endpoint::route);
    match &endpoint {
        Some(Endpoint::Collection(kind)) => known.kind = Some(*kind),
        Some(Endpoint::Resource(kind, id)) => {
            (known.kind, known.resource_id) = (Some(*kind), Some(id.clone()));
        }
        // A query by POST writes nothing.
        Some(Endpoint::Search(_)) => known.method = None,
        _ => {}
    }
    check_served(app, &grant)?;
    http::trust(request);
    app.rates.admit(tenant).await?;
    let no_such_path = || ApiError::NoSuchPath { base_url: Some(app.base(tenant).0) };
    let endpoint = endpoint.ok_or_else(no_such_path)?;
    known.operation = endpoint.operation(request.method());
    let registry = app.registry(&tenant.region)?;
    // The next request is to find the place that the registry names by then.
    let forgetting = |error: ApiError| {
        if error.met_no_store() {
            registry.forget(&tenant.id);
        }
        error
    };
    let store = registry.store_of(tenant).await.map_err(|error| forgetting(error.into()))?;
    let rules = app.rules.of(&registry, tenant, || app.base(tenant), &store).await.map_err(forgetting)?;
    if endpoint.kind().is_some_and(|kind| !rules.has(kind)) {
        return Err(no_such_path());
    }
    check_method(&endpoint, request.method())?;
    check_scope(&endpoint, request.method(), scopes)?;
    dry_run::check(request, known.method, &endpoint)?;
    let context = known.context.insert(RequestContext {
        request_id: known.id.clone(),
        credential: grant.key_id.clone(),
        may_write: MayWrite { users: scopes.has(Scope::Users), groups: scopes.has(Scope::Groups) },
        tenant: tenant.region_and_key(),
        sender,
        sent: SentPerson::default(),
        names_attributes: false,
        tolerance: rules.tolerance(),
        met_before: Vec::new(),
        rules,
        instant: known.began,
        is_trial: false,
    });
    let caller = Caller { tenant: Arc::clone(tenant), store, registry: Arc::clone(&registry) };
    let is_dry_run = known.is_dry_run;
    let answered = dispatch(app, request, payload, caller, endpoint, context, is_dry_run).await;
    let mut answered = answered.map_err(forgetting);
    if let Ok(response) = &mut answered
        && !response.takes_room(app.shares.answers().room(tenant))
        // What was changed is answered in any case.
        && *asked(request.method()) == Method::GET
    {
        return Err(TooMuchUnderWay { read: true }.into());
    }
    if answered.as_ref().is_err_and(ApiError::met_newer_schemas) {
        app.rules.forget(tenant);
    }
    answered
}

/// The identity provider behind a request. A new sign of it is written down beside the request, for later processes.
fn recognise(app: &Data<App>, grant: &Arc<Grant>, request: &HttpRequest) -> Idp {
    let Recognised { idp, new } = app.recognition.of(grant, request);
    let (Some(sign), Some(Ok(registry))) = (new, app.regions.get(&grant.tenant().region)) else { return idp };
    let key_id = grant.key_id.clone();
    rt::spawn(async move {
        if let Err(error) = registry.write_sender(&key_id, sign, recognition::says_more).await {
            warn!(key_id, %error, "what a credential was recognised as could not be noted");
        }
    });
    idp
}

async fn dispatch(
    app: &Data<App>,
    http: &HttpRequest,
    payload: &mut Option<Payload>,
    caller: Caller,
    endpoint: Endpoint,
    context: &mut RequestContext,
    is_dry_run: bool,
) -> Result<Response, ApiError> {
    let query = Query::parse(http.query_string())?;
    query.search.note_dialects(&mut context.tolerance);
    if endpoint.is_discovery() {
        return discovery::answer(app, caller, endpoint, &query, conditions(http), &context.rules).await;
    }
    let method = write_method(http.method());
    let body = match method {
        None | Some(bulk::Method::Delete) => None,
        Some(_) => {
            let payload = payload.take().ok_or(ApiError::BodyBroken)?;
            Some(Body::read(app, &caller.tenant, http, payload).await?)
        }
    };
    let (kind, id) = match endpoint {
        Endpoint::Root => return lists::get(app, caller, None, query, context).await,
        Endpoint::Collection(kind) if method.is_none() => {
            return lists::get(app, caller, Some(kind), query, context).await;
        }
        Endpoint::Search(kind) => return lists::search(app, caller, kind, query, body, context).await,
        Endpoint::Bulk => return bulk(app, caller, body, context, is_dry_run).await,
        Endpoint::Collection(kind) => (kind, None),
        Endpoint::Resource(kind, id) => (kind, Some(id)),
        // Discovery is answered above, and `check_method` lets nothing through to what is not built.
        _ => return Err(ApiError::NoSuchPath { base_url: None }),
    };
    match (method, id) {
        (Some(method), id) => {
            let request = WriteRequest { kind, method, id, body, is_dry_run };
            write(app, http, caller, &query, request, context).await
        }
        (None, Some(id)) => resources::get(app, http, caller, &query, kind, id, context).await,
        (None, None) => Err(ApiError::NoSuchPath { base_url: None }),
    }
}

/// The method of a request that writes.
fn write_method(method: &Method) -> Option<bulk::Method> {
    match *method {
        Method::POST => Some(bulk::Method::Post),
        Method::PUT => Some(bulk::Method::Put),
        Method::PATCH => Some(bulk::Method::Patch),
        Method::DELETE => Some(bulk::Method::Delete),
        _ => None,
    }
}

fn check_method(endpoint: &Endpoint, method: &Method) -> Result<(), ApiError> {
    if let Endpoint::NotBuilt(path) = endpoint {
        return Err(ApiError::NotImplemented(path));
    }
    if endpoint.methods().contains(asked(method)) {
        return Ok(());
    }
    let allow = endpoint.methods().iter().map(|method| match *method {
        Method::GET => "GET, HEAD",
        _ => method.as_str(),
    });
    Err(ApiError::MethodNotAllowed { allow: allow.collect::<Vec<_>>().join(", ") })
}

/// What the credential must be for: every GET and search is a read. The operations of a bulk are judged one by one.
fn check_scope(endpoint: &Endpoint, method: &Method, scopes: Scopes) -> Result<(), ApiError> {
    let needed = match endpoint {
        _ if *asked(method) == Method::GET => Scope::Read,
        Endpoint::Search(_) => Scope::Read,
        Endpoint::Bulk => return Ok(()),
        endpoint if endpoint.kind() == Some(ResourceKind::Group) => Scope::Groups,
        _ => Scope::Users,
    };
    if scopes.has(needed) { Ok(()) } else { Err(ApiError::OutOfScope(needed)) }
}

/// A HEAD is answered as a GET whose body stays here (RFC 9110 §9.3.2); the HTTP library leaves the body out.
fn asked(method: &Method) -> &Method {
    if *method == Method::HEAD { &Method::GET } else { method }
}

/// Two `Host` headers, or none in HTTP/1.1, are how one request is made to look like two (attack 59; RFC 9112 §3.2).
fn refuse_odd_host(request: &HttpRequest) -> Result<(), ApiError> {
    let hosts = request.headers().get_all("host").count();
    let old = request.version() < actix_web::http::Version::HTTP_11;
    if hosts == 1 || (hosts == 0 && old) { Ok(()) } else { Err(ApiError::OddHost) }
}
