//! The diagnosis of a credential, for staff alone: it names what of region, company key and credential does not fit (MC15). It changes
//! nothing, and counts nothing as wrong.

use std::sync::Arc;

use actix_web::{HttpResponse, web::Data};
use serde::{Deserialize, Serialize};
use tenant_registry::{
    CompanyKey, CredentialInfo, Inspected, Provisioning, RegionCode, Registry, RegistryError, Tenant, Token,
};

use super::{Problem, body::Body, response::json};
use crate::{app::App, credential::is_signed, oauth::Signature};

/// The body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    region: String,
    key: String,
    /// A token, a key with its secret, or a client id with its secret; the pairs with a colon between them.
    credential: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Region {
    Ok,
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Key {
    Ok,
    Unknown,
    /// The tenant of this key is in another region.
    Elsewhere,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Malformed,
    Unknown,
    WrongSecret,
    Revoked,
    Expired,
    OtherTenant,
    BadSignature,
}

#[derive(Serialize)]
struct Diagnosis {
    region: Region,
    key: Key,
    credential: Verdict,
    /// Of the tenant that region and key name.
    provisioning: Option<Provisioning>,
    /// Of the tenant that the credential opens, else of the one that is named.
    base_url: Option<String>,
    sentence: String,
}

pub(super) async fn diagnose(app: Data<App>, Body(asked): Body<Asked>) -> Result<HttpResponse, Problem> {
    let code = RegionCode::new(&asked.region.trim().to_ascii_lowercase()).ok();
    let key = CompanyKey::new(asked.key.trim()).ok();
    let here = code.as_ref().and_then(|code| app.regions.get(code)).transpose()?;
    let named = match (&here, &key) {
        (Some(registry), Some(key)) => tenant(registry, key).await?,
        _ => None,
    };
    let mut elsewhere = None;
    if let (None, Some(key)) = (&named, &key) {
        for registry in app.regions.registries().filter_map(Result::ok) {
            elsewhere = elsewhere.or(tenant(&registry, key).await?);
        }
    }
    let (verdict, opened) = credential(&app, asked.credential.trim(), named.as_ref()).await?;
    let shown = opened.as_ref().or(named.as_ref()).or(elsewhere.as_ref());
    let base_url = shown.map(|tenant| app.base(tenant).0);
    let region = if here.is_some() { Region::Ok } else { Region::Unknown };
    let key = match (&named, &elsewhere) {
        (Some(_), _) => Key::Ok,
        (None, Some(_)) => Key::Elsewhere,
        (None, None) => Key::Unknown,
    };
    let provisioning = named.as_ref().map(Tenant::provisioning);
    let sentence = sentence(region, key, verdict, provisioning, base_url.as_deref());
    Ok(json(200, &Diagnosis { region, key, credential: verdict, provisioning, base_url, sentence }))
}

async fn tenant(registry: &Registry, key: &CompanyKey) -> Result<Option<Tenant>, Problem> {
    match registry.tenant(key).await {
        Ok(tenant) => Ok(Some(tenant)),
        Err(RegistryError::NoTenant(_) | RegistryError::BeingDeleted(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The state of a credential, and the tenant that it opens or has opened, if it is genuine.
async fn credential(
    app: &App,
    sent: &str,
    named: Option<&Tenant>,
) -> Result<(Verdict, Option<Tenant>), Problem> {
    let inspected = if is_signed(sent) {
        let signature = app.access.inspect(&app.regions, sent).await;
        match signature.map_err(|error| Problem::from(error.failure()))? {
            Signature::Wrong => return Ok((Verdict::BadSignature, None)),
            Signature::Right { is_past: true, .. } => return Ok((Verdict::Expired, None)),
            Signature::Right { region, key_id, .. } => match registry(app, &region)? {
                Some(registry) => registry.inspect_id(&key_id).await?,
                None => Inspected::Unknown,
            },
        }
    } else {
        let Some((token, client)) = parsed(sent) else { return Ok((Verdict::Malformed, None)) };
        match inspect(app, &token).await? {
            Inspected::Known(tenant, info) if client.is_some_and(|client| client != info.client_id) => {
                return Ok((Verdict::WrongSecret, Some(*tenant)));
            }
            inspected => inspected,
        }
    };
    Ok(match inspected {
        Inspected::Unknown => (Verdict::Unknown, None),
        Inspected::WrongSecret => (Verdict::WrongSecret, None),
        Inspected::Known(tenant, info) => {
            let verdict = match named {
                _ if info.revoked_ms.is_some() => Verdict::Revoked,
                _ if has_expired(app, &tenant, &info) => Verdict::Expired,
                Some(named) if named.id == tenant.id => Verdict::Ok,
                _ => Verdict::OtherTenant,
            };
            (verdict, Some(*tenant))
        }
    })
}

fn registry(app: &App, code: &RegionCode) -> Result<Option<Arc<Registry>>, Problem> {
    Ok(app.regions.get(code).transpose()?)
}

fn has_expired(app: &App, tenant: &Tenant, info: &CredentialInfo) -> bool {
    let Some(Ok(registry)) = app.regions.get(&tenant.region) else { return false };
    info.expires_ms.is_some_and(|end| end <= registry.now_ms())
}

/// A token or a pair; of an OAuth client its id beside its secret.
fn parsed(sent: &str) -> Option<(Token, Option<&str>)> {
    if let Some(token) = Token::parse(sent).or_else(|| Token::parse_pair(sent)) {
        return Some((token, None));
    }
    let (client, secret) =
        sent.split_once(':').map_or((None, sent), |(client, secret)| (Some(client), secret));
    Some((Token::parse_client_secret(secret)?, client))
}

/// Follows a tenant that has moved.
async fn inspect(app: &App, token: &Token) -> Result<Inspected, Problem> {
    let Some(registry) = registry(app, token.region())? else { return Ok(Inspected::Unknown) };
    let found = registry.inspect(token).await?;
    let gone = registry.gone(token, registry.now_ms()).await?;
    match (found, gone) {
        (Inspected::Unknown, Some(gone)) => match self::registry(app, &gone.to)? {
            Some(registry) => Ok(registry.inspect(token).await?),
            None => Ok(Inspected::Unknown),
        },
        (found, _) => Ok(found),
    }
}

/// What to change, the first fault first.
fn sentence(
    region: Region,
    key: Key,
    credential: Verdict,
    provisioning: Option<Provisioning>,
    base_url: Option<&str>,
) -> String {
    let at = base_url.unwrap_or_default();
    match (region, key, credential) {
        (Region::Unknown, ..) => {
            "This service has no such region: correct the region in the base URL.".to_owned()
        }
        (_, Key::Elsewhere, _) => {
            format!("The company key is of a tenant in another region; the base URL is {at} .")
        }
        (_, Key::Unknown, Verdict::Ok | Verdict::OtherTenant) => {
            format!("The company key is unknown; the credential is valid and its base URL is {at} .")
        }
        (_, Key::Unknown, _) => {
            "The company key is unknown in this region: correct it in the base URL.".to_owned()
        }
        (.., Verdict::Malformed) => {
            "The credential has no form of ours: it was cut off, or is of another service; enter it again."
                .to_owned()
        }
        (.., Verdict::Unknown) => "No tenant has this credential: make a new one and enter it.".to_owned(),
        (.., Verdict::WrongSecret) => {
            "The secret does not belong to its public part: enter it again, or make a new one.".to_owned()
        }
        (.., Verdict::Revoked) => "The credential was revoked: make a new one and enter it.".to_owned(),
        (.., Verdict::Expired) => "The credential has expired: make a new one and enter it.".to_owned(),
        (.., Verdict::OtherTenant) => {
            format!("The credential is valid and belongs to another tenant, whose base URL is {at} .")
        }
        (.., Verdict::BadSignature) => {
            "No key of ours has signed this token: exchange the secret again.".to_owned()
        }
        (.., Verdict::Ok) => match provisioning {
            Some(Provisioning::Active) | None => "Region, company key and credential are right.".to_owned(),
            Some(Provisioning::Suspended) => "All is right, but the tenant is suspended.".to_owned(),
            Some(Provisioning::NotActivated) => "All is right, but provisioning is not activated.".to_owned(),
            Some(Provisioning::NotInPlan) => "All is right, but provisioning is not in the plan.".to_owned(),
        },
    }
}
