//! The admin API: HTTP in front of the crate `staff`. JSON in and out, problem details on error (RFC 9457). It takes one bearer token
//! and no cookie, so that pages of other origins cannot use it. The command line is its client.

mod acts;
mod audit_trail;
mod body;
mod cells;
mod copies;
mod moves;
mod people;
mod problem;
mod query;
mod response;
mod schemas;
mod seats;
mod tenants;
mod token;
mod tokens;

use actix_web::{
    HttpMessage as _,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    guard,
    middleware::{Next, from_fn},
    web::{self, Data},
};

use provisioning::Act;
use tracing::warn;

pub(crate) use problem::Problem;
pub(crate) use token::AdminToken;

use crate::{
    api_error::Failure,
    app::App,
    http,
    protection::protect,
    request_id,
    telemetry::tally::{TALLY, What},
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
        .route("/suspend", web::post().to(tenants::suspend))
        .route("/resume", web::post().to(tenants::resume))
        .route("/tokens", web::get().to(tokens::list))
        .route("/tokens", web::post().to(tokens::issue))
        .route("/tokens/{key_id}", web::delete().to(tokens::revoke))
        .route("/seats", web::get().to(seats::show))
        .route("/seats", web::patch().to(seats::set))
        .route("/seats/audit", web::get().to(seats::audit))
        .service(schemas::routes())
        .route("/users", web::get().to(people::users))
        .route("/users", web::post().to(people::add))
        .route("/users/{id}", web::get().to(people::user))
        .route("/users/{id}", web::patch().to(people::set))
        .route("/users/{id}", web::delete().to(people::delete))
        .route("/users/{id}/release", web::post().to(people::release))
        .route("/groups", web::get().to(people::groups))
        .route("/groups/{id}", web::get().to(people::group))
        .route("/changes", web::get().to(audit_trail::changes))
        .route("/dropped", web::get().to(tenants::dropped))
        .route("/export", web::get().to(copies::export))
        .route("/move", web::post().to(moves::begin))
        .route("/restore", web::post().to(copies::restore))
        .default_service(web::to(problem::nothing_here));
    let region = web::scope("/regions/{region}")
        .route("/tenants", web::get().to(tenants::all))
        .route("/tenants", web::post().to(tenants::create))
        .route("/cells", web::get().to(cells::all))
        .route("/cells/{cell}", web::patch().to(cells::set))
        .route("/import", web::post().to(copies::import))
        .service(tenant)
        .default_service(web::to(problem::nothing_here));
    config.service(
        web::scope(ROOT)
            .guard(guard::fn_guard(|request| is_the_one_spelling(request.head().uri.path())))
            .app_data(query)
            .app_data(path)
            .wrap(from_fn(staff_only))
            .route("/regions", web::get().to(tenants::regions))
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

/// Checks the admin token before the body is read. Every response passes here and gets the request's id, which the change log has
/// too.
async fn staff_only(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    let act = Act { request_id: request_id::new() };
    request.extensions_mut().insert(act.clone());
    let refused = refusal(&request, &act.request_id).await.or_else(|| query::check(&request).err());
    let answered = match refused {
        Some(problem) => request.error_response(problem),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    let (request, mut response) = answered.into_parts();
    if let Some(told) =
        response.error().and_then(|e| e.as_error::<Problem>()).map(|p| p.tell(&act.request_id))
    {
        response = told;
    }
    protect(response.headers_mut(), &act.request_id);
    Ok(ServiceResponse::new(request, response))
}

/// Why a request is refused: no admin token, a wrong one, or too many wrong ones from its address (attack 21). It is logged, because
/// the sender has reached the inner network.
async fn refusal(request: &ServiceRequest, request_id: &str) -> Option<Problem> {
    let Some(app) = request.app_data::<Data<App>>() else {
        return Some(Problem::new(500, "No application."));
    };
    let sent = http::bearer(request.request()).unwrap_or_default();
    if app.admin_token.admits(sent) {
        http::trust(request.request());
        return None;
    }
    let peer = app.settings.server.trusted_proxies.client_of(request.request());
    let (why, problem) = match app.attempts.wrong(peer, None).await {
        Some(seconds) => ("limited", Failure::too_many_attempts(seconds).into()),
        None => ("unknown", Problem::new(401, "Send the admin token as Authorization: Bearer.")),
    };
    app.metrics.admin_refusals.with_label_values(&[why]).inc();
    let status = problem.status().as_u16();
    let cause = if sent.is_empty() { "no admin token" } else { "a wrong admin token" };
    if TALLY.is_first(What::AdminRequest, status, cause) {
        let peer = peer.map_or_else(String::new, |peer| peer.to_string());
        warn!(request_id, peer, status, cause, "an admin request was refused");
    }
    Some(problem)
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
