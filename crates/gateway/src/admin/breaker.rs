//! A tenant's breaker on mass loss: show, set, release, roll back.

use actix_web::{HttpResponse, web::Data};
use staff::BreakerRequest;

use super::{Problem, acts::Acts, body::Body, people::rules, response::json, tenants::Nothing};
use crate::app::App;

pub(super) async fn show(acts: Acts) -> Result<HttpResponse, Problem> {
    Ok(json(200, &acts.breaker().await?))
}

pub(super) async fn set(acts: Acts, Body(change): Body<BreakerRequest>) -> Result<HttpResponse, Problem> {
    Ok(json(200, &acts.set_breaker(change).await?))
}

pub(super) async fn release(
    app: Data<App>,
    acts: Acts,
    _: Body<Option<Nothing>>,
) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    Ok(json(200, &acts.release_breaker(rules).await?))
}

pub(super) async fn rollback(
    app: Data<App>,
    acts: Acts,
    _: Body<Option<Nothing>>,
) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    Ok(json(200, &acts.roll_breaker_back(rules).await?))
}
