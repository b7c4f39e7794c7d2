//! `POST …/move`: a tenant moves, in a task of its own. The answer is lines of JSON: how far it has come, now and then, and at last
//! the tenant, or why it did not move. So the client needs no second request, which another process might get.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    rt::{self, task::JoinHandle, time::timeout},
    web::{Bytes, Data, ReqData},
};
use futures_util::stream;
use serde_json::{Value, json};
use staff::{Begun, MoveRequest, StaffError};
use tenant_registry::{Progress, Registry, Tenant};
use tracing::{error, info};

use super::{
    Problem, acts::Acts, body::Body, copies::MEDIA_TYPE, response::json, sender::Sender, tenants::tenant_json,
};
use crate::{api_error::Failure, app::App, http};

/// Between two lines.
pub(super) const A_LINE_EVERY: Duration = Duration::from_millis(250);

/// A move that runs.
struct Running {
    app: Data<App>,
    progress: Arc<Progress>,
    task: JoinHandle<Result<Tenant, StaffError>>,
}

pub(super) async fn begin(
    app: Data<App>,
    acts: Acts,
    sender: ReqData<Sender>,
    request: HttpRequest,
    Body(wanted): Body<MoveRequest>,
) -> Result<HttpResponse, Problem> {
    wanted.to_region.as_ref().map_or(Ok(()), |code| sender.may_move_to(code))?;
    let region = wanted.to_region.as_ref().map(|code| region(&app, code)).transpose()?;
    http::allow_long(&request);
    let acts = acts.clone();
    let (code, key) = (acts.registry.region().clone(), acts.key.clone());
    let beginning = rt::spawn(async move { acts.begin_move(wanted.to_cell, region).await });
    let begun =
        beginning.await.map_err(|_| Problem::new(500, "The move broke off; move the tenant again."))??;
    let moving = match begun {
        Begun::There(tenant) => return Ok(json(200, &tenant_json(&app, &tenant))),
        Begun::Moving(moving) => moving,
    };
    let progress = moving.progress();
    let done = Arc::clone(&progress);
    // It goes on when the client disconnects.
    let task = rt::spawn(async move {
        let moved = moving.run().await;
        match &moved {
            Ok(_) => {
                info!(region = %code, key = %key, rows = done.rows(), bytes = done.bytes(), "a tenant was moved")
            }
            Err(cause) => error!(region = %code, key = %key, error = %cause, "a tenant was not moved"),
        }
        Ok(moved?)
    });
    let lines = stream::unfold(Some(Running { app, progress, task }), next_line);
    Ok(HttpResponse::Ok().content_type(MEDIA_TYPE).streaming(lines))
}

fn region(app: &App, code: &tenant_registry::RegionCode) -> Result<Arc<Registry>, Problem> {
    let served = app.regions.get(code);
    Ok(served.ok_or_else(|| Problem::new(400, format!("This process does not serve region {code}.")))??)
}

async fn next_line(
    running: Option<Running>,
) -> Option<(Result<Bytes, std::convert::Infallible>, Option<Running>)> {
    let mut running = running?;
    match timeout(A_LINE_EVERY, &mut running.task).await {
        Err(_goes_on) => {
            let far = json!({
                "rows": running.progress.rows(),
                "all_rows": running.progress.all_rows(),
                "bytes": running.progress.bytes(),
            });
            Some((Ok(line(&far)), Some(running)))
        }
        Ok(ended) => Some((Ok(line(&last(&running.app, ended))), None)),
    }
}

fn last(app: &App, ended: Result<Result<Tenant, StaffError>, rt::task::JoinError>) -> Value {
    match ended {
        Ok(Ok(tenant)) => tenant_json(app, &tenant),
        Ok(Err(error)) => json!({ "error": Failure::from(&error).detail }),
        Err(_) => json!({ "error": "The move broke off; it is completed or undone within seconds." }),
    }
}

/// A line of such an answer.
pub(super) fn line(value: &Value) -> Bytes {
    format!("{value}\n").into()
}
