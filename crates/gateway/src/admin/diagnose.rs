//! The diagnosis of a credential, for staff alone: it names what of region, company key and credential does not fit (MC15). It changes
//! nothing, and counts nothing as wrong.

use std::sync::Arc;

use actix_web::{HttpResponse, web::Data};
use serde::{Deserialize, Serialize};
use tenant_registry::{
    CompanyKey, CredentialInfo, Ended, Inspected, Provisioning, RegionCode, Registry, RegistryError, Tenant,
    Token, TrustedFor,
};

use super::{Problem, body::Body, response::json};
use crate::{
    api_error::ApiError,
    app::App,
    credential::is_signed,
    issuers::{Judged, Judgement, named_issuer},
    oauth::Signature,
};

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
    UntrustedIssuer,
    WrongAudience,
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
            Signature::Wrong => return of_issuer(app, sent, named).await,
            Signature::Right { is_past: true, .. } => return Ok((Verdict::Expired, None)),
            Signature::Right { region, key_id, .. } => match registry(app, &region)? {
                Some(registry) => registry.inspect_id(&key_id).await?,
                None => Inspected::Unknown,
            },
        }
    } else {
        let Some((token, client)) = parsed(sent) else { return Ok((Verdict::Malformed, None)) };
        match inspect(app, &token).await? {
            Inspected::Known(known) if client.is_some_and(|client| client != known.1.client_id) => {
                return Ok((Verdict::WrongSecret, Some(known.0)));
            }
            inspected => inspected,
        }
    };
    Ok(match inspected {
        Inspected::Unknown => (Verdict::Unknown, None),
        Inspected::WrongSecret => (Verdict::WrongSecret, None),
        Inspected::Known(known) => {
            let (tenant, info) = *known;
            let verdict = match named {
                _ if info.revoked_ms.is_some() => Verdict::Revoked,
                _ if has_expired(app, &tenant, &info) => Verdict::Expired,
                Some(named) if named.id == tenant.id => Verdict::Ok,
                _ => Verdict::OtherTenant,
            };
            (verdict, Some(tenant))
        }
    })
}

/// The state of a token that no key of ours has signed: what the trust of the named tenant lacks, or of any other where that one trusts
/// nobody like this.
async fn of_issuer(
    app: &App,
    sent: &str,
    named: Option<&Tenant>,
) -> Result<(Verdict, Option<Tenant>), Problem> {
    let failed = |error: ApiError| Problem::from(error.failure());
    let own = named.map(|tenant| app.issuer(&tenant.region, &tenant.company_key));
    if named_issuer(sent).is_none_or(|issuer| Some(issuer) == own) {
        return Ok((Verdict::BadSignature, None));
    }
    let mut all = Vec::new();
    for purpose in [TrustedFor::Bearer, TrustedFor::Assertion] {
        let mut judged = app.issuers.judge(&app.regions, sent, purpose).await.map_err(failed)?;
        let is_met = |judged: &Judged| judged.is_met() && named.is_none_or(|tenant| is_of(judged, tenant));
        if !judged.each.iter().any(is_met) {
            // Without the keys nothing is known.
            judged.check().map_err(failed)?;
        }
        all.extend(judged.each);
    }
    let is_named = |judged: &&Judged| named.is_some_and(|tenant| is_of(judged, tenant));
    let of_named: Vec<&Judged> = all.iter().filter(is_named).collect();
    let best =
        of_named.iter().map(|judged| (nearness(judged), verdict(judged))).max_by_key(|(near, _)| *near);
    if let Some((_, verdict)) = best {
        return Ok((verdict, named.cloned()));
    }
    match all.iter().find(|judged| judged.is_met()) {
        Some(other) => Ok((Verdict::OtherTenant, tenant(&other.registry, &other.whose.company_key).await?)),
        None => Ok((Verdict::UntrustedIssuer, None)),
    }
}

fn is_of(judged: &Judged, tenant: &Tenant) -> bool {
    judged.registry.region() == &tenant.region && judged.whose.company_key == tenant.company_key
}

fn verdict(judged: &Judged) -> Verdict {
    match judged.judgement {
        Judgement::Met { .. } => match judged.whose.ended {
            Some(Ended::Revoked) => Verdict::Revoked,
            Some(Ended::Expired) => Verdict::Expired,
            None if judged.whose.trust.purpose == TrustedFor::Assertion && !judged.names_its_client() => {
                Verdict::UntrustedIssuer
            }
            None => Verdict::Ok,
        },
        Judgement::WrongClaim => Verdict::UntrustedIssuer,
        Judgement::WrongAudience => Verdict::WrongAudience,
        Judgement::Untimely => Verdict::Expired,
        Judgement::BadSignature | Judgement::Later { .. } => Verdict::BadSignature,
    }
}

/// Of several trusts in one issuer, the one that lacks least is explained.
fn nearness(judged: &Judged) -> u8 {
    match judged.judgement {
        Judgement::Met { .. } if verdict(judged) == Verdict::Ok => 6,
        Judgement::Met { .. } => 5,
        Judgement::WrongClaim => 4,
        Judgement::WrongAudience => 3,
        Judgement::Untimely => 2,
        Judgement::BadSignature => 1,
        Judgement::Later { .. } => 0,
    }
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
        (.., Verdict::Expired) => {
            "The credential has expired, or is not valid yet: make a new one and enter it.".to_owned()
        }
        (.., Verdict::UntrustedIssuer) => {
            "The tenant does not trust this issuer with these claims: see `usher credential add issuer`."
                .to_owned()
        }
        (.., Verdict::WrongAudience) => {
            "The token is for another audience: enter one that `usher credential list` shows.".to_owned()
        }
        (.., Verdict::OtherTenant) => {
            format!("The credential is valid and belongs to another tenant, whose base URL is {at} .")
        }
        (.., Verdict::BadSignature) => {
            "No key of ours or of its issuer has signed this token: get a new one.".to_owned()
        }
        (.., Verdict::Ok) => match provisioning {
            Some(Provisioning::Active) | None => "Region, company key and credential are right.".to_owned(),
            Some(Provisioning::Suspended) => "All is right, but the tenant is suspended.".to_owned(),
            Some(Provisioning::NotActivated) => "All is right, but provisioning is not activated.".to_owned(),
            Some(Provisioning::NotInPlan) => "All is right, but provisioning is not in the plan.".to_owned(),
        },
    }
}
