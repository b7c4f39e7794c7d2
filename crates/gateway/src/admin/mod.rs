//! The admin API: the one door for staff. JSON in and out, problem details on error (RFC 9457), one bearer token, no cookie, so
//! no page of another origin can act in somebody's name. The command line is its thin client.

mod audit_trail;
mod problem;
mod schemas;
mod seats;
mod tenants;
mod token;
mod tokens;

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::AUTHORIZATION,
    middleware::{Next, from_fn},
    web::{self, Data},
};

use provisioning::Act;

pub(crate) use problem::Problem;
pub(crate) use token::AdminToken;

use crate::{app::App, protection::protect, request_id};

/// Largest body of an admin request, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// The URL table of the admin API.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    let json = web::JsonConfig::default().limit(BODY_LIMIT).error_handler(|error, _| {
        Problem::bad_request(format!("The body is not what this needs: {error}.")).into()
    });
    let query = web::QueryConfig::default().error_handler(|error, _| {
        Problem::bad_request(format!("The query is not what this needs: {error}.")).into()
    });
    let path = web::PathConfig::default().error_handler(|_, _| nowhere().into());
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
        .route("/changes", web::get().to(audit_trail::changes))
        .route("/dropped", web::get().to(tenants::dropped))
        .default_service(web::to(nothing_here));
    let region = web::scope("/regions/{region}")
        .route("/tenants", web::get().to(tenants::list))
        .route("/tenants", web::post().to(tenants::create))
        .service(tenant)
        .default_service(web::to(nothing_here));
    config.service(
        web::scope("/admin/v1")
            .app_data(json)
            .app_data(query)
            .app_data(path)
            .app_data(web::PayloadConfig::default().limit(BODY_LIMIT))
            .wrap(from_fn(staff_only))
            .route("/regions", web::get().to(tenants::regions))
            .service(region)
            .default_service(web::to(nothing_here)),
    );
}

async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(nowhere())
}

fn nowhere() -> Problem {
    Problem::new(404, "There is nothing at this path, or it does not take this method.")
}

/// Every route below is for the holder of the admin token alone; checked before a body byte is read. Every answer leaves through
/// here, so that all bear their request's id, which the change log has too.
async fn staff_only(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    let act = Act { request_id: request_id::new() };
    request.extensions_mut().insert(act.clone());
    let answered = match refusal(&request) {
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

/// Why a request is not heard: no admin token, or too many wrong ones from its address (attack 21).
fn refusal(request: &ServiceRequest) -> Option<Problem> {
    let Some(app) = request.app_data::<Data<App>>() else {
        return Some(Problem::new(500, "No application."));
    };
    if app.admin_token.admits(&bearer(request.request())) {
        return None;
    }
    Some(match app.attempts.wrong(request.peer_addr().map(|a| a.ip()), None) {
        Some(seconds) => Problem::too_many_attempts(seconds),
        None => Problem::new(401, "Send the admin token as Authorization: Bearer."),
    })
}

/// The one bearer token, or an empty text that admits nobody.
fn bearer(request: &HttpRequest) -> String {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (headers.next(), headers.next()) else { return String::new() };
    let parts = header.to_str().ok().and_then(|text| text.split_once(' '));
    parts
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, t)| t.trim().to_owned())
        .unwrap_or_default()
}

/// A JSON answer.
fn json(status: u16, body: &serde_json::Value) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or(actix_web::http::StatusCode::OK);
    HttpResponse::build(status).content_type("application/json; charset=utf-8").body(body.to_string())
}
