//! The admin API: HTTP in front of the crate `staff`. JSON in and out, problem details on error (RFC 9457). It takes a bearer token
//! and no cookie, so that pages of other origins cannot use it. The command line is its client.

mod acts;
mod admin_tokens;
mod audit_trail;
mod body;
mod breaker;
mod cells;
mod copies;
mod credentials;
mod diagnose;
mod explain;
mod health;
mod log;
mod log_level;
mod moves;
mod people;
mod problem;
mod profiles;
mod query;
mod response;
mod schemas;
mod seats;
mod sender;
mod staff_acts;
mod tables;
mod tenants;
mod tick;
mod token;
mod undo;
mod upload;

use std::{net::IpAddr, time::Instant};

use actix_web::{
    HttpMessage as _,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    guard,
    middleware::{Next, from_fn},
    web::{self, Data},
};

use metrics::{Answered, Operation};
use provisioning::Act;
use tenant_registry::{CompanyKey, RegionCode};
use tracing::{Instrument as _, Span, warn};

pub(crate) use problem::Problem;
pub(crate) use token::AdminToken;

use self::sender::Sender;

use crate::{
    api_error::Failure,
    app::App,
    credential::Credential,
    http,
    protection::protect,
    request_id,
    scim::known_method,
    telemetry::{
        in_flight::InFlight,
        tally::{TALLY, What},
        traces::{self, Told},
    },
};

/// The path of the admin API. [`query`] has its parameters.
const ROOT: &str = "/admin/v1";

/// The URL table of the admin API.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    let query = web::QueryConfig::default().error_handler(|error, _| {
        Problem::bad_request(format!("The query is not what this needs: {error}.")).into()
    });
    let path = web::PathConfig::default().error_handler(|_, _| Problem::nothing_here().into());
    let tenant = web::scope("/tenants/{key}")
        .route("", web::get().to(tenants::show))
        .route("", web::patch().to(tenants::set))
        .route("", web::delete().to(tenants::delete))
        .route("/activate", web::post().to(tenants::activate))
        .route("/suspend", web::post().to(tenants::suspend))
        .route("/resume", web::post().to(tenants::resume))
        .route("/credentials", web::get().to(credentials::list))
        .route("/credentials", web::post().to(credentials::add))
        .route("/credentials/{key_id}", web::delete().to(credentials::revoke))
        .route("/credentials/{key_id}/test", web::post().to(credentials::test))
        .route("/tokens", web::get().to(credentials::list_tokens))
        .route("/tokens", web::post().to(credentials::issue_token))
        .route("/tokens/{key_id}", web::delete().to(credentials::revoke))
        .route("/seats", web::get().to(seats::show))
        .route("/seats", web::patch().to(seats::set))
        .route("/seats/audit", web::get().to(seats::audit))
        .route("/seats/waiting", web::get().to(seats::waiting))
        .route("/seats/lines", web::get().to(seats::lines))
        .route("/seats/lines", web::post().to(seats::add_line))
        .route("/seats/lines/{line}", web::delete().to(seats::remove_line))
        .service(schemas::routes())
        .route("/profile", web::get().to(profiles::of_tenant))
        .route("/profile/overrides", web::patch().to(profiles::change_overrides))
        .route("/profile/reapply", web::post().to(profiles::reapply))
        .route("/users", web::get().to(people::users))
        .route("/users", web::post().to(people::add))
        .route("/users/{id}", web::get().to(people::user))
        .route("/users/{id}", web::patch().to(people::set))
        .route("/users/{id}", web::delete().to(people::delete))
        .route("/users/{id}/release", web::post().to(people::release))
        .route("/groups", web::get().to(people::groups))
        .route("/groups/{id}", web::get().to(people::group))
        .route("/groups/{id}/release", web::post().to(people::release_group))
        .route("/breaker", web::get().to(breaker::show))
        .route("/breaker", web::patch().to(breaker::set))
        .route("/breaker/release", web::post().to(breaker::release))
        .route("/breaker/rollback", web::post().to(breaker::rollback))
        .route("/acts", web::get().to(staff_acts::on_tenant))
        .route("/changes", web::get().to(audit_trail::changes))
        .route("/log", web::get().to(log::log))
        .route("/log-level", web::get().to(log_level::of_tenant))
        .route("/log-level", web::put().to(log_level::raise_of_tenant))
        .route("/log-level", web::delete().to(log_level::lower_of_tenant))
        .route("/explain", web::get().to(explain::person))
        .route("/health", web::get().to(health::of_tenant))
        .route("/dropped", web::get().to(tenants::dropped))
        .route("/export", web::get().to(copies::export))
        .route("/preview", web::post().to(tables::preview))
        .route("/reconcile", web::post().to(tables::reconcile))
        .route("/undo", web::post().to(undo::undo))
        .route("/move", web::post().to(moves::begin))
        .route("/restore", web::post().to(copies::restore))
        .default_service(web::to(problem::nothing_here));
    let region = web::scope("/regions/{region}")
        .route("/tenants", web::get().to(tenants::all))
        .route("/tenants", web::post().to(tenants::create))
        .route("/cells", web::get().to(cells::all))
        .route("/cells/{cell}", web::patch().to(cells::set))
        .route("/import", web::post().to(copies::import))
        .route("/acts", web::get().to(staff_acts::in_region))
        .route("/health", web::get().to(health::of_region))
        .route("/log-level", web::get().to(log_level::of_region))
        .route("/log-level", web::put().to(log_level::raise_of_region))
        .route("/log-level", web::delete().to(log_level::lower_of_region))
        .service(tenant)
        .default_service(web::to(problem::nothing_here));
    config.service(
        web::scope(ROOT)
            .guard(guard::fn_guard(|request| is_the_one_spelling(request.head().uri.path())))
            .app_data(query)
            .app_data(path)
            .wrap(from_fn(staff_only))
            .route("/regions", web::get().to(tenants::regions))
            .route("/tokens", web::get().to(admin_tokens::all))
            .route("/tokens", web::post().to(admin_tokens::add))
            .route("/tokens/{name}", web::delete().to(admin_tokens::revoke))
            .route("/acts", web::get().to(staff_acts::everywhere))
            .route("/profiles", web::get().to(profiles::list))
            .route("/profiles", web::post().to(profiles::check))
            .route("/profiles/{name}", web::get().to(profiles::show))
            .route("/profiles/{name}", web::put().to(profiles::put))
            .route("/profiles/{name}", web::delete().to(profiles::remove))
            .route("/diagnose", web::post().to(diagnose::diagnose))
            .route("/signing-keys", web::post().to(credentials::rotate_signing_keys))
            .route("/tick", web::post().to(tick::now))
            .service(region)
            .default_service(web::to(problem::nothing_here)),
    );
}

/// A listener for staff answers 404 to everything but the admin API.
pub(crate) fn nothing_else(config: &mut web::ServiceConfig) {
    config.default_service(web::to(|| async {
        let id = request_id::new();
        let mut response = Problem::nothing_here().tell(&id);
        protect(response.headers_mut(), &id);
        response
    }));
}

/// A proxy that blocks `/admin/` compares the encoded path, but actix-web decodes a path before it finds the route. A needlessly
/// encoded path would pass the proxy and reach the route, so it is not accepted as a path of the admin API.
fn is_the_one_spelling(path: &str) -> bool {
    let encoded =
        path.split('%').skip(1).map(|rest| rest.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()));
    let needless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/\\".contains(&byte);
    let below = path.strip_prefix(ROOT);
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        && encoded.into_iter().all(|byte| byte.is_some_and(|byte| !needless(byte)))
}

/// Checks the token before the body is read. Every response passes here and gets the request's id, which the change log has too.
async fn staff_only(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    let began = Instant::now();
    let app = request.app_data::<Data<App>>().cloned();
    let request_id = match &app {
        Some(app) => app.request_id(request.request()),
        None => request_id::new(),
    };
    let in_flight = app.as_ref().map(|app| InFlight::begin(&app.metrics, ADMIN, request.headers()));
    let span = match &app {
        Some(app) => traces::begin(request.request(), &app.settings.server.trusted_proxies),
        None => Span::none(),
    };
    let answering = async {
        match admit(&request, &request_id).await.and_then(|()| query::check(&request)) {
            Err(problem) => Ok(request.error_response(problem)),
            Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        }
    };
    let answered = answering.instrument(span.clone()).await?;
    let _traced = span.enter();
    note_change(&answered);
    drop(in_flight);
    if let Some(app) = app {
        count(&app, &answered, Begun { at: began, request_id: &request_id });
    }
    let (request, mut response) = answered.into_parts();
    if let Some(told) = response.error().and_then(|e| e.as_error::<Problem>()).map(|p| p.tell(&request_id)) {
        response = told;
    }
    protect(response.headers_mut(), &request_id);
    Ok(ServiceResponse::new(request, response))
}

/// The listener of staff, as metrics name it.
const ADMIN: &str = "admin";

/// A request of staff, as far as its answer does not tell of it.
struct Begun<'a> {
    at: Instant,
    request_id: &'a str,
}

/// Counts a request of staff, and an act where it changes something; ends its span.
fn count(app: &App, answered: &ServiceResponse, begun: Begun<'_>) {
    let pattern = answered.request().match_pattern();
    let route = pattern.as_deref().and_then(|pattern| pattern.strip_prefix(ROOT)).unwrap_or("other");
    let method = known_method(answered.request().method().as_str());
    let status = answered.status();
    let told = Told {
        listener: ADMIN,
        request_id: begun.request_id,
        method,
        route: pattern.as_deref().unwrap_or(route),
        code: status.as_u16(),
        ..Told::default()
    };
    told.end();
    app.metrics.count_answered(&Answered {
        listener: ADMIN,
        region: "none",
        route,
        method,
        code: status.as_str(),
        operation: Operation::Other,
        took: begun.at.elapsed(),
    });
    // Whoever has no admin token has done nothing.
    if answered.request().extensions().contains::<Act>() && !answered.request().method().is_safe() {
        let outcome = match status.as_u16() {
            500.. => "failed",
            400.. => "refused",
            _ => "ok",
        };
        let act = format!("{method} {route}");
        app.metrics.admin_actions.with_label_values(&[act.as_str(), outcome]).inc();
    }
}

/// Notes that a tenant's health is to be looked at, after staff have changed something of it.
fn note_change(answered: &ServiceResponse) {
    let request = answered.request();
    let names = request.match_info().get("region").zip(request.match_info().get("key"));
    let changes = !request.method().is_safe() && answered.status().is_success();
    let Some((region, key)) = names.filter(|_| changes) else { return };
    let named = RegionCode::new(&region.to_ascii_lowercase()).ok().zip(CompanyKey::new(key).ok());
    if let (Some((region, key)), Some(app)) = (named, request.app_data::<Data<App>>()) {
        app.traffic.touch(region, key);
    }
}

/// Gives the request its [`Sender`], and its [`Act`] with the actor.
///
/// # Errors
/// 401 without an admin token or with a wrong one, 429 after too many wrong ones from its address (attack 21), 403 where the token
/// does not reach. These are logged, because the sender has reached the inner network. 503 when a token cannot be looked up.
async fn admit(request: &ServiceRequest, request_id: &str) -> Result<(), Problem> {
    let app = request.app_data::<Data<App>>().ok_or_else(|| Problem::new(500, "No application."))?;
    let sent = Credential::of(request.request());
    let (why, cause, problem) = match Sender::of(app, &sent).await? {
        Some(sender) => {
            http::trust(request.request());
            if sender.reaches(request.path().strip_prefix(ROOT).unwrap_or_default()) {
                let act = Act {
                    request_id: request_id.to_owned(),
                    actor: sender.actor.clone(),
                    sender: provisioning::log::Sender::of_staff(request_id::of_client(request.request())),
                };
                request.extensions_mut().insert(act);
                request.extensions_mut().insert(sender);
                return Ok(());
            }
            let problem = Problem::new(403, format!("{sender}."));
            ("out_of_reach", "an admin token that does not reach this path", problem)
        }
        None => {
            let key_id = match &sent {
                Credential::Staff(token) => Some(token.key_id()),
                Credential::Tenant(_)
                | Credential::Signed(_)
                | Credential::Other(_)
                | Credential::Nothing => None,
            };
            let is_bearer = sent.bearer().is_some();
            let cause = if is_bearer { "a wrong admin token" } else { "no admin token" };
            match app.attempts.wrong(client(app, request), key_id).await {
                Some(seconds) => ("limited", cause, Failure::too_many_attempts(seconds).into()),
                None => {
                    let detail = "Send the admin token as Authorization: Bearer.";
                    ("unknown", cause, Problem::new(401, detail))
                }
            }
        }
    };
    app.metrics.admin_auth_failures.with_label_values(&[why]).inc();
    let code = problem.status().as_u16();
    if TALLY.is_first(What::AdminRequest, code, cause) {
        let peer = client(app, request).map_or_else(String::new, |peer| peer.to_string());
        let trace_id = traces::trace_id();
        warn!(request_id, peer, code, cause, trace_id, "an admin request was refused");
    }
    Err(problem)
}

fn client(app: &App, request: &ServiceRequest) -> Option<IpAddr> {
    app.settings.server.trusted_proxies.client_of(request.request())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_admin_api_has_one_spelling() {
        for path in [
            "/admin/v1",
            "/admin/v1/",
            "/admin/v1/regions/ire/tenants/a/schemas/urn%3Aexample",
            "/admin/v1/%C3%A9",
        ] {
            assert!(is_the_one_spelling(path), "{path}");
        }
        for path in [
            "/",
            "/admin",
            "/admin/v2",
            "/admin/v1x",
            "//admin/v1",
            "/Admin/v1",
            "/%61dmin/v1",
            "/admin%2Fv1",
            "/admin/%761",
            "/admin/v1/%72egions",
            "/admin/v1/regions%2fire",
            "/admin/v1/%2e%2e/x",
            "/admin/v1/%5c",
            "/admin/v1/%",
            "/admin/v1/%4",
            "/admin/v1/%zz",
            "/x/../admin/v1",
            "/admin;x/v1",
        ] {
            assert!(!is_the_one_spelling(path), "{path}");
        }
    }
}
