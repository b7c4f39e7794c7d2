//! The credential decides the tenant; the URL must agree with it. The company key of a URL is only ever compared with that
//! of the credential's own tenant and never looked up, so nothing can be learned by trying keys: unknown region, unknown
//! key, wrong token and another tenant's token are one answer after the same work.

use std::sync::Arc;

use actix_web::{HttpRequest, http::header::HOST, rt};
use store::StoreError;
use tenant_registry::{CompanyKey, Grant, Inspected, Provisioning, RegionCode, Registry, Token};
use tracing::warn;

use super::target::Target;
use crate::{api_error::ApiError, app::App, credential::Credential, issuers::NamedByPath, oauth::Admitted};

/// The region that a request's path means, if it means one.
pub(super) fn region_of<'a>(app: &'a App, request: &HttpRequest, target: &Target) -> Option<&'a RegionCode> {
    app.region_of(&target.before_key, host(request))
}

/// A region as metrics name it.
pub(crate) fn region_word(region: Option<&RegionCode>) -> &str {
    region.map_or("none", RegionCode::as_str)
}

/// The tenant's live credential, if the request carries one that opens what its path names.
///
/// # Errors
/// The uniform 401; a 401 that names the right base URL to the holder of a genuine token (MC5); 429 for too many wrong ones; 503 when the registry cannot be asked, and for every request to a region that is not served.
pub(super) async fn authenticate(
    app: &App,
    request: &HttpRequest,
    target: &Target,
    region: Option<&RegionCode>,
) -> Result<Admitted, ApiError> {
    // Where nobody's token can be looked up, nobody's is wrong: an identity provider takes a 401 for the end of its credential.
    if let Some(down) = region.and_then(|region| app.regions.down(region.as_str())) {
        return Err(ApiError::RegionDown(down));
    }
    let credential = Credential::of(request);
    let named = NamedByPath { region, company_key: &target.company_key };
    let admitted = match admit(app, &credential, &named).await {
        // The path leads to a region that is served, or to none; whosever the credential is, it does not belong there.
        Err(ApiError::RegionDown(_)) if region.is_some() || !target.before_key.is_empty() => None,
        admitted => admitted?,
    };
    let Some(Admitted { grant, scopes }) = admitted else {
        return Err(refuse(app, request, &credential, region).await);
    };
    let tenant = grant.tenant();
    // A GUID is no other tenant's key in any region, so it needs none in front of it (MC22).
    let needs_no_region =
        region.is_none() && target.before_key.is_empty() && CompanyKey::is_guid(&target.company_key);
    if !needs_no_region && !app.is_region(&tenant.region, &target.before_key, host(request)) {
        count_refusal(app, Some(&tenant.region), "region");
        if let Credential::Tenant(token) = &credential {
            app.traffic.wrong_secret(token, app.stores.clock().now_ms());
        }
        return Err(ApiError::WrongRegion { base_url: app.base(tenant).0 });
    }
    if !tenant.company_key.is(&target.company_key) {
        return Err(refuse(app, request, &credential, region).await);
    }
    Ok(Admitted { grant, scopes })
}

/// Lets the requests of a tenant that is served pass.
///
/// # Errors
/// A 403 that says why it is not served.
pub(super) fn check_served(app: &App, grant: &Arc<Grant>) -> Result<(), ApiError> {
    let tenant = grant.tenant();
    let contact = || app.contact(tenant).to_owned();
    let unserved = match tenant.provisioning() {
        Provisioning::Active => None,
        Provisioning::Suspended => Some(("suspended", ApiError::TenantSuspended { contact: contact() })),
        Provisioning::NotActivated => Some(("not_activated", ApiError::NotActivated { contact: contact() })),
        Provisioning::NotInPlan => Some(("not_in_plan", ApiError::NotInPlan { contact: contact() })),
    };
    if let Some((why, error)) = unserved {
        count_refusal(app, Some(&tenant.region), why);
        return Err(error);
    }
    note_use(app, grant);
    Ok(())
}

/// What is said at a path without `scim/v2`: the holder of a genuine token is told where to go (MO15).
pub(super) async fn lost(app: &App, request: &HttpRequest) -> ApiError {
    match admit(app, &Credential::of(request), &NamedByPath::NOBODY).await {
        Ok(admitted) => {
            let base_url = admitted.map(|admitted| app.base(admitted.grant.tenant()).0);
            ApiError::NoSuchPath { base_url }
        }
        Err(error) => error,
    }
}

/// What a credential opens, and what it may do; `None` for a wrong one, or for a shape that none of a tenant has. Among the tenants whose trust
/// another issuer's token meets, the path chooses.
async fn admit(
    app: &App,
    credential: &Credential<'_>,
    named: &NamedByPath<'_>,
) -> Result<Option<Admitted>, ApiError> {
    match credential {
        Credential::Tenant(token) => {
            let grant = verify(app, token).await?;
            Ok(grant.map(|grant| Admitted { scopes: grant.scopes, grant }))
        }
        Credential::Signed(sent) => match app.access.admit(&app.regions, sent).await? {
            None => app.issuers.admit(&app.regions, sent, named).await,
            admitted => Ok(admitted),
        },
        Credential::Staff(_) | Credential::Other(_) | Credential::Nothing => Ok(None),
    }
}

/// Moves of one tenant that a token follows.
const MOVES: usize = 8;

/// A token names the region that issued it. The tenant may have moved to another one since, and knows its tokens there.
pub(crate) async fn verify(app: &App, token: &Token) -> Result<Option<Arc<Grant>>, ApiError> {
    let (mut region, mut on_its_way) = (token.region().clone(), false);
    for _ in 0..=MOVES {
        let Some(registry) = app.regions.get(&region) else {
            token.compare_with_nothing();
            return Ok(None);
        };
        let registry = registry.map_err(ApiError::RegionDown)?;
        let now_ms = registry.now_ms();
        if let Some(grant) = registry.verify(token, now_ms).await? {
            return Ok(Some(grant));
        }
        match registry.gone(token, now_ms).await? {
            Some(gone) => (region, on_its_way) = (gone.to, gone.on_its_way),
            // It is genuine: the region where it goes does not know it yet.
            None if on_its_way => return Err(StoreError::Busy.into()),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// Only `Host` says which host it is, and a proxy passes it on: `Forwarded` and its like never do (attack 6).
pub(crate) fn host(request: &HttpRequest) -> Option<&str> {
    request.headers().get(HOST).and_then(|v| v.to_str().ok())
}

/// Counts a request that is refused for its credential.
pub(crate) fn count_refusal(app: &App, region: Option<&RegionCode>, reason: &str) {
    app.metrics.auth_failures.with_label_values(&[region_word(region), reason]).inc();
}

async fn refuse(
    app: &App,
    request: &HttpRequest,
    credential: &Credential<'_>,
    region: Option<&RegionCode>,
) -> ApiError {
    let token = match credential {
        Credential::Tenant(token) => Some(token),
        Credential::Signed(_) | Credential::Staff(_) | Credential::Other(_) | Credential::Nothing => None,
    };
    match app.count_wrong(request, token).await {
        Some(seconds) => {
            count_refusal(app, region, "limited");
            ApiError::TooManyAttempts { seconds }
        }
        None => {
            match credential {
                Credential::Tenant(token) => count_reason(app, token, region),
                Credential::Signed(_) => count_refusal(app, region, "jwt"),
                Credential::Nothing => count_refusal(app, region, "missing"),
                Credential::Staff(_) | Credential::Other(_) => count_refusal(app, region, "malformed"),
            }
            ApiError::Unauthorized
        }
    }
}

/// Counts a wrong token by what the registry knows of it, beside the request: the time of an answer tells nothing.
pub(crate) fn count_reason(app: &App, token: &Token, region: Option<&RegionCode>) {
    let (failures, token, region) = (app.metrics.auth_failures.clone(), token.clone(), region.cloned());
    let registry = app.regions.get(token.region()).and_then(Result::ok);
    rt::spawn(async move {
        let reason = match registry {
            Some(registry) => reason(&registry, &token).await,
            None => "unknown",
        };
        failures.with_label_values(&[region_word(region.as_ref()), reason]).inc();
    });
}

async fn reason(registry: &Registry, token: &Token) -> &'static str {
    match registry.inspect(token).await {
        Ok(Inspected::WrongSecret) => "secret",
        Ok(Inspected::Known(known)) => {
            let (_, credential) = *known;
            let is_revoked = credential.revoked_ms.is_some();
            match (is_revoked, credential.is_live(registry.now_ms())) {
                (true, _) => "revoked",
                (false, false) => "expired",
                // It is good, and was sent to the path of another tenant.
                (false, true) => "tenant",
            }
        }
        Ok(Inspected::Unknown) | Err(_) => "unknown",
    }
}

/// Writes the use down beside the request, which never waits for the registry's writer. A use that cannot be written down is no
/// reason to refuse it.
pub(crate) fn note_use(app: &App, grant: &Arc<Grant>) {
    let Some(Ok(registry)) = app.regions.get(&grant.tenant().region) else { return };
    let now = registry.now_ms();
    if !grant.note_use(now) {
        return;
    }
    let grant = Arc::clone(grant);
    rt::spawn(async move {
        if let Err(error) = registry.write_use(&grant, now).await {
            warn!(key_id = grant.key_id, %error, "the last use of a credential could not be noted");
        }
    });
}
