//! The one writer of change records: the change, its request, and the names of the attributes that changed.

use directory::{
    changes::{self, NewRecord},
    resources::Record,
};
use scim_core::{Document, ResourceKind};
use serde_json::{Map, Value};
use store::WriteTx;

use crate::ProvisioningError;

/// Records a change of a resource as it is now; `verb` is `created`, `changed`, `deleted`,
/// `promoted`, `reseated`, `held`, `released` or `dropped`.
pub(crate) fn record(
    tx: &mut WriteTx<'_>,
    request_id: &str,
    kind: ResourceKind,
    verb: &str,
    resource: &Record,
    detail: Value,
) -> Result<(), ProvisioningError> {
    record_as(tx, request_id, None, kind, verb, resource, detail)
}

/// The same, where somebody of the staff may have made the change.
pub(crate) fn record_as(
    tx: &mut WriteTx<'_>,
    request_id: &str,
    actor: Option<&str>,
    kind: ResourceKind,
    verb: &str,
    resource: &Record,
    detail: Value,
) -> Result<(), ProvisioningError> {
    let kind = format!("{}.{verb}", kind.name().to_ascii_lowercase());
    let (resource_id, version) = (&resource.id, resource.version);
    append(tx, NewRecord { kind: &kind, resource_id, version, request_id, actor, detail })
}

/// An act of staff; every change record that it writes names it.
#[derive(Clone, Debug)]
pub struct Act {
    /// The request's id, which the response and the log carry too.
    pub request_id: String,
    /// Who does it: `root`, or the name of an admin token (ME2).
    pub actor: String,
}

/// Records an act of staff that changes no resource (attack 58).
pub(crate) fn record_act(
    tx: &mut WriteTx<'_>,
    act: &Act,
    kind: &str,
    detail: Value,
) -> Result<(), ProvisioningError> {
    let (request_id, actor) = (&act.request_id, Some(act.actor.as_str()));
    append(tx, NewRecord { kind, resource_id: "", version: 0, request_id, actor, detail })
}

/// Records any change.
pub(crate) fn append(tx: &mut WriteTx<'_>, record: NewRecord<'_>) -> Result<(), ProvisioningError> {
    Ok(changes::append(tx, &record)?)
}

/// The names of the attributes in which two documents differ, those of an extension with its URN: `title`,
/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager`. Never a value.
pub(crate) fn changed_attributes(old: &Document, new: &Document) -> Vec<String> {
    let mut names = Vec::new();
    let empty = Map::new();
    for name in differing(&old.0, &new.0) {
        if name.contains(':') {
            let old = old.get(name).and_then(Value::as_object).unwrap_or(&empty);
            let new = new.get(name).and_then(Value::as_object).unwrap_or(&empty);
            names.extend(differing(old, new).map(|attribute| format!("{name}:{attribute}")));
        } else {
            names.push(name.to_owned());
        }
    }
    names
}

fn differing<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> impl Iterator<Item = &'a str> {
    let changed = old.iter().filter(|(name, value)| new.get(*name) != Some(*value));
    let added = new.iter().filter(|(name, _)| !old.contains_key(*name));
    changed.chain(added).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_that_changed_are_named_and_their_values_are_not() {
        let document = |value: Value| Document(value.as_object().unwrap().clone());
        let urn = "urn:example:hr:2.0:User";
        let old = document(
            json!({ "userName": "ann", "title": "Dr", "active": true, urn: { "badge": "1", "site": "x" } }),
        );
        let new = document(
            json!({ "userName": "ann", "active": false, "nickName": "A", urn: { "badge": "2", "site": "x" } }),
        );
        let badge = format!("{urn}:badge");
        assert_eq!(changed_attributes(&old, &new), ["title", "active", &badge, "nickName"]);
        let without = document(json!({ "userName": "ann", "title": "Dr", "active": true }));
        assert_eq!(changed_attributes(&old, &without), [badge, format!("{urn}:site")]);
        assert_eq!(changed_attributes(&old, &old), [""; 0]);
    }
}
