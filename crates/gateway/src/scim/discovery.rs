//! `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`: what this tenant's endpoint is, told from the same data that
//! decides requests (RFC 7644 §4).

use std::sync::Arc;

use actix_web::web::Data;
use provisioning::{Preconditions, Rules, entitlements};
use scim_core::{discovery, list};
use serde_json::Value;
use store::in_background;
use tenant_registry::Tenant;

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
    if !matches!(endpoint, Endpoint::Schemas | Endpoint::Schema(_)) {
        return describe(app, &caller.tenant, rules, &endpoint, &conditions);
    }
    // A tenant's own schemas may have a thousand attributes.
    let turn = app.shares.work(&caller.tenant).await?;
    let (app, rules, tenant) = (app.clone(), Arc::clone(rules), caller.tenant);
    let work = move || {
        let _turn = turn;
        describe(&app, &tenant, &rules, &endpoint, &conditions)
    };
    in_background(work).await
}

fn describe(
    app: &App,
    tenant: &Tenant,
    rules: &Rules,
    endpoint: &Endpoint,
    conditions: &Preconditions,
) -> Result<Response, ApiError> {
    let base = &rules.base.0;
    let types: Vec<_> = rules.types().collect();
    match endpoint {
        Endpoint::ServiceProviderConfig => {
            let whose = format!("{} ({}/{})", tenant.name, tenant.region, tenant.company_key);
            let mut config = discovery::service_provider_config(&features(app), base, &whose);
            if let Some(members) = config.as_object_mut() {
                members.extend(entitlements::in_config(rules));
                if rules.mode.is_interop() {
                    members.insert("interopProfileConformant".to_owned(), true.into());
                }
            }
            single(config, conditions)
        }
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
