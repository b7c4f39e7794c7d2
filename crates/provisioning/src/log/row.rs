//! A row of the log as programs read it.

use directory::log::{Kept, LogRow, Place};
use scim_core::ResourceKind;
use serde_json::{Value, json};

use super::operation::Operation;
use crate::timestamp::iso;

/// A row; what is not known is null.
#[must_use]
pub fn row(record: &LogRow) -> Value {
    let Place { at_ms, kept, number } = record.place;
    let detail: Value = serde_json::from_str(&record.detail).unwrap_or_default();
    let fact = |name: &str| detail.get(name).cloned().unwrap_or_default();
    let list = |name: &str| detail.get(name).cloned().unwrap_or_else(|| json!([]));
    let operation = detail.get("operation").and_then(Value::as_str).map(|word| Operation::of(word).word());
    let user_name = record.user_name.as_deref().or(record.user_key.as_deref());
    json!({
        "id": id(kept, number),
        "number": (kept == Kept::Change).then_some(number),
        "at": iso(at_ms),
        "request_id": record.request_id,
        "client_request_id": fact("client_request_id"),
        "credential": record.actor.as_ref().map_or_else(|| fact("credential"), |actor| json!(actor)),
        "idp": record.idp,
        "operation": operation,
        "resource": resource(&record.kind),
        "resource_id": Some(&record.resource_id).filter(|id| !id.is_empty()),
        "user_name": user_name,
        "result": record.result,
        "status": fact("status"),
        "scim_type": fact("scim_type"),
        "detail": fact("sentence"),
        "changed": list("changed"),
        "role": {
            "received": fact("role_received"),
            "source": fact("role_source"),
            "before": fact("role_before"),
            "after": fact("role_after"),
        },
        "license": {
            "before": fact("license_before"),
            "requested": fact("license_requested"),
            "granted": fact("license_granted"),
            "state": fact("state"),
        },
        "leniencies": list("leniencies"),
        "profile": fact("profile"),
    })
}

/// The id of a row: it tells the rows of a tenant apart, also of one that has moved.
fn id(kept: Kept, number: i64) -> String {
    match kept {
        Kept::Change => format!("c{number}"),
        Kept::Attempt => format!("a{number}"),
    }
}

/// The kind of resource that a record with this word is about.
fn resource(kind: &str) -> Option<&'static str> {
    let before = kind.split_once('.').map(|(before, _)| before);
    let of = |kind: ResourceKind| before.is_some_and(|before| kind.name().eq_ignore_ascii_case(before));
    [ResourceKind::User, ResourceKind::Group].into_iter().find(|kind| of(*kind)).map(ResourceKind::name)
}
