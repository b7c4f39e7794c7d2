//! What happened in a tenant: its change log, newest first.

use actix_web::{HttpResponse, web::Query};
use directory::changes::ChangeRecord;
use provisioning::timestamp::iso;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Problem, acts::Acts, response::list};

/// The most records in one response.
const MAX: i64 = 1000;

#[derive(Deserialize)]
pub(super) struct Wanted {
    limit: Option<i64>,
    resource: Option<String>,
}

pub(super) async fn changes(acts: Acts, Query(wanted): Query<Wanted>) -> Result<HttpResponse, Problem> {
    let limit = wanted.limit.unwrap_or(50).clamp(1, MAX);
    Ok(list(acts.changes(wanted.resource, limit).await?.iter().map(change_json)))
}

fn change_json(change: &ChangeRecord) -> Value {
    json!({
        "number": change.number,
        "at": iso(change.at_ms),
        "kind": change.kind,
        "resource_id": change.resource_id,
        "version": change.version,
        "request_id": change.request_id,
        "actor": change.actor,
        "detail": serde_json::from_str::<Value>(&change.detail).unwrap_or_default(),
    })
}
