//! Credentials of a tenant: add (the secret is shown once), list, test, revoke. `tokens` is the older name of the bearer tokens among them.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Query, ReqData},
};
use provisioning::{Act, timestamp::iso};
use serde::Deserialize;
use serde_json::{Value, json};
use staff::{CredentialRequest, expiry_warning};
use tenant_registry::{
    CredentialInfo, CredentialKind, IssuedCredential, KeySource, RegionCode, Registry, Scope, Trust,
    TrustedFor,
};

use super::{
    Problem,
    acts::{Acts, registry_of},
    body::Body,
    query::Page,
    response::{json, with},
};
use crate::{app::App, issuers::Issuers};

/// Without a secret there is no key to sign with.
const NO_KEY: &str = "This process cannot sign access tokens: name a file with a secret by the setting auth.key_file, the same for all \
                      processes.";

/// The body of `POST …/tokens`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issue {
    expires_in_days: Option<i64>,
}

pub(super) async fn issue_token(
    app: Data<App>,
    acts: Acts,
    Body(issue): Body<Option<Issue>>,
) -> Result<HttpResponse, Problem> {
    let expires_in_days = issue.and_then(|issue| issue.expires_in_days);
    let new = CredentialRequest { expires_in_days, ..CredentialRequest::default() };
    Ok(issued(&app, &acts.add_credential(new).await?))
}

pub(super) async fn add(
    app: Data<App>,
    acts: Acts,
    Body(new): Body<CredentialRequest>,
) -> Result<HttpResponse, Problem> {
    let is_client = new.kind == CredentialKind::Oauth || new.purpose == Some(TrustedFor::Assertion);
    if is_client && !app.access.keys.can_sign() {
        return Err(Problem::bad_request(NO_KEY));
    }
    if let Some(url) = &new.jwks_url {
        app.issuers.check_url(url.trim()).map_err(Problem::bad_request)?;
    }
    let jwks = new.jwks.as_ref().map(Issuers::set_to_keep).transpose().map_err(Problem::bad_request)?;
    let new = CredentialRequest { jwks, ..new };
    Ok(issued(&app, &acts.add_credential(new).await?))
}

fn issued(app: &App, issued: &IssuedCredential) -> HttpResponse {
    let IssuedCredential { token, client_id, trust, expires_ms, tenant } = issued;
    let told = json!({
        "key_id": token.key_id(),
        "kind": token.kind(),
        "base_url": app.base(tenant).0,
    });
    let token_url = || format!("{}/oauth/token", app.issuer(&tenant.region, &tenant.company_key));
    let told = match (token.kind(), token.pair()) {
        (CredentialKind::Issuer, _) => {
            let told = with(told, trust.iter().flat_map(trusted));
            let client = Some(client_id).filter(|client| !client.is_empty());
            let client =
                client.map(|client| [("client_id", json!(client)), ("token_url", token_url().into())]);
            with(told, client.into_iter().flatten())
        }
        (CredentialKind::Oauth, _) => {
            let token_url = token_url();
            let client = [
                ("client_id", client_id.as_str().into()),
                ("client_secret", token.reveal().into()),
                ("token_url", token_url.into()),
            ];
            with(told, client)
        }
        (_, Some((key, secret))) => with(told, [("key", key.into()), ("secret", secret.into())]),
        (_, None) => with(told, [("token", token.reveal().into())]),
    };
    json(201, &with(told, [("expires", json!(expires_ms.map(iso)))]))
}

/// The members that tell of a trust. Keys that came with the trust are not shown.
fn trusted(trust: &Trust) -> [(&'static str, Value); 6] {
    let jwks_url = match &trust.keys {
        KeySource::Url(url) => Some(url),
        KeySource::Set(_) => None,
    };
    [
        ("issuer", json!(trust.issuer)),
        ("audiences", json!(trust.audiences)),
        ("jwks_url", json!(jwks_url)),
        ("algorithms", json!(trust.algorithms)),
        ("claims", json!(trust.claims)),
        ("for", json!(trust.purpose)),
    ]
}

/// Oldest first, ended ones included.
pub(super) async fn list(
    acts: Acts,
    Query(page): Query<Page>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    list_of(acts, None, page, &request).await
}

pub(super) async fn list_tokens(
    acts: Acts,
    Query(page): Query<Page>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    list_of(acts, Some(CredentialKind::Bearer), page, &request).await
}

async fn list_of(
    acts: Acts,
    kind: Option<CredentialKind>,
    page: Page,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let now_ms = acts.registry.now_ms();
    let listed = acts.credentials(kind, page.after.clone(), page.limit() + 1).await?;
    let shown = listed.iter().map(|info| shown(info, now_ms)).collect();
    Ok(page.answer(shown, "key_id", request.path()))
}

fn shown(info: &CredentialInfo, now_ms: i64) -> Value {
    let told = json!({
        "key_id": info.key_id,
        "kind": info.kind,
        "scopes": info.scopes.iter().collect::<Vec<Scope>>(),
        "made_by": Some(&info.made_by).filter(|maker| !maker.is_empty()),
        "created": iso(info.created_ms),
        "expires": info.expires_ms.map(iso),
        "revoked": info.revoked_ms.map(iso),
        "last_used": info.last_used_ms.map(iso),
        "warning": expiry_warning(info, now_ms),
        "client_id": Some(&info.client_id).filter(|client| !client.is_empty()),
        "note": Some(&info.note).filter(|note| !note.is_empty()),
    });
    with(told, info.trust.iter().flat_map(trusted))
}

/// The body of `POST /signing-keys`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotate {
    region: Option<RegionCode>,
}

/// Makes a new key that signs access tokens, in one region or in all that are served. What the old ones signed stays valid.
pub(super) async fn rotate_signing_keys(
    app: Data<App>,
    act: ReqData<Act>,
    Body(rotate): Body<Option<Rotate>>,
) -> Result<HttpResponse, Problem> {
    let registries: Vec<Arc<Registry>> = match rotate.and_then(|rotate| rotate.region) {
        Some(code) => vec![registry_of(&app, &code)?],
        None => app.regions.registries().collect::<Result<_, _>>()?,
    };
    let mut made = Vec::new();
    for registry in registries {
        let key = app.access.keys.rotate(&registry, staff::by(&act)).await?;
        let (kid, created_ms) = key.ok_or_else(|| Problem::bad_request(NO_KEY))?;
        made.push(json!({ "region": registry.region(), "kid": kid, "created": iso(created_ms) }));
    }
    Ok(json(200, &made))
}

/// Whether a request with this credential would be served now.
pub(super) async fn test(
    app: Data<App>,
    acts: Acts,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let tested = acts.test_credential(&path.2).await?;
    let shown = shown(&tested.info, acts.registry.now_ms());
    let more = [
        ("credential", tested.credential.into()),
        ("provisioning", json!(tested.provisioning)),
        ("base_url", app.base(&tested.tenant).0.into()),
        ("sentence", tested.sentence().into()),
    ];
    Ok(json(200, &with(shown, more)))
}

pub(super) async fn revoke(
    acts: Acts,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    acts.revoke_credential(&path.2).await?;
    Ok(HttpResponse::NoContent().finish())
}
