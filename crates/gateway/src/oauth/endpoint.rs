//! `POST /{region}/{key}/oauth/token`: a client proves itself by its secret, with HTTP Basic or in the form, or by an assertion of an issuer
//! that the tenant trusts (RFC 7523 §2.2), and gets an access token (RFC 6749 §4.4). Unknown region, key, client, secret and issuer are one
//! answer.

use std::{collections::HashMap, sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
    },
    web::Payload,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use metrics::{Answered, Operation};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use tenant_registry::{CredentialKind, Grant, RegionCode, Scopes, Token, TrustedFor};
use tokio::time::timeout;
use tracing::{Instrument as _, error};

use crate::{
    api_error::ApiError,
    app::App,
    credential::CHALLENGES,
    http,
    issuers::Judged,
    protection::protect,
    scim::{self, SCIM},
    telemetry::{
        in_flight::InFlight,
        tally::{TALLY, What},
        traces::{self, Told},
    },
};

/// Longest form, in bytes.
const FORM: usize = 16 * 1024;

/// A refusal (RFC 6749 §5.2).
struct Refusal {
    status: u16,
    error: &'static str,
    description: String,
    retry_after: Option<u64>,
    /// Whether the body may be unread.
    closes: bool,
    /// For the log alone.
    cause: Option<String>,
}

impl Refusal {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status: 400,
            error,
            description: description.into(),
            retry_after: None,
            closes: false,
            cause: None,
        }
    }

    fn invalid_client() -> Self {
        let description = "Invalid client: check client id, secret, region and company key.";
        Self { status: 401, ..Self::new("invalid_client", description) }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let failure = error.failure();
        let error = if failure.status >= 500 { "temporarily_unavailable" } else { "invalid_request" };
        let (retry_after, cause) = (failure.retry_after, failure.cause);
        Self { status: failure.status, retry_after, cause, ..Self::new(error, failure.detail) }
    }
}

pub(super) async fn token(
    before: &[String],
    request: &HttpRequest,
    payload: Payload,
    app: &App,
) -> HttpResponse {
    let (id, began) = (app.request_id(request), Instant::now());
    let span = traces::begin(request, &app.settings.server.trusted_proxies);
    let _in_flight = InFlight::begin(&app.metrics, SCIM, request.headers());
    let mut cause = None;
    let mut response = match answer(app, request, payload, before).instrument(span.clone()).await {
        Ok(body) => json(StatusCode::OK, &body),
        Err(refusal) => {
            if let Some(cause) = &refusal.cause
                && TALLY.is_first(What::Request, refusal.status, cause)
            {
                let trace_id = span.in_scope(traces::trace_id);
                error!(request_id = id, cause, trace_id, "an access token could not be issued");
            }
            cause.clone_from(&refusal.cause);
            refused(refusal)
        }
    };
    let status = response.status();
    let region = scim::region_word(region_of(app, request, before));
    let (method, route) = (method(request), "/oauth/token");
    let (code, cause) = (status.as_u16(), cause.as_deref());
    let told = Told {
        listener: SCIM,
        request_id: &id,
        region: Some(region),
        method,
        route,
        code,
        cause,
        ..Told::default()
    };
    span.in_scope(|| told.end());
    app.metrics.count_answered(&Answered {
        listener: SCIM,
        region,
        route,
        method,
        code: status.as_str(),
        operation: Operation::Other,
        took: began.elapsed(),
    });
    protect(response.headers_mut(), &id);
    response
}

/// The region that a path, which ends with the company key, means on the request's host, if it means one.
fn region_of<'a>(app: &'a App, request: &HttpRequest, path: &[String]) -> Option<&'a RegionCode> {
    let before_key = path.split_last().map_or(path, |(_, before)| before);
    app.region_of(before_key, scim::host(request))
}

fn method(request: &HttpRequest) -> &'static str {
    if *request.method() == Method::POST { "POST" } else { "other" }
}

fn json(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/json; charset=utf-8")
        .insert_header(("Pragma", "no-cache"))
        .body(body.to_string())
}

fn refused(refusal: Refusal) -> HttpResponse {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({ "error": refusal.error, "error_description": refusal.description });
    let mut response = json(status, &body);
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, actix_web::http::header::HeaderValue::from_static(CHALLENGES));
    }
    if let Some(seconds) = refusal.retry_after {
        headers.insert(actix_web::http::header::RETRY_AFTER, seconds.into());
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(
            actix_web::http::header::ALLOW,
            actix_web::http::header::HeaderValue::from_static("POST"),
        );
    }
    if refusal.closes {
        response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    }
    response
}

async fn answer(
    app: &App,
    request: &HttpRequest,
    payload: Payload,
    before: &[String],
) -> Result<Value, Refusal> {
    if *request.method() != Method::POST {
        let refusal = Refusal::new("invalid_request", "The token endpoint takes POST only.");
        return Err(Refusal { status: 405, closes: true, ..refusal });
    }
    let region = region_of(app, request, before);
    let form = form(app, request, payload).await?;
    let client = Client::of(request, &form)?;
    let authenticated = authenticate(app, request, before, client.as_ref()).await?;
    let Some((grant, assertion)) = authenticated else {
        return Err(wrong(app, request, client.as_ref(), region).await);
    };
    http::trust(request);
    match form.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        None => {
            return Err(Refusal::new("invalid_request", "grant_type is missing; send client_credentials."));
        }
        Some(_) => {
            return Err(Refusal::new("unsupported_grant_type", "The grant_type is client_credentials."));
        }
    }
    let scopes = wanted(form.get("scope").map(String::as_str), grant.scopes)?;
    // Last, so that a request that fails for another reason may be sent again.
    if let Some(assertion) = assertion
        && !assertion.use_up().await.map_err(ApiError::from)?
    {
        return Err(wrong(app, request, client.as_ref(), region).await);
    }
    let tenant = grant.tenant();
    let registry = app.regions.get(&tenant.region).ok_or_else(Refusal::invalid_client)?;
    let registry = registry.map_err(ApiError::RegionDown)?;
    let issuer = app.issuer(&tenant.region, &tenant.company_key);
    let issued = app.access.issue(&registry, &grant, scopes, issuer, app.base(tenant).0).await?;
    let no_key =
        || ApiError::Misconfigured("no key to sign access tokens with; set auth.key_file".to_owned());
    let token = issued.ok_or_else(no_key)?;
    scim::note_use(app, &grant);
    Ok(json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": app.access.lifetime(),
        "scope": scopes.to_string(),
    }))
}

/// The scopes that the client asks for: `scim`, which Entra sends, and none at all mean all that the client has.
fn wanted(sent: Option<&str>, has: Scopes) -> Result<Scopes, Refusal> {
    let sent = sent.map(str::trim).unwrap_or_default();
    if sent.is_empty() || sent.split_ascii_whitespace().any(|word| word == "scim") {
        return Ok(has);
    }
    let told = || Refusal::new("invalid_scope", format!("The scopes of this client are: {has}."));
    Scopes::parse(sent).filter(|wanted| has.and(*wanted) == Some(*wanted)).ok_or_else(told)
}

async fn form(
    app: &App,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HashMap<String, String>, Refusal> {
    let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let refusal = Refusal::new("invalid_request", "Send the form as application/x-www-form-urlencoded.");
        return Err(Refusal { closes: true, ..refusal });
    }
    let broken = |why: &str| Refusal { closes: true, ..Refusal::new("invalid_request", why) };
    let read = timeout(app.settings.server.body_timeout_seconds.0, payload.to_bytes_limited(FORM)).await;
    let bytes = read.map_err(|_| broken("The form did not arrive in time."))?;
    let bytes = bytes.map_err(|_| broken("The form is too long."))?;
    let bytes = bytes.map_err(|_| broken("The form broke off."))?;
    let mut form = HashMap::new();
    for (name, value) in form_urlencoded::parse(&bytes) {
        if form.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(Refusal::new("invalid_request", "A parameter is there twice; send it once."));
        }
    }
    Ok(form)
}

/// What a client proves itself by.
enum Client {
    Secret {
        id: String,
        secret: Token,
    },
    /// A token of an issuer that it trusts, and the client that it names, if it names one.
    Assertion {
        id: Option<String>,
        token: String,
    },
}

/// The one type of assertions (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Client {
    /// `None` for a client that sends no secret of the form and no assertion, which is as wrong as any.
    fn of(request: &HttpRequest, form: &HashMap<String, String>) -> Result<Option<Self>, Refusal> {
        let in_header = pair(request);
        if let Some(token) = form.get("client_assertion") {
            if in_header.is_some() || form.contains_key("client_secret") {
                return Err(Refusal::new("invalid_request", "Send a secret or an assertion, not both."));
            }
            if form.get("client_assertion_type").map(String::as_str) != Some(JWT_BEARER) {
                let told = format!("The client_assertion_type is {JWT_BEARER}.");
                return Err(Refusal::new("invalid_request", told));
            }
            return Ok(Some(Self::Assertion { id: form.get("client_id").cloned(), token: token.clone() }));
        }
        let in_form = form
            .get("client_secret")
            .map(|secret| (form.get("client_id").cloned().unwrap_or_default(), secret.clone()));
        let (id, secret) = match (in_header, in_form) {
            (Some(_), Some(_)) => {
                return Err(Refusal::new("invalid_request", "Send the secret in one place, header or form."));
            }
            (Some(pair), None) | (None, Some(pair)) => pair,
            (None, None) => return Ok(None),
        };
        Ok(Token::parse_client_secret(&secret).map(|secret| Self::Secret { id, secret }))
    }
}

/// The pair of HTTP Basic, each half encoded like a value of a form (RFC 6749 §2.3.1).
fn pair(request: &HttpRequest) -> Option<(String, String)> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (headers.next(), headers.next()) else { return None };
    let (scheme, sent) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(sent.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |half: &str| percent_decode_str(half).decode_utf8_lossy().into_owned();
    Some((decoded(id), decoded(secret)))
}

/// The client's live secret or its trusted issuer, if it is that of a tenant that the path names; with the assertion that proves it.
async fn authenticate(
    app: &App,
    request: &HttpRequest,
    path: &[String],
    client: Option<&Client>,
) -> Result<Option<(Arc<Grant>, Option<Judged>)>, Refusal> {
    let (key, before) = path.split_last().map_or(("", path), |(key, before)| (key.as_str(), before));
    let host = scim::host(request);
    let region = app.region_of(before, host);
    if let Some(down) = region.and_then(|region| app.regions.down(region.as_str())) {
        return Err(ApiError::RegionDown(down).into());
    }
    let at_path = |grant: &Arc<Grant>| {
        let tenant = grant.tenant();
        tenant.company_key.is(key) && app.is_region(&tenant.region, before, host)
    };
    let (id, secret) = match client {
        None => return Ok(None),
        Some(Client::Secret { id, secret }) => (id, secret),
        Some(Client::Assertion { id, token }) => {
            let mut judged = app.issuers.judge(&app.regions, token, TrustedFor::Assertion).await?;
            while let Some(at) = judged.each.iter().position(|judged| judged.proves(id.as_deref())) {
                let assertion = judged.each.remove(at);
                let registry = &assertion.registry;
                let grant = registry.live(&assertion.whose.key_id, registry.now_ms()).await;
                if let Some(grant) = grant.map_err(ApiError::from)?.filter(at_path) {
                    return Ok(Some((grant, Some(assertion))));
                }
            }
            return Ok(judged.check().map(|()| None)?);
        }
    };
    let grant = match scim::verify(app, secret).await {
        // Whosever the secret is, it does not belong to a region that is served.
        Err(ApiError::RegionDown(_)) => None,
        verified => verified?,
    };
    let fits = |grant: &Arc<Grant>| {
        let is_client: bool = grant.client_id.as_bytes().ct_eq(id.as_bytes()).into();
        is_client && grant.kind == CredentialKind::Oauth && at_path(grant)
    };
    Ok(grant.filter(fits).map(|grant| (grant, None)))
}

/// Counts a wrong client like a wrong token (attack 21).
async fn wrong(
    app: &App,
    request: &HttpRequest,
    client: Option<&Client>,
    region: Option<&RegionCode>,
) -> Refusal {
    let secret = match client {
        Some(Client::Secret { secret, .. }) => Some(secret),
        Some(Client::Assertion { .. }) | None => None,
    };
    let (is_limited, refusal) = match app.count_wrong(request, secret).await {
        Some(seconds) => {
            let refusal = Refusal::new("temporarily_unavailable", "Too many wrong clients from here; wait.");
            (true, Refusal { status: 429, retry_after: Some(seconds), ..refusal })
        }
        None => (false, Refusal::invalid_client()),
    };
    match (is_limited, client) {
        (true, _) => scim::count_refusal(app, region, "limited"),
        (false, Some(Client::Secret { secret, .. })) => scim::count_reason(app, secret, region),
        (false, Some(Client::Assertion { .. })) => scim::count_refusal(app, region, "jwt"),
        (false, None) => scim::count_refusal(app, region, "missing"),
    }
    refusal
}
