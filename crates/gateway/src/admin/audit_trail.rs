//! What happened in a tenant: its change log, newest first.

use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use directory::changes::{self, StoredChange};
use provisioning::{ProvisioningError, timestamp::iso};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Problem, json, seats::store_of};
use crate::app::App;

/// Changes in one answer at the most.
const MAX: i64 = 1000;

#[derive(Deserialize)]
pub(super) struct Wanted {
    limit: Option<i64>,
    resource: Option<String>,
}

pub(super) async fn changes(
    app: Data<App>,
    path: Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let limit = wanted.limit.unwrap_or(50).clamp(1, MAX);
    let found = store_of(&app, &path)
        .await?
        .read(move |tx| {
            Ok::<_, ProvisioningError>(match wanted.resource {
                Some(id) => changes::of_resource(tx, &id, limit)?,
                None => changes::newest(tx, limit)?,
            })
        })
        .await?;
    Ok(json(200, &Value::Array(found.iter().map(change_json).collect())))
}

fn change_json(change: &StoredChange) -> Value {
    json!({
        "number": change.number,
        "at": iso(change.at_ms),
        "kind": change.kind,
        "resource_id": change.resource_id,
        "version": change.version,
        "request_id": change.request_id,
        "detail": serde_json::from_str::<Value>(&change.detail).unwrap_or_default(),
    })
}
