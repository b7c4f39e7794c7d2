//! Undo of a run over HTTP.

use actix_web::{HttpRequest, HttpResponse, rt, web::Data};
use staff::UndoRequest;

use super::{Problem, acts::Acts, body::Body, people::rules, response::json};
use crate::{app::App, http};

pub(super) async fn undo(
    app: Data<App>,
    acts: Acts,
    request: HttpRequest,
    Body(asked): Body<UndoRequest>,
) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    http::allow_long(&request);
    let acts = acts.clone();
    // It is completed, also when the client disconnects.
    let undoing = rt::spawn(async move { acts.undo(rules, asked).await });
    let done = undoing.await.map_err(|_| Problem::new(500, "It broke off, and nothing was changed."))??;
    Ok(json(200, &done))
}
