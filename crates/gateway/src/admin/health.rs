//! What a tenant needs a hand for, and which tenants of a region do.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use provisioning::{health::Finding, timestamp::iso};
use serde_json::{Map, Value, json};
use staff::Health;

use super::{
    Problem,
    acts::{Acts, OfRegion},
    response,
};
use crate::{app::App, health_writer};

pub(super) async fn of_tenant(acts: Acts, app: Data<App>) -> Result<HttpResponse, Problem> {
    let health = health_writer::look(&app, acts.registry.region(), &acts.key).await;
    Ok(response::json(200, &told(&health.map_err(|error| error.failure())?)))
}

fn told(health: &Health) -> Value {
    let Health { findings, idps, credentials, pools } = health;
    let seats: Map<String, Value> = pools
        .iter()
        .map(|pool| (pool.license.key().to_owned(), serde_json::to_value(pool).unwrap_or_default()))
        .collect();
    json!({
        "status": if findings.is_empty() { "ok" } else { "attention" },
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
        "idps": idps,
        "credentials": credentials,
        "seats": seats,
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "code": finding.code,
        "since": finding.since_ms.map(iso),
        "sentence": finding.sentence,
        "do": finding.steps,
    })
}

/// Every tenant of a region that needs a hand, the worst first.
pub(super) async fn of_region(of: OfRegion, _: Path<String>) -> Result<HttpResponse, Problem> {
    let region = of.registry.region();
    let needs = staff::needing_a_hand(&of.registry).await?;
    let told = needs.iter().map(|needs| {
        json!({
            "tenant": format!("{region}/{}", needs.key),
            "codes": needs.codes,
            "since": iso(needs.since_ms),
        })
    });
    Ok(response::json(200, &told.collect::<Vec<_>>()))
}
