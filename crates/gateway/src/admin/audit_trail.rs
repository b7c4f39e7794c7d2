//! What happened in a tenant: its change log, newest first.

use actix_web::{HttpResponse, web::Query};
use directory::changes::ChangeRecord;
use provisioning::{FACTS, LOG_FACTS, timestamp::iso};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Problem, acts::Acts, response::list};

#[derive(Deserialize)]
pub(super) struct Wanted {
    limit: Option<i64>,
    resource: Option<String>,
}

pub(super) async fn changes(acts: Acts, Query(wanted): Query<Wanted>) -> Result<HttpResponse, Problem> {
    let limit = limit(wanted.limit);
    Ok(list(acts.changes(wanted.resource, limit).await?.iter().map(change_json)))
}

/// The most records of a response, when the request asks for so many.
pub(super) fn limit(wanted: Option<i64>) -> i64 {
    wanted.unwrap_or(50).clamp(1, 1000)
}

/// The detail of a record, from its text.
pub(super) fn detail(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// A record with the facts of a write beside it; what is not known is null.
fn change_json(change: &ChangeRecord) -> Value {
    let mut detail = detail(&change.detail);
    let mut fact = |name: &str| detail.as_object_mut().and_then(|detail| detail.remove(name));
    let facts = FACTS.map(|name| (name.to_owned(), fact(name).unwrap_or_default()));
    LOG_FACTS.iter().for_each(|name| drop(fact(name)));
    let mut told = json!({
        "number": change.number,
        "at": iso(change.at_ms),
        "kind": change.kind,
        "resource_id": change.resource_id,
        "version": change.version,
        "request_id": change.request_id,
        "actor": change.actor,
        "detail": detail,
    });
    if let Some(told) = told.as_object_mut() {
        told.extend(facts);
    }
    told
}
