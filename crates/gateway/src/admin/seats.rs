//! A tenant's plan: show, set, its dated lines, who waits, audit. A change takes effect with the next request.

use actix_web::{HttpResponse, web::Path};
use serde_json::{Map, Value};
use staff::{NewLine, PlanChange, SeatsOf};

use super::{Problem, acts::Acts, body::Body, response::json};

pub(super) async fn show(acts: Acts) -> Result<HttpResponse, Problem> {
    Ok(by_license(&acts.seats().await?))
}

pub(super) async fn set(acts: Acts, Body(change): Body<PlanChange>) -> Result<HttpResponse, Problem> {
    Ok(by_license(&acts.change_plan(change).await?))
}

fn by_license(seats: &[SeatsOf]) -> HttpResponse {
    let of = |seats: &SeatsOf| serde_json::to_value(seats).unwrap_or_default();
    let seats: Map<String, Value> =
        seats.iter().map(|seats| (seats.pool.license.key().to_owned(), of(seats))).collect();
    json(200, &seats)
}

pub(super) async fn waiting(acts: Acts) -> Result<HttpResponse, Problem> {
    Ok(json(200, &acts.waiting().await?))
}

pub(super) async fn lines(acts: Acts) -> Result<HttpResponse, Problem> {
    Ok(json(200, &acts.lines().await?))
}

pub(super) async fn add_line(acts: Acts, Body(line): Body<NewLine>) -> Result<HttpResponse, Problem> {
    Ok(json(201, &acts.add_line(line).await?))
}

pub(super) async fn remove_line(
    acts: Acts,
    path: Path<(String, String, i64)>,
) -> Result<HttpResponse, Problem> {
    if acts.remove_line(path.2).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(Problem::new(404, format!("This tenant has no line {}.", path.2)))
}

pub(super) async fn audit(acts: Acts) -> Result<HttpResponse, Problem> {
    Ok(json(200, &acts.audit().await?))
}
