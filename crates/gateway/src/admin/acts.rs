//! Extractors: the region, or the tenant, that the path of an admin route names, with the acts on it.

use std::{
    future::{Ready, ready},
    ops::Deref,
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, web::Data};
use provisioning::Act;
use staff::TenantActs;
use tenant_registry::{CompanyKey, RegionCode, Registry};

use super::Problem;
use crate::app::App;

/// The registry of the region that the path names, and the request.
pub(super) struct OfRegion {
    pub(super) registry: Arc<Registry>,
    pub(super) act: Act,
}

/// The acts on the tenant that the path names.
pub(super) struct Acts(TenantActs);

impl Deref for Acts {
    type Target = TenantActs;

    fn deref(&self) -> &TenantActs {
        &self.0
    }
}

impl FromRequest for OfRegion {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(of_region(request))
    }
}

impl FromRequest for Acts {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(of_region(request).and_then(|OfRegion { registry, act }| {
            let key = CompanyKey::new(request.match_info().query("key"))?;
            Ok(Self(TenantActs { registry, key, act }))
        }))
    }
}

fn of_region(request: &HttpRequest) -> Result<OfRegion, Problem> {
    let app = request.app_data::<Data<App>>().ok_or_else(|| Problem::new(500, "No application."))?;
    let act = request.extensions().get::<Act>().cloned();
    let code = RegionCode::new(&request.match_info().query("region").to_ascii_lowercase())?;
    let registry = registry_of(app, &code)?;
    Ok(OfRegion { registry, act: act.ok_or_else(|| Problem::new(500, "No request id."))? })
}

/// The registry of a region that this process serves.
pub(super) fn registry_of(app: &App, code: &RegionCode) -> Result<Arc<Registry>, Problem> {
    let registry = app.regions.get(code).ok_or_else(|| {
        let served = app.settings.regions.keys().map(RegionCode::as_str).collect::<Vec<_>>().join(", ");
        Problem::new(404, format!("This process does not serve region {code}; it serves {served}."))
    })?;
    Ok(registry?)
}
