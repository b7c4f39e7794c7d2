//! A tenant's plan: show, set, audit. A change takes effect with the next request.

use actix_web::HttpResponse;
use seat_ledger::pools::Pool;
use serde_json::{Map, Value};
use staff::PlanChange;

use super::{Problem, acts::Acts, body::Body, response::json};

pub(super) async fn show(acts: Acts) -> Result<HttpResponse, Problem> {
    Ok(by_license(&acts.pools().await?))
}

pub(super) async fn set(acts: Acts, Body(change): Body<PlanChange>) -> Result<HttpResponse, Problem> {
    Ok(by_license(&acts.change_plan(change).await?))
}

fn by_license(pools: &[Pool]) -> HttpResponse {
    let of = |pool: &Pool| serde_json::to_value(pool).unwrap_or_default();
    let pools: Map<String, Value> =
        pools.iter().map(|pool| (pool.license.key().to_owned(), of(pool))).collect();
    json(200, &pools)
}

pub(super) async fn audit(acts: Acts) -> Result<HttpResponse, Problem> {
    Ok(json(200, &acts.audit().await?))
}
