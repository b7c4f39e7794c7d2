//! The one way in: path, credential, endpoint, method, then the handler. A panic below ends here as a 500 in SCIM form; what
//! happened is counted and logged here, once.

use std::{panic::AssertUnwindSafe, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{Data, Payload},
};
use futures_util::FutureExt as _;
use provisioning::Act;
use scim_core::{ResourceKind, leniency::Tolerance};
use tracing::{debug, error, info};

use super::{
    answer::{Answer, error_response},
    authenticate::{authenticate, lost},
    body::Body,
    bulk,
    caller::Caller,
    conditions::conditions,
    discovery,
    endpoint::{Endpoint, Kind, Scope},
    entitlements, lists,
    query::Query,
    resources,
    target::Target,
    write::{Asked, write},
};
use crate::{
    api_error::ApiError,
    app::App,
    http,
    protection::protect,
    request_id,
    shares::TooMuchUnderWay,
    telemetry::tally::{TALLY, What},
};

/// What is known of a request by the time it is answered, for the log and the metrics.
struct Seen {
    began: Instant,
    id: String,
    route: Option<&'static str>,
    tenant: Option<String>,
    /// Whether the log has the failure already.
    is_logged: bool,
}

impl Seen {
    fn begin() -> Self {
        let (began, id) = (Instant::now(), request_id::new());
        Self { began, id, route: None, tenant: None, is_logged: false }
    }
}

/// Why a request was refused or failed.
struct Failure {
    cause: String,
    /// Whether it takes no credential to be told so, in which case it is summed up in the log.
    is_anybodys: bool,
}

/// Answers every request that no other route takes.
pub(crate) async fn scim(request: HttpRequest, payload: Payload, app: Data<App>) -> HttpResponse {
    let mut seen = Seen::begin();
    let work = AssertUnwindSafe(answer(&app, &request, payload, &mut seen)).catch_unwind().await;
    let outcome = work.unwrap_or(Err(ApiError::Panicked));
    seen.is_logged = outcome.as_ref().is_err_and(ApiError::is_logged);
    let failure = outcome.as_ref().err().map(|error| Failure {
        cause: error.to_string(),
        is_anybodys: seen.tenant.is_none() && !seen.is_logged && !error.tells_of_a_tenant(),
    });
    let mut response = match outcome {
        Ok(answer) => answer.into_response(&request),
        Err(error) => error_response(&error, &request, &seen.id),
    };
    protect(response.headers_mut(), &seen.id);
    note(&app, &request, &seen, response.status().as_u16(), failure.as_ref());
    response
}

async fn answer(
    app: &Data<App>,
    request: &HttpRequest,
    payload: Payload,
    seen: &mut Seen,
) -> Result<Answer, ApiError> {
    refuse_odd_host(request)?;
    let Some(target) = Target::parse(request.uri().path()) else { return Err(lost(app, request).await) };
    let grant = authenticate(app, request, &target).await?;
    http::trust(request);
    seen.tenant = Some(format!("{}/{}", grant.tenant.region, grant.tenant.company_key));
    let base = app.base(&grant.tenant);
    let endpoint = Endpoint::parse(&target.rest)
        .ok_or_else(|| ApiError::NoSuchPath { base_url: Some(base.0.clone()) })?;
    seen.route = Some(endpoint.route());
    check_method(&endpoint, request.method())?;
    let registry = app.regions.get(&grant.tenant.region).ok_or(ApiError::Misconfigured("region".into()))?;
    let store = registry.map_err(ApiError::RegionDown)?.store_of(&grant.tenant).await?;
    let caller = Caller {
        rules: app.rules.of(&grant.tenant, &base, &store).await?,
        base,
        store,
        tenant: grant.tenant.clone(),
        act: Act { request_id: seen.id.clone() },
        credential: grant.key_id.clone(),
        instant: seen.began,
    };
    let mut tolerance = caller.rules.tolerance();
    let done = dispatch(app, request, payload, caller, endpoint, &mut tolerance).await;
    let done = done.and_then(|mut answer| {
        // What was changed is told in any case.
        let may_be_refused = *asked(request.method()) == Method::GET;
        if answer.needs_room()
            && !answer.takes_room(app.shares.answers().room(&grant.tenant))
            && may_be_refused
        {
            return Err(TooMuchUnderWay { read: true }.into());
        }
        Ok(answer)
    });
    for (leniency, _) in &tolerance.seen {
        app.metrics.leniencies.with_label_values(&[leniency.kind()]).inc();
    }
    app.dropped.count(grant.tenant.id.as_str(), &tolerance);
    if done.as_ref().is_err_and(ApiError::met_newer_schemas) {
        app.rules.forget(&grant.tenant);
    }
    if !tolerance.seen.is_empty() {
        let tolerated: Vec<_> = tolerance.seen.iter().take(SHOWN).collect();
        debug!(request_id = seen.id, ?tolerated, "the request was accepted with leniency");
    }
    done
}

/// Most things tolerated in one request that the log tells; a bulk can have thousands.
const SHOWN: usize = 50;

async fn dispatch(
    app: &Data<App>,
    http: &HttpRequest,
    payload: Payload,
    caller: Caller,
    endpoint: Endpoint,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let query = Query::parse(http.query_string())?;
    query.search.note_dialects(tolerance);
    if endpoint.is_discovery() {
        return discovery::answer(app, caller, endpoint, &query, conditions(http)).await;
    }
    let method = asked(http.method());
    let body = match *method {
        Method::POST | Method::PUT | Method::PATCH => {
            Some(Body::read(app, &caller.tenant, http, payload).await?)
        }
        _ => None,
    };
    let (kind, asked) = match (endpoint, method, body) {
        (Endpoint::Root, &Method::GET, _) => {
            return lists::get(app, caller, Scope::All, query, tolerance).await;
        }
        (Endpoint::Users, &Method::GET, _) => {
            return lists::get(app, caller, Scope::Of(Kind::User), query, tolerance).await;
        }
        (Endpoint::Groups, &Method::GET, _) => {
            return lists::get(app, caller, Scope::Of(Kind::Group), query, tolerance).await;
        }
        (Endpoint::Entitlements(kind), _, _) => {
            return lists::get(app, caller, Scope::Entitlements(kind), query, tolerance).await;
        }
        (Endpoint::Search(scope), _, Some(body)) => {
            return lists::search(app, caller, scope, (query, body), tolerance).await;
        }
        (Endpoint::User(id), &Method::GET, _) => {
            return resources::get(app, http, caller, &query, ResourceKind::User, id).await;
        }
        (Endpoint::Group(id), &Method::GET, _) => {
            return resources::get(app, http, caller, &query, ResourceKind::Group, id).await;
        }
        (Endpoint::Entitlement(kind, id), _, _) => {
            return entitlements::get(http, caller, &query, kind.into(), id).await;
        }
        (Endpoint::Bulk, _, Some(body)) => return bulk::bulk(app, caller, body, tolerance).await,
        (Endpoint::Users, _, Some(body)) => (Kind::User, Asked::Create(body)),
        (Endpoint::Groups, _, Some(body)) => (Kind::Group, Asked::Create(body)),
        (Endpoint::User(id), &Method::PUT, Some(body)) => (Kind::User, Asked::Replace(id, body)),
        (Endpoint::User(id), &Method::PATCH, Some(body)) => (Kind::User, Asked::Patch(id, body)),
        (Endpoint::User(id), &Method::DELETE, _) => (Kind::User, Asked::Delete(id)),
        (Endpoint::Group(id), &Method::PUT, Some(body)) => (Kind::Group, Asked::Replace(id, body)),
        (Endpoint::Group(id), &Method::PATCH, Some(body)) => (Kind::Group, Asked::Patch(id, body)),
        (Endpoint::Group(id), &Method::DELETE, _) => (Kind::Group, Asked::Delete(id)),
        // `check_method` lets nothing else through; were it to, nothing must be changed by it.
        _ => return Err(ApiError::NoSuchPath { base_url: None }),
    };
    write(app, http, caller, &query, (kind, asked), tolerance).await
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

fn note(app: &App, request: &HttpRequest, seen: &Seen, status: u16, failure: Option<&Failure>) {
    let route = seen.route.unwrap_or("other");
    let method = known_method(request.method());
    let (id, took) = (&seen.id, seen.began.elapsed());
    app.metrics.requests.with_label_values(&[route, method, status_text(status)]).inc();
    app.metrics.seconds.with_label_values(&[route, method]).observe(took.as_secs_f64());
    let tenant = seen.tenant.as_deref().unwrap_or("-");
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let cause = failure.map_or("", |failure| failure.cause.as_str());
    if failure.is_some_and(|f| f.is_anybodys) && !TALLY.is_first(What::Request, status, cause) {
        return;
    }
    match status {
        _ if seen.is_logged => {
            debug!(request_id = id, tenant, method, route, status, micros, cause, "a request failed")
        }
        // The cause of a failure is in our words; that of a refusal repeats what the caller sent, in quotation marks.
        // Not built is an answer, not a failure.
        500 | 502.. => {
            error!(request_id = id, tenant, method, route, status, micros, cause, "a request failed")
        }
        400.. => {
            let cause = without_quotations(cause);
            info!(request_id = id, tenant, method, route, status, micros, cause, "a request was refused")
        }
        _ => debug!(request_id = id, tenant, method, route, status, micros, "a request was answered"),
    }
}

/// What callers send may be about a person: a PATCH path can hold an e-mail address. The answer repeats it, the log does not
/// (attack 23).
pub(super) fn without_quotations(text: &str) -> String {
    match (text.find('"'), text.rfind('"')) {
        (Some(first), Some(last)) => {
            let (before, after) = (text.get(..first), text.get(last + 1..));
            format!("{}\"...\"{}", before.unwrap_or_default(), after.unwrap_or_default())
        }
        _ => text.to_owned(),
    }
}

/// A caller can invent methods; labels must stay few (attack 25).
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

pub(super) fn status_text(status: u16) -> &'static str {
    const KNOWN: [(u16, &str); 20] = [
        (200, "200"),
        (201, "201"),
        (204, "204"),
        (304, "304"),
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (405, "405"),
        (408, "408"),
        (409, "409"),
        (412, "412"),
        (413, "413"),
        (415, "415"),
        (429, "429"),
        (500, "500"),
        (501, "501"),
        (503, "503"),
        (507, "507"),
        (422, "422"),
    ];
    KNOWN.iter().find(|(code, _)| *code == status).map_or("other", |(_, text)| text)
}
