//! `GET /.well-known/oauth-authorization-server/{region}/{key}` (RFC 8414): made of the path and of the settings alone, so nobody learns from
//! it which tenants there are.

use actix_web::{HttpRequest, HttpResponse, http::Method};
use serde_json::json;
use strum::VariantNames;
use tenant_registry::{CompanyKey, PublicKeyAlgorithm, RegionCode};

use crate::{app::App, protection::protect, request_id};

/// What may sign an assertion.
const ALGORITHMS: &[&str] = <PublicKeyAlgorithm as VariantNames>::VARIANTS;

pub(super) fn metadata(path: &[String], request: &HttpRequest, app: &App) -> HttpResponse {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match named(app, path) {
        _ if !is_read => HttpResponse::MethodNotAllowed().insert_header(("Allow", "GET, HEAD")).finish(),
        None => HttpResponse::NotFound().finish(),
        Some((region, key)) => {
            let issuer = app.issuer(&region, &key);
            let document = json!({
                "issuer": issuer,
                "token_endpoint": format!("{issuer}/oauth/token"),
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
                "grant_types_supported": ["client_credentials"],
                "response_types_supported": [],
                "scopes_supported": ["read", "users", "groups", "scim"],
            });
            HttpResponse::Ok().content_type("application/json; charset=utf-8").body(document.to_string())
        }
    };
    protect(response.headers_mut(), &request_id::new());
    response
}

/// The region and the key that a path names: a region that is served, and any key of the form.
fn named(app: &App, path: &[String]) -> Option<(RegionCode, CompanyKey)> {
    let [region, key] = path else { return None };
    let region = RegionCode::new(&region.to_ascii_lowercase()).ok()?;
    let key = CompanyKey::new(key).ok()?;
    app.settings.regions.contains_key(&region).then_some((region, key))
}
