//! Profiles of the process, and the profile of one tenant.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{ACCEPT, CONTENT_ENCODING},
    rt::{self, task::JoinHandle, time::timeout},
    web::{Bytes, Data, Path, Query, ReqData},
};
use futures_util::stream;
use provisioning::{Act, reapply::Reapplied};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use staff::{MAX_PROFILE_BYTES, Profiles, ReapplyProgress, StaffError};

use super::{
    Problem,
    acts::Acts,
    body::Body,
    copies::MEDIA_TYPE,
    moves::{A_LINE_EVERY, line},
    people::rules,
    response::json,
    tenants::Nothing,
};
use crate::{api_error::Failure, app::App, http};

/// A body in TOML.
pub(super) struct Toml(String);

impl FromRequest for Toml {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_toml = request.content_type().eq_ignore_ascii_case("application/toml");
        let is_plain = !request.headers().contains_key(CONTENT_ENCODING);
        let payload = actix_web::web::Payload::from_request(request, payload);
        Box::pin(async move {
            if !is_toml || !is_plain {
                return Err(Problem::new(
                    415,
                    "Send the profile as application/toml, without Content-Encoding.",
                ));
            }
            let too_long =
                |_| Problem::new(413, format!("The profile is longer than {MAX_PROFILE_BYTES} bytes."));
            let broken = |_| Problem::bad_request("The body broke off or was not framed as its headers say.");
            let payload = payload.await.map_err(broken)?;
            let bytes =
                payload.to_bytes_limited(MAX_PROFILE_BYTES).await.map_err(too_long)?.map_err(broken)?;
            let text = String::from_utf8(bytes.to_vec());
            text.map(Self).map_err(|_| Problem::bad_request("The body is no text in UTF-8."))
        })
    }
}

/// The profiles of all regions that this process serves.
///
/// # Errors
/// 503 while one of them is not served: a profile is in all of them or in none.
fn profiles(app: &App, act: &Act) -> Result<Profiles, Problem> {
    let registries = app.regions.registries().collect::<Result<Vec<_>, _>>()?;
    Ok(Profiles { registries, act: act.clone() })
}

pub(super) async fn list(app: Data<App>, act: ReqData<Act>) -> Result<HttpResponse, Problem> {
    Ok(json(200, &profiles(&app, &act)?.list().await?))
}

pub(super) async fn show(
    app: Data<App>,
    act: ReqData<Act>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(json(200, &profiles(&app, &act)?.show(&name).await?))
}

#[derive(Deserialize)]
pub(super) struct Check {
    #[serde(default)]
    check: bool,
    name: Option<String>,
}

/// Tells all faults of a text, and stores nothing.
pub(super) async fn check(
    app: Data<App>,
    act: ReqData<Act>,
    Query(asked): Query<Check>,
    Toml(text): Toml,
) -> Result<HttpResponse, Problem> {
    let Check { check: true, name: Some(name) } = asked else {
        let detail = "Say check=true and name=NAME to check a profile; PUT it to its name to add it.";
        return Err(Problem::bad_request(detail));
    };
    profiles(&app, &act)?.check(&name, &text)?;
    Ok(json(200, &json!({ "name": name, "faults": [] })))
}

pub(super) async fn put(
    app: Data<App>,
    act: ReqData<Act>,
    name: Path<String>,
    Toml(text): Toml,
) -> Result<HttpResponse, Problem> {
    let profiles = profiles(&app, &act)?;
    // All regions get it, also when the client disconnects.
    let adding = rt::spawn(async move { profiles.put(&name, &text).await });
    let added = adding.await.map_err(|_| Problem::new(500, "Adding it broke off; add it again."))??;
    Ok(json(200, &added))
}

pub(super) async fn remove(
    app: Data<App>,
    act: ReqData<Act>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let profiles = profiles(&app, &act)?;
    let removing = rt::spawn(async move { profiles.remove(&name).await });
    removing.await.map_err(|_| Problem::new(500, "Removing it broke off; remove it again."))??;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) async fn of_tenant(acts: Acts) -> Result<HttpResponse, Problem> {
    Ok(json(200, &acts.profile().await?))
}

pub(super) async fn change_overrides(
    acts: Acts,
    Body(patch): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let acts = acts.clone();
    // What was begun is completed or undone, also when the client disconnects.
    let changing = rt::spawn(async move { acts.change_overrides(&patch).await });
    let changed = changing.await.map_err(|_| Problem::new(500, "The change broke off; make it again."))??;
    Ok(json(200, &changed))
}

#[derive(Deserialize)]
pub(super) struct HowToReapply {
    #[serde(default)]
    dry_run: bool,
}

type Reapplying = JoinHandle<Result<Reapplied, StaffError>>;

/// One JSON object; or, where the client accepts lines of JSON, how far it is, now and then, and at last that object.
pub(super) async fn reapply(
    app: Data<App>,
    acts: Acts,
    request: HttpRequest,
    Query(asked): Query<HowToReapply>,
    _: Body<Option<Nothing>>,
) -> Result<HttpResponse, Problem> {
    let rules = rules(&app, &acts).await?;
    http::allow_long(&request);
    let (acts, progress) = (acts.clone(), Arc::<ReapplyProgress>::default());
    let far = Arc::clone(&progress);
    let task = rt::spawn(async move { acts.reapply(rules, asked.dry_run, progress).await });
    let accept = request.headers().get(ACCEPT);
    if accept.is_some_and(|accept| accept.as_bytes() == MEDIA_TYPE.as_bytes()) {
        let lines = stream::unfold(Some((task, far)), next_line);
        return Ok(HttpResponse::Ok().content_type(MEDIA_TYPE).streaming(lines));
    }
    let done = task.await.map_err(|_| Problem::new(500, "It broke off, and nothing was changed."))??;
    Ok(json(200, &done))
}

async fn next_line(
    running: Option<(Reapplying, Arc<ReapplyProgress>)>,
) -> Option<(Result<Bytes, Infallible>, Option<(Reapplying, Arc<ReapplyProgress>)>)> {
    let (mut task, far) = running?;
    match timeout(A_LINE_EVERY, &mut task).await {
        Err(_goes_on) => {
            let so_far = json!({ "read": far.read(), "of": far.people() });
            Some((Ok(line(&so_far)), Some((task, far))))
        }
        Ok(Ok(Ok(done))) => Some((Ok(line(&json!(done))), None)),
        Ok(Ok(Err(error))) => Some((Ok(line(&json!({ "error": Failure::from(&error).detail }))), None)),
        Ok(Err(_)) => Some((Ok(line(&json!({ "error": "It broke off, and nothing was changed." }))), None)),
    }
}
