//! Tokens of a tenant: issue (shown once), list, revoke.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Query},
};
use provisioning::timestamp::iso;
use serde::Deserialize;
use serde_json::{Value, json};
use tenant_registry::CredentialInfo;

use super::{Problem, body::Body, json, query::Page, tenants::place};
use crate::app::App;

const DAY_MS: i64 = 86_400_000;
/// Ten years.
const MAX_DAYS: i64 = 3_660;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issue {
    expires_in_days: Option<i64>,
}

pub(super) async fn issue(
    app: Data<App>,
    path: Path<(String, String)>,
    Body(issue): Body<Option<Issue>>,
) -> Result<HttpResponse, Problem> {
    let (registry, key) = place(&app, &path.0, &path.1)?;
    let days = issue.and_then(|issue| issue.expires_in_days);
    if days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        return Err(Problem::bad_request(format!("expires_in_days is 1 to {MAX_DAYS}.")));
    }
    let expires_ms = days.map(|days| registry.now_ms() + days * DAY_MS);
    let issued = registry.issue_token(&key, expires_ms).await?;
    Ok(json(
        201,
        &json!({
            "base_url": app.base(&issued.tenant).0,
            "token": issued.token.reveal(),
            "key_id": issued.token.key_id(),
            "expires": issued.expires_ms.map(iso),
        }),
    ))
}

/// Oldest first, ended ones included.
pub(super) async fn list(
    app: Data<App>,
    path: Path<(String, String)>,
    Query(page): Query<Page>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (registry, key) = place(&app, &path.0, &path.1)?;
    let tokens = registry.tokens(&key, page.after.clone(), page.limit() + 1).await?;
    Ok(page.answer(tokens.iter().map(token_json).collect(), "key_id", request.path()))
}

fn token_json(token: &CredentialInfo) -> Value {
    json!({
        "key_id": token.key_id,
        "created": iso(token.created_ms),
        "expires": token.expires_ms.map(iso),
        "revoked": token.revoked_ms.map(iso),
        "last_used": token.last_used_ms.map(iso),
    })
}

pub(super) async fn revoke(
    app: Data<App>,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (registry, key) = place(&app, &path.0, &path.1)?;
    registry.revoke_token(&key, &path.2).await?;
    Ok(HttpResponse::NoContent().finish())
}
