//! `GET /livez`: the process runs. `GET /readyz`: it takes requests. `GET /metrics` and `GET /metrics/tenants`, on a listener of their own.

use actix_web::{HttpResponse, web};

use crate::{
    app::App,
    http::Connections,
    refusal_page,
    telemetry::{observed::observe, tenants},
};

/// The routes on the main listener.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    probes(config);
    config.route("/s/{reference}", web::get().to(refusal_page::page));
}

/// What service managers and load balancers ask; also the routes on the probes' own listener. Some ask with HEAD.
pub(crate) fn probes(config: &mut web::ServiceConfig) {
    config.route("/livez", web::get().to(livez)).route("/livez", web::head().to(livez));
    config.route("/readyz", web::get().to(readyz)).route("/readyz", web::head().to(readyz));
}

/// The routes on the metrics listener.
pub(crate) fn metrics_routes(config: &mut web::ServiceConfig) {
    config.route("/metrics", web::get().to(metrics));
    config.route("/metrics/tenants", web::get().to(metrics_of_tenants));
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Ready as long as one region is served: taking this process out of the proxy for one that is not would end the others too.
/// Why it is not is for staff to see; the admin API tells.
async fn readyz(app: web::Data<App>) -> HttpResponse {
    let regions: Vec<_> = app.regions.all().map(|(code, why)| (code, why.is_none())).collect();
    let (mut answer, word) = match (app.is_ready(), regions.iter().any(|(_, served)| *served)) {
        (false, _) => (HttpResponse::ServiceUnavailable(), "stopping"),
        (true, false) => (HttpResponse::ServiceUnavailable(), "no region is served"),
        (true, true) => (HttpResponse::Ok(), "ready"),
    };
    let states: String = regions
        .into_iter()
        .map(|(code, served)| format!("{code} {}\n", if served { "served" } else { "down" }))
        .collect();
    answer.content_type("text/plain; charset=utf-8").body(format!("{word}\n{states}"))
}

/// The form of text that Prometheus reads.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

async fn metrics(app: web::Data<App>, connections: web::Data<Connections>) -> HttpResponse {
    observe(&app, &connections).await;
    HttpResponse::Ok().content_type(EXPOSITION).body(app.metrics.text())
}

async fn metrics_of_tenants(app: web::Data<App>) -> HttpResponse {
    match tenants::metrics_of_tenants(&app).await {
        Ok(text) => HttpResponse::Ok().content_type(EXPOSITION).body(text),
        Err(error) => HttpResponse::InternalServerError().body(format!("{error}\n")),
    }
}
