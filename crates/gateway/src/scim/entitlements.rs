//! `/Licenses` and `/Roles`: what Okta's entitlement discovery reads. There are few of each, so a page is cut in memory.

use actix_web::HttpRequest;
use directory::search::Place;
use provisioning::{entitlements::Entitlement, lists::Ends};
use scim_core::{
    ResourceType, ScimError, leniency::Tolerance, list, projection::Projection, search::SearchRequest,
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
    kind: Entitlement,
    request: &SearchRequest,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let Caller { rules, base, store, .. } = caller;
    let filter = request.filter(kind.of(&rules), &[], tolerance)?;
    let sort = request.sort(kind.of(&rules), &[], tolerance)?;
    let projection = request.projection(kind.of(&rules))?;
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
            let mut found = kind.all(tx, &rules, &base)?;
            found.iter_mut().for_each(|resource| drop(give_version(resource)));
            found.retain(|resource| filter.as_ref().is_none_or(|filter| filter.matches(resource)));
            let place = |resource: &Map<String, Value>| Place {
                key: sort.as_ref().and_then(|sort| sort.key(resource)),
                id: id_of(resource).to_owned(),
            };
            let stretch = asked.window().cut(found.iter().map(place).collect(), sort.as_ref());
            let shown = stretch.places.iter().filter_map(|place| {
                let resource = found.iter().find(|resource| id_of(resource) == place.id)?;
                Some(text(kind.of(&rules), resource.clone(), &projection))
            });
            let texts: Vec<String> = shown.collect();
            let place = asked.place(&Ends::from(&stretch));
            Ok::<_, ApiError>(Answer::ok(list::list_text(stretch.total, &place, &texts)))
        })
        .await
}

pub(super) async fn get(
    request: &HttpRequest,
    caller: Caller,
    query: &Query,
    kind: Entitlement,
    id: String,
) -> Result<Answer, ApiError> {
    let conditions = conditions(request);
    let Caller { rules, base, store, .. } = caller;
    let projection = query.projection(kind.of(&rules))?;
    store
        .read(move |tx| {
            let rt = kind.of(&rules);
            let mut all = kind.all(tx, &rules, &base)?.into_iter();
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
