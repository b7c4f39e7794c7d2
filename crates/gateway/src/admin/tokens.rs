//! Tokens of a tenant: issue (shown once), list, revoke.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Query},
};
use provisioning::timestamp::iso;
use serde::Deserialize;
use serde_json::{Value, json};
use tenant_registry::CredentialInfo;

use super::{Problem, acts::Acts, body::Body, query::Page, response::json};
use crate::app::App;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issue {
    expires_in_days: Option<i64>,
}

pub(super) async fn issue(
    app: Data<App>,
    acts: Acts,
    Body(issue): Body<Option<Issue>>,
) -> Result<HttpResponse, Problem> {
    let issued = acts.issue_token(issue.and_then(|issue| issue.expires_in_days)).await?;
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
    acts: Acts,
    Query(page): Query<Page>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let tokens = acts.tokens(page.after.clone(), page.limit() + 1).await?;
    Ok(page.answer(tokens.iter().map(token_json).collect(), "key_id", request.path()))
}

fn token_json(token: &CredentialInfo) -> Value {
    json!({
        "key_id": token.key_id,
        "created": iso(token.created_ms),
        "expires": token.expires_ms.map(iso),
        "revoked": token.revoked_ms.map(iso),
        "last_used": token.last_used_ms.map(iso),
        "made_by": Some(&token.maker).filter(|maker| !maker.is_empty()),
    })
}

pub(super) async fn revoke(
    acts: Acts,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    acts.revoke_token(&path.2).await?;
    Ok(HttpResponse::NoContent().finish())
}
