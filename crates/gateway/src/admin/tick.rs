//! The tick, now: for tests, and for staff who do not want to wait a minute.

use actix_web::{HttpResponse, web::Data};

use super::{Problem, body::Body, response::json, tenants::Nothing};
use crate::{app::App, tick};

pub(super) async fn now(app: Data<App>, _: Body<Option<Nothing>>) -> Result<HttpResponse, Problem> {
    // A task of its own, so that it is ended when the client hangs up.
    let ticking = actix_web::rt::spawn(async move { tick::now(&app).await });
    let done = ticking.await.map_err(|_| Problem::new(500, "The tick broke off; see the log."))?;
    Ok(json(200, &done.map_err(|error| error.failure())?))
}
