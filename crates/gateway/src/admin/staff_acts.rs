//! What staff did, newest first: everywhere, in one region, or to one tenant.

use std::cmp::Reverse;

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use directory::changes::ChangeRecord;
use provisioning::timestamp::iso;
use serde::Deserialize;
use serde_json::{Value, json};
use tenant_registry::{RegionCode, Registry, StaffAct};

use super::{
    Problem,
    acts::{Acts, OfRegion},
    audit_trail::{self, detail},
    response::list,
};
use crate::app::App;

#[derive(Deserialize)]
pub(super) struct Wanted {
    limit: Option<i64>,
}

impl Wanted {
    fn limit(&self) -> i64 {
        audit_trail::limit(self.limit)
    }

    /// The newest of these.
    fn answer(&self, mut acts: Vec<Act>) -> HttpResponse {
        acts.sort_by_key(|act| Reverse(act.at_ms));
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        list(acts.into_iter().take(limit).map(|act| act.shown))
    }
}

/// An act as it is shown, and its time.
struct Act {
    at_ms: i64,
    shown: Value,
}

/// Of all regions. One that is not served is named: without its acts the list would look complete.
pub(super) async fn everywhere(
    app: Data<App>,
    Query(wanted): Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let mut acts = Vec::new();
    for registry in app.regions.registries() {
        acts.extend(of_region(&*registry?, wanted.limit()).await?);
    }
    Ok(wanted.answer(acts))
}

pub(super) async fn in_region(
    region: OfRegion,
    Query(wanted): Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    Ok(wanted.answer(of_region(&region.registry, wanted.limit()).await?))
}

async fn of_region(registry: &Registry, limit: i64) -> Result<Vec<Act>, Problem> {
    let acts = registry.acts(None, limit).await?;
    Ok(acts.iter().map(|act| of_registry(registry.region(), act)).collect())
}

/// What was done to its settings and tokens, and in its store: to its plan, its schemas and its people.
pub(super) async fn on_tenant(acts: Acts, Query(wanted): Query<Wanted>) -> Result<HttpResponse, Problem> {
    let (of_its_row, in_its_store) = acts.staff_acts(wanted.limit()).await?;
    let region = acts.registry.region();
    let all = of_its_row.iter().map(|act| of_registry(region, act));
    Ok(wanted.answer(
        all.chain(in_its_store.iter().map(|change| of_store(region, acts.key.as_str(), change))).collect(),
    ))
}

fn of_registry(region: &RegionCode, act: &StaffAct) -> Act {
    let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let shown = json!({
        "at": iso(act.at_ms),
        "region": region,
        "tenant": act.key.as_ref().map(|key| format!("{region}/{key}")),
        "actor": known(&act.actor),
        "act": act.act,
        "request_id": known(&act.request_id),
        "detail": detail(&act.detail),
    });
    Act { at_ms: act.at_ms, shown }
}

fn of_store(region: &RegionCode, key: &str, change: &ChangeRecord) -> Act {
    let shown = json!({
        "at": iso(change.at_ms),
        "region": region,
        "tenant": format!("{region}/{key}"),
        "actor": change.actor,
        "act": change.kind,
        "request_id": change.request_id,
        "detail": detail(&change.detail),
    });
    Act { at_ms: change.at_ms, shown }
}
