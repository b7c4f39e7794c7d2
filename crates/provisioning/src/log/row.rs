//! A row of the log as programs read it.

use directory::log::{Kept, LogRow};
use scim_core::ResourceKind;
use serde_json::{Value, json};

use super::{details::Details, operation::told};
use crate::timestamp::iso;

/// A row; what is not known is null.
#[must_use]
pub fn row(record: &LogRow) -> Value {
    let (place, details) = (record.place, Details::of(record));
    let (fact, list) = (|name: &str| details.fact(name), |name: &str| details.list(name));
    let user_name = record.user_name.as_deref().or(record.user_key.as_deref());
    json!({
        "id": place.id(),
        "number": (place.kept == Kept::Change).then_some(place.number),
        "at": iso(place.at_ms),
        "request_id": record.request_id,
        "client_request_id": fact("client_request_id"),
        "credential": record.actor.as_ref().map_or_else(|| fact("credential"), |actor| json!(actor)),
        "idp": record.idp,
        "operation": details.text("operation").map(told),
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

/// The kind of resource that a record with this word is about.
fn resource(kind: &str) -> Option<&'static str> {
    let before = kind.split_once('.').map(|(before, _)| before);
    let of = |kind: ResourceKind| before.is_some_and(|before| kind.name().eq_ignore_ascii_case(before));
    [ResourceKind::User, ResourceKind::Group].into_iter().find(|kind| of(*kind)).map(ResourceKind::name)
}
