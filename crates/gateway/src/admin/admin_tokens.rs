//! Named admin tokens: add (shown once), list, revoke. A token rests in the registry of the region that it is bound to; one that reaches
//! everything in the first region that is served. Names are unique over all regions.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    web::{Data, Path, ReqData},
};
use provisioning::{Act, timestamp::iso};
use serde::Deserialize;
use serde_json::{Value, json};
use tenant_registry::{
    AdminTokenInfo, AdminTokenReach, CompanyKey, RegionCode, Registry, RegistryError, TokenName,
};

use super::{
    Problem,
    acts::registry_of,
    body::Body,
    response::{json, list, with},
};
use crate::app::App;

/// A token to be made; bound to a tenant, to a region, or to nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    name: TokenName,
    /// Such as `ire/acme`.
    tenant: Option<String>,
    region: Option<RegionCode>,
}

impl New {
    fn reach(&self) -> Result<AdminTokenReach, Problem> {
        Ok(match (&self.tenant, &self.region) {
            (Some(_), Some(_)) => return Err(Problem::bad_request("Name a tenant or a region, not both.")),
            (Some(tenant), None) => {
                let parts = tenant.split_once('/');
                let (region, key) = parts.ok_or_else(|| {
                    Problem::bad_request("A tenant is its region and its company key, such as ire/acme.")
                })?;
                let region = RegionCode::new(&region.to_ascii_lowercase())?;
                AdminTokenReach::Tenant { region, key: CompanyKey::new(key)? }
            }
            (None, Some(region)) => AdminTokenReach::Region(region.clone()),
            (None, None) => AdminTokenReach::Everything,
        })
    }
}

pub(super) async fn add(
    app: Data<App>,
    act: ReqData<Act>,
    Body(new): Body<New>,
) -> Result<HttpResponse, Problem> {
    let reach = new.reach()?;
    for registry in app.regions.registries() {
        if registry?.has_admin_token(&new.name).await? {
            return Err(RegistryError::TokenNameTaken(new.name).into());
        }
    }
    let home: Arc<Registry> = match &reach {
        AdminTokenReach::Region(region) | AdminTokenReach::Tenant { region, .. } => {
            registry_of(&app, region)?
        }
        AdminTokenReach::Everything => {
            let first = app.regions.registries().next();
            first.ok_or_else(|| Problem::new(500, "This process serves no region."))??
        }
    };
    let (token, info) = home.add_admin_token(new.name, reach, staff::by(&act)).await?;
    Ok(json(201, &with(shown(&info), [("token", token.reveal().into())])))
}

/// By name. A region that is not served is named: without its tokens the list would look complete.
pub(super) async fn all(app: Data<App>) -> Result<HttpResponse, Problem> {
    let mut infos = Vec::new();
    for registry in app.regions.registries() {
        infos.extend(registry?.admin_tokens().await?);
    }
    infos.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(list(infos.iter().map(shown)))
}

/// Revokes it wherever it rests. The tokens that its holder issued to tenants live on, which is written down for each (MO10).
pub(super) async fn revoke(
    app: Data<App>,
    act: ReqData<Act>,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let name = TokenName::new(&path)?;
    let (mut was_live, mut down) = (false, None);
    for registry in app.regions.registries() {
        match registry {
            Ok(registry) => was_live |= registry.revoke_admin_token(&name, staff::by(&act)).await?,
            Err(region) => down = Some(region),
        }
    }
    match (was_live, down) {
        (true, _) => {}
        // It may rest there.
        (false, Some(down)) => return Err(down.into()),
        (false, None) => return Err(RegistryError::NoAdminToken(name).into()),
    }
    for registry in app.regions.registries().flatten() {
        registry.note_tokens_without_maker(name.clone(), staff::by(&act)).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

fn shown(token: &AdminTokenInfo) -> Value {
    let (region, tenant) = match &token.reach {
        AdminTokenReach::Everything => (None, None),
        AdminTokenReach::Region(region) => (Some(region), None),
        AdminTokenReach::Tenant { region, key } => (Some(region), Some(format!("{region}/{key}"))),
    };
    json!({
        "id": token.key_id,
        "name": token.name,
        "region": region,
        "tenant": tenant,
        "made_by": token.maker,
        "created": iso(token.created_ms),
    })
}
