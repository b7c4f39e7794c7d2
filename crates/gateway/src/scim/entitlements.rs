//! `/Licenses` and `/Roles`: what Okta's entitlement discovery reads. There are few of each, so a page is cut in memory.

use actix_web::HttpRequest;
use provisioning::entitlements::Entitlement;
use scim_core::{ResourceType, ScimError, leniency::Tolerance, list, projection::Projection};
use serde_json::{Map, Value};

use super::{
    answer::Answer,
    caller::Caller,
    conditions::{conditional, conditions, give_version},
    query::Query,
};
use crate::{api_error::ApiError, app::App};

pub(super) async fn list(
    app: &App,
    caller: Caller,
    query: &Query,
    kind: Entitlement,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let Caller { rules, base, store, .. } = caller;
    query.refuse_unsupported()?;
    let page = query.page(app.settings.max_results)?;
    let filter = query.filter(kind.of(&rules), tolerance)?;
    let projection = query.projection(kind.of(&rules))?;
    store
        .read(move |tx| {
            let mut found = kind.all(tx, &rules, &base)?;
            found.iter_mut().for_each(|resource| drop(give_version(resource)));
            found.retain(|resource| filter.as_ref().is_none_or(|filter| filter.matches(resource)));
            let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
            let skipped = usize::try_from(page.start_index - 1).unwrap_or(usize::MAX);
            let count = usize::try_from(page.count).unwrap_or(usize::MAX);
            let on_page = found.into_iter().skip(skipped).take(count);
            let texts: Vec<String> =
                on_page.map(|resource| text(kind.of(&rules), resource, &projection)).collect();
            Ok::<_, ApiError>(Answer::ok(list::list_text(total, &page, &texts)))
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
            let found = all.find(|resource| resource.get("id").and_then(Value::as_str) == Some(&id));
            let mut found = found.ok_or_else(|| ScimError::not_found(rt.name))?;
            let version = give_version(&mut found);
            conditional(&conditions, version, || Ok(text(rt, found, &projection)))
        })
        .await
}

fn text(rt: &ResourceType, mut resource: Map<String, Value>, projection: &Projection) -> String {
    projection.apply(rt, &mut resource);
    Value::Object(resource).to_string()
}
