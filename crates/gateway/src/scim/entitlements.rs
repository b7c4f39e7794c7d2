//! `/Licenses` and `/Roles`: what Okta's entitlement discovery reads. There are few of each, so a page is cut in memory.

use actix_web::HttpRequest;
use directory::search::Position;
use provisioning::{entitlements, lists::Ends};
use scim_core::{
    ResourceKind, ResourceType, ScimError, leniency::Tolerance, list, projection::Projection,
    search::SearchRequest,
};
use serde_json::{Map, Value, json};

use super::{
    answer::Answer,
    caller::Caller,
    conditions::{conditional, conditions, give_version},
    lists::Asked,
    query::Query,
};
use crate::{api_error::ApiError, app::App};

pub(super) async fn list(
    app: &App,
    caller: Caller,
    kind: ResourceKind,
    request: &SearchRequest,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let Caller { rules, store, .. } = caller;
    let filter = request.filter(rules.resource_type(kind), &[], tolerance)?;
    let sort = request.sort(rules.resource_type(kind), &[], tolerance)?;
    let projection = request.projection(rules.resource_type(kind))?;
    let text_of = |part: Option<String>| part.unwrap_or_default();
    let query = [
        format!("{kind:?}"),
        text_of(filter.as_ref().map(ToString::to_string)),
        text_of(sort.as_ref().map(ToString::to_string)),
    ];
    let paging = request.paging(app.settings.max_results)?;
    let asked = Asked::of(app, &store, paging, &json!(query).to_string()).await?;
    store
        .read(move |tx| {
            let mut found = entitlements::all(tx, kind, &rules)?;
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
            let place = asked.place(&Ends::from(&page));
            Ok::<_, ApiError>(Answer::ok(list::list_text(page.total, &place, &texts)))
        })
        .await
}

pub(super) async fn get(
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    kind: ResourceKind,
    id: String,
) -> Result<Answer, ApiError> {
    let conditions = conditions(request);
    let Caller { rules, store, .. } = caller;
    let projection = query.projection(rules.resource_type(kind))?;
    store
        .read(move |tx| {
            let rt = rules.resource_type(kind);
            let mut all = entitlements::all(tx, kind, &rules)?.into_iter();
            let found = all.find(|resource| id_of(resource) == id);
            let mut found = found.ok_or_else(|| ScimError::not_found(rt.kind.name()))?;
            let version = give_version(&mut found);
            conditional(&conditions, version, || Ok(text(rt, found, &projection)))
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
