//! `/Licenses`, `/Roles` and `/Entitlements`: licenses and roles as resources. There are few of each, so a page is cut in memory.

use std::sync::Arc;

use directory::search::Position;
use provisioning::{Preconditions, RequestContext, Rules, entitlements::all, lists::Ends};
use scim_core::{ResourceKind, ResourceType, ScimError, list, projection::Projection, search::SearchRequest};
use serde_json::{Map, Value, json};
use store::Store;

use super::{
    conditions::{conditional, give_version},
    lists::RequestedPage,
    response::Response,
};
use crate::{api_error::ApiError, app::App};

pub(super) async fn list(
    app: &App,
    store: &Store,
    kind: ResourceKind,
    request: &SearchRequest,
    context: &mut RequestContext,
) -> Result<Response, ApiError> {
    let (rules, tolerance) = (Arc::clone(&context.rules), &mut context.tolerance);
    let rt = rules.resource_type(kind);
    let filter = request.filter(rt, &[], tolerance)?;
    let sort = request.sort(rt, &[], tolerance)?;
    let projection = request.projection(rt)?;
    let text_of = |part: Option<String>| part.unwrap_or_default();
    let query = [
        format!("{kind:?}"),
        text_of(filter.as_ref().map(ToString::to_string)),
        text_of(sort.as_ref().map(ToString::to_string)),
    ];
    let paging = request.paging(app.settings.limits.max_results)?;
    let asked = RequestedPage::of(app, store, paging, || json!(query).to_string()).await?;
    store
        .read(move |tx| {
            let mut found = all(tx, kind, &rules)?;
            found.iter_mut().for_each(|resource| drop(give_version(resource)));
            found.retain(|resource| filter.as_ref().is_none_or(|filter| filter.matches(resource)));
            let position = |resource: &Map<String, Value>| Position {
                key: sort.as_ref().and_then(|sort| sort.key(resource)),
                id: id_of(resource).to_owned(),
            };
            let page = asked.request().cut(found.iter().map(position).collect(), sort.as_ref());
            let shown = page.positions.iter().filter_map(|position| {
                let resource = found.iter().find(|resource| id_of(resource) == position.id)?;
                Some(text(rules.resource_type(kind), resource.clone(), &projection))
            });
            let texts: Vec<String> = shown.collect();
            let place = asked.position(&Ends::from(&page));
            Ok::<_, ApiError>(Response::ok(list::list_text(page.total, &place, &texts)))
        })
        .await
}

pub(super) async fn get(
    store: &Store,
    kind: ResourceKind,
    id: String,
    projection: Projection,
    conditions: Preconditions,
    rules: Arc<Rules>,
) -> Result<Response, ApiError> {
    store
        .read(move |tx| {
            let found = all(tx, kind, &rules)?.into_iter().find(|resource| id_of(resource) == id);
            let mut found = found.ok_or_else(|| ScimError::not_found(kind.name()))?;
            let version = give_version(&mut found);
            conditional(&conditions, version, || Ok(text(rules.resource_type(kind), found, &projection)))
        })
        .await
}

fn id_of(resource: &Map<String, Value>) -> &str {
    resource.get("id").and_then(Value::as_str).unwrap_or_default()
}

fn text(rt: &ResourceType, mut resource: Map<String, Value>, projection: &Projection) -> String {
    projection.apply(rt, &mut resource);
    Value::Object(resource).to_string()
}
