//! A table of people over HTTP: what it would do to a tenant, and how it differs from the tenant.

use std::{convert::Infallible, sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::ACCEPT,
    rt::{self, task::JoinHandle, time::timeout},
    web::{Bytes, Data, Payload},
};
use futures_util::stream;
use provisioning::{MayWrite, RequestContext, SentPerson, log::Sender, preview::RefusedRow};
use serde::Serialize;
use serde_json::json;
use staff::{PreviewProgress, PreviewRequest, Previewed};
use tenant_registry::Tenant;

use super::{
    Problem,
    acts::Acts,
    copies::MEDIA_TYPE,
    moves::{A_LINE_EVERY, line},
    people::rules,
    response::json,
    upload::Upload,
};
use crate::{api_error::ApiError, app::App, scim::explain, shares::Held};

const TABLE: Upload = Upload { media_type: "text/csv", what: "a table", most: Some(64 << 20) };

/// Most refused rows that are listed: as many as people in a large directory. More only repeat what the first ones say.
const MOST_PROBLEMS: usize = 100_000;

/// What stands for the credential where a hold near quarantine counts by it.
const CREDENTIAL: &str = "preview";

/// A refused row.
#[derive(Serialize)]
struct RowProblem {
    row: u64,
    status: u16,
    detail: String,
}

type Previewing = JoinHandle<Result<Previewed<RowProblem>, Problem>>;

/// One JSON object; or, where the client accepts lines of JSON, how many rows were read, now and then, and at last that object.
pub(super) async fn preview(
    app: Data<App>,
    acts: Acts,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let (rules, tenant) = (rules(&app, &acts).await?, Arc::new(acts.tenant().await?));
    let table = TABLE.receive(&acts.registry, &request, body).await?;
    let turn = turn(&app, &tenant).await?;
    let context = RequestContext {
        request_id: acts.act.request_id.clone(),
        credential: CREDENTIAL.to_owned(),
        may_write: MayWrite::ALL,
        tenant: tenant.region_and_key(),
        sender: Sender::default(),
        sent: SentPerson::default(),
        names_attributes: false,
        tolerance: rules.tolerance(),
        met_before: Vec::new(),
        rules,
        instant: Instant::now(),
        is_trial: true,
    };
    let progress = Arc::<PreviewProgress>::default();
    let refusals_before_hold = i64::from(app.settings.limits.refusals_before_hold);
    let describe = describer(app, tenant, context.attempt());
    let request_of_preview =
        PreviewRequest { table, context, refusals_before_hold, progress: Arc::clone(&progress) };
    let acts = acts.clone();
    let task: Previewing = rt::spawn(async move {
        let _turn = turn;
        Ok(acts.preview(request_of_preview, describe).await?)
    });
    let accept = request.headers().get(ACCEPT);
    if accept.is_some_and(|accept| accept.as_bytes() == MEDIA_TYPE.as_bytes()) {
        let lines = stream::unfold(Some((task, progress)), next_line);
        return Ok(HttpResponse::Ok().content_type(MEDIA_TYPE).streaming(lines));
    }
    Ok(json(200, &task.await.map_err(|_| broke_off())??))
}

/// The tenant's share of work in the background.
async fn turn(app: &App, tenant: &Tenant) -> Result<Held, Problem> {
    app.shares.work_on_a_table(tenant).await.map_err(|error| ApiError::from(error).failure().into())
}

fn broke_off() -> Problem {
    Problem::new(500, "It broke off, and nothing was changed.")
}

/// Says of a refused row what the identity provider would be told.
fn describer(
    app: Data<App>,
    tenant: Arc<Tenant>,
    context: RequestContext,
) -> impl FnMut(RefusedRow) -> Option<RowProblem> {
    let mut listed = 0;
    move |RefusedRow { row, error, not_done }| {
        listed += 1;
        if listed > MOST_PROBLEMS {
            return None;
        }
        let error = explain(&app, &tenant, &context, not_done, error.into());
        let error = error.to_scim(&context.request_id);
        Some(RowProblem { row, status: error.status, detail: error.detail })
    }
}

async fn next_line(
    running: Option<(Previewing, Arc<PreviewProgress>)>,
) -> Option<(Result<Bytes, Infallible>, Option<(Previewing, Arc<PreviewProgress>)>)> {
    let (mut task, far) = running?;
    match timeout(A_LINE_EVERY, &mut task).await {
        Err(_goes_on) => Some((Ok(line(&json!({ "read": far.rows() }))), Some((task, far)))),
        Ok(Ok(Ok(done))) => Some((Ok(line(&json!(done))), None)),
        Ok(Ok(Err(problem))) => Some((Ok(line(&json!({ "error": problem.to_string() }))), None)),
        Ok(Err(_)) => Some((Ok(line(&json!({ "error": broke_off().to_string() }))), None)),
    }
}

pub(super) async fn reconcile(
    app: Data<App>,
    acts: Acts,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let (rules, tenant) = (rules(&app, &acts).await?, acts.tenant().await?);
    let table = TABLE.receive(&acts.registry, &request, body).await?;
    let turn = turn(&app, &tenant).await?;
    let acts = acts.clone();
    let comparing = rt::spawn(async move {
        let _turn = turn;
        acts.reconcile(rules, table).await
    });
    Ok(json(200, &comparing.await.map_err(|_| broke_off())??))
}
