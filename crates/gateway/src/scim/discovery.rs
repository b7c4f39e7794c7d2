//! `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`: what this tenant's endpoint is, told from the same data that
//! decides requests (RFC 7644 §4).

use std::sync::Arc;

use actix_web::web::Data;
use provisioning::{Preconditions, Rules, entitlements};
use scim_core::{discovery, list};
use serde_json::Value;
use store::in_background;
use tenant_registry::CredentialKind;

use super::{
    caller::Caller,
    conditions::{conditional, give_version},
    endpoint::Endpoint,
    query::Query,
    response::Response,
};
use crate::{api_error::ApiError, app::App};

/// Answers a discovery endpoint. A filter is 403, paging and sorting are ignored (RFC 7644 §4).
pub(super) async fn answer(
    app: &Data<App>,
    caller: Caller,
    endpoint: Endpoint,
    query: &Query,
    conditions: Preconditions,
    rules: &Arc<Rules>,
) -> Result<Response, ApiError> {
    if query.search.filter.is_some() {
        return Err(ApiError::DiscoveryFilter);
    }
    if endpoint == Endpoint::ServiceProviderConfig {
        return configuration(app, &caller, &conditions, rules).await;
    }
    if !matches!(endpoint, Endpoint::Schemas | Endpoint::Schema(_)) {
        return describe(rules, &endpoint, &conditions);
    }
    // A tenant's own schemas may have a thousand attributes.
    let turn = app.shares.work(&caller.tenant).await?;
    let rules = Arc::clone(rules);
    let work = move || {
        let _turn = turn;
        describe(&rules, &endpoint, &conditions)
    };
    in_background(work).await
}

/// The configuration, with the ways to authenticate that the tenant has credentials for.
async fn configuration(
    app: &App,
    caller: &Caller,
    conditions: &Preconditions,
    rules: &Rules,
) -> Result<Response, ApiError> {
    let tenant = &caller.tenant;
    let kinds = caller.registry.kinds_of_credentials(&tenant.id).await?;
    let scheme = |kind: CredentialKind| match kind {
        CredentialKind::Bearer => discovery::Scheme::Bearer,
        CredentialKind::Basic => discovery::Scheme::Basic,
        CredentialKind::Oauth => discovery::Scheme::OAuth2,
        CredentialKind::Issuer => discovery::Scheme::Issuer,
    };
    let schemes: Vec<_> = kinds.into_iter().map(scheme).collect();
    let whose = format!("{} ({}/{})", tenant.name, tenant.region, tenant.company_key);
    let mut config = discovery::service_provider_config(&features(app), &schemes, &rules.base.0, &whose);
    if let Some(members) = config.as_object_mut() {
        members.extend(entitlements::in_config(rules));
        if rules.mode.is_interop() {
            members.insert("interopProfileConformant".to_owned(), true.into());
        }
    }
    single(config, conditions)
}

fn describe(rules: &Rules, endpoint: &Endpoint, conditions: &Preconditions) -> Result<Response, ApiError> {
    let base = &rules.base.0;
    let types: Vec<_> = rules.types().collect();
    match endpoint {
        Endpoint::ResourceTypes => Ok(whole_list(discovery::resource_types(&types, base))),
        Endpoint::ResourceType(name) => {
            single(one(discovery::resource_types(&types, base), name, "resource type")?, conditions)
        }
        Endpoint::Schemas => Ok(whole_list(discovery::schemas(&types, base))),
        Endpoint::Schema(urn) => single(one(discovery::schemas(&types, base), urn, "schema")?, conditions),
        _ => Err(ApiError::NoSuchPath { base_url: Some(base.clone()) }),
    }
}

fn features(app: &App) -> discovery::Features {
    discovery::Features {
        max_operations: u64::try_from(scim_core::bulk::MAX_OPERATIONS).unwrap_or(u64::MAX),
        max_payload_size: u64::try_from(app.settings.server.body_limit_bytes).unwrap_or(u64::MAX),
        max_results: app.settings.limits.max_results,
        cursor_timeout: app.settings.limits.cursor_timeout_seconds.0.as_secs(),
        documentation_uri: None,
    }
}

fn whole_list(resources: Vec<Value>) -> Response {
    let texts: Vec<String> =
        resources.into_iter().map(|resource| versioned(resource).0.to_string()).collect();
    let total = u64::try_from(texts.len()).unwrap_or(u64::MAX);
    Response::ok(list::list_text(total, &list::PagePosition::Index(1), &texts))
}

fn one(resources: Vec<Value>, id: &str, kind: &str) -> Result<Value, ApiError> {
    let is = |resource: &Value| {
        let named =
            |key: &str| resource.get(key).and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(id));
        named("id") || (kind == "resource type" && named("name"))
    };
    resources.into_iter().find(is).ok_or_else(|| ApiError::not_found(kind))
}

fn single(resource: Value, conditions: &Preconditions) -> Result<Response, ApiError> {
    let (resource, version) = versioned(resource);
    conditional(conditions, version, || Ok(resource.to_string()))
}

fn versioned(mut resource: Value) -> (Value, String) {
    let version = resource.as_object_mut().map(give_version).unwrap_or_default();
    (resource, version)
}
