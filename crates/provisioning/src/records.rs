//! The one writer of change records, and the names of the attributes that a write changes.

use directory::{
    changes::{self, NewRecord},
    log::{Entry, NewAttempt},
    memberships::LeftGroup,
    resources::Record,
    role_changes,
};
use scim_core::{Document, ResourceKind};
use seat_ledger::{Seat, State};
use serde_json::{Map, Value, json};
use store::WriteTx;

use crate::{
    ProvisioningError,
    facts::{Act, Cause, Detail, Facts, Note, SeatFacts},
    log::{
        names::{self, Person},
        result::LogResult,
    },
};

/// Records a change of a resource as it is now; `verb` is `created`, `changed`, `deleted`, `linked`, `revived`, `promoted`,
/// `reseated`, `held`, `released` or `dropped`. The record of an answered write is its row of the provisioning log.
pub(crate) fn record(
    tx: &mut WriteTx<'_>,
    cause: Cause<'_>,
    kind: ResourceKind,
    verb: &str,
    resource: &Record,
    facts: &Facts<'_>,
) -> Result<(), ProvisioningError> {
    let detail = Detail { cause, is_held: resource.standing.held.is_some(), facts };
    let name = format!("{}.{verb}", kind.name().to_ascii_lowercase());
    let person = Person::in_record(tx, cause, kind, resource)?;
    let entry = entry(cause, facts, person.as_ref());
    let changed = Changed { resource_id: &resource.id, version: resource.version };
    append(tx, &name, changed, &detail, entry)?;
    if let (Some(person), Some(answer), "deleted") = (&person, cause.answer, verb) {
        names::forget(tx, answer.people, person, resource)?;
    }
    if has_another_role(facts.seat) {
        role_changes::note(tx, &resource.id)?;
    }
    if kind == ResourceKind::User && !cause.makers.is_empty() && leaves(verb, facts) {
        record_maker_left(tx, cause, resource)?;
    }
    Ok(())
}

/// Records a write that changed nothing: in the provisioning log alone.
pub(crate) fn record_unchanged(
    tx: &mut WriteTx<'_>,
    cause: Cause<'_>,
    kind: ResourceKind,
    resource: &Record,
    facts: &Facts<'_>,
) -> Result<(), ProvisioningError> {
    let person = Person::in_record(tx, cause, kind, resource)?;
    let Some(entry) = entry(cause, facts, person.as_ref()) else { return Ok(()) };
    let attempt = NewAttempt {
        at_ms: tx.now_ms(),
        kind: &format!("{}.unchanged", kind.name().to_ascii_lowercase()),
        resource_id: &resource.id,
        request_id: cause.request_id,
        detail: &Detail { cause, is_held: resource.standing.held.is_some(), facts }.text(),
        entry,
    };
    Ok(directory::log::append(tx, &attempt)?)
}

/// What the provisioning log has of the answer.
fn entry<'a>(cause: Cause<'_>, facts: &Facts<'_>, person: Option<&'a Person>) -> Option<Entry<'a>> {
    cause.answer.map(|answer| Entry {
        result: LogResult::from(facts.verdict).word(),
        idp: answer.sender.idp.word(),
        person: person.map(Person::logged),
    })
}

/// Whether a person who was here before has another role now.
fn has_another_role(seat: SeatFacts<'_>) -> bool {
    seat.before.zip(seat.after).is_some_and(|(before, after)| before.role != after.role)
}

/// Whether a person is gone from now on: deleted, or suspended and not before.
fn leaves(verb: &str, facts: &Facts<'_>) -> bool {
    let is_suspended = |seat: &Seat| seat.state == State::Suspended;
    let seat = facts.seat;
    verb == "deleted"
        || (seat.after.is_some_and(is_suspended) && seat.before.is_some_and(|seat| !is_suspended(seat)))
}

/// Records, for each credential that was made for this person, that it lives on without the person (MO10).
fn record_maker_left(
    tx: &mut WriteTx<'_>,
    cause: Cause<'_>,
    person: &Record,
) -> Result<(), ProvisioningError> {
    let (document, now_ms) = (person.parse()?, tx.now_ms());
    let user_name = document.str("userName").unwrap_or_default();
    for maker in cause.makers.iter().filter(|maker| maker.is(user_name, now_ms)) {
        let detail = &json!({ "key_id": maker.key_id }).to_string();
        let (kind, resource_id, version) = ("credential.maker_left", person.id.as_str(), person.version);
        let Cause { request_id, actor, .. } = cause;
        let entry = None;
        changes::append(tx, &NewRecord { kind, resource_id, version, request_id, actor, detail, entry })?;
    }
    Ok(())
}

/// Records that a group has lost a member.
pub(crate) fn record_left(
    tx: &mut WriteTx<'_>,
    cause: Cause<'_>,
    group: &LeftGroup,
    member: &str,
) -> Result<(), ProvisioningError> {
    let changed = ["members".to_owned()];
    let notes = &[Note { name: "left", text: member }];
    let facts = Facts { changed: Some(&changed), notes, ..Facts::default() };
    let detail = Detail { cause, is_held: false, facts: &facts };
    let changed = Changed { resource_id: &group.group_id, version: group.version };
    append(tx, "group.changed", changed, &detail, None)
}

/// A resource that changed, and its version after that.
struct Changed<'a> {
    resource_id: &'a str,
    version: i64,
}

fn append(
    tx: &mut WriteTx<'_>,
    kind: &str,
    changed: Changed<'_>,
    detail: &Detail<'_>,
    entry: Option<Entry<'_>>,
) -> Result<(), ProvisioningError> {
    let (Cause { request_id, actor, .. }, Changed { resource_id, version }) = (detail.cause, changed);
    let detail = &detail.text();
    Ok(changes::append(tx, &NewRecord { kind, resource_id, version, request_id, actor, detail, entry })?)
}

/// Records an act of staff that changes no resource (attack 58).
pub(crate) fn record_act(
    tx: &mut WriteTx<'_>,
    act: &Act,
    kind: &str,
    detail: Value,
) -> Result<(), ProvisioningError> {
    record_plan(tx, Cause::of_plan(act), kind, &detail)
}

/// Records a change of the plan, or of how it is read.
pub(crate) fn record_plan(
    tx: &mut WriteTx<'_>,
    cause: Cause<'_>,
    kind: &str,
    detail: &Value,
) -> Result<(), ProvisioningError> {
    let (Cause { request_id, actor, .. }, detail) = (cause, &detail.to_string());
    let (resource_id, version, entry) = ("", 0, None);
    Ok(changes::append(tx, &NewRecord { kind, resource_id, version, request_id, actor, detail, entry })?)
}

/// The names of the attributes in which two documents differ, those of an extension with its URN: `title`, `name.givenName`,
/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`. Never a value.
pub(crate) fn changed_attributes(old: &Document, new: &Document) -> Vec<String> {
    let mut names = Vec::new();
    let empty = Map::new();
    for name in differing(&old.0, &new.0) {
        if name.contains(':') {
            let old = old.get(name).and_then(Value::as_object).unwrap_or(&empty);
            let new = new.get(name).and_then(Value::as_object).unwrap_or(&empty);
            let within = differing(old, new).flat_map(|attribute| parts(attribute, old, new));
            names.extend(within.map(|attribute| format!("{name}:{attribute}")));
        } else {
            names.extend(parts(name, &old.0, &new.0));
        }
    }
    names
}

/// The sub-attributes in which a complex attribute differs; of another one its name.
fn parts(name: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<String> {
    let empty = Map::new();
    let (old, new) = match (old.get(name), new.get(name)) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => (old, new),
        (Some(Value::Object(old)), None) => (old, &empty),
        (None, Some(Value::Object(new))) => (&empty, new),
        _ => return vec![name.to_owned()],
    };
    differing(old, new).map(|part| format!("{name}.{part}")).collect()
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
