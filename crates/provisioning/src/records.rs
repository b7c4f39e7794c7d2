//! The one writer of change records.

use directory::{
    before_images,
    changes::{self, NewRecord},
    log::{Entry, NewAttempt},
    memberships::LeftGroup,
    resources::Record,
    role_changes,
};
use scim_core::ResourceKind;
use seat_ledger::{Seat, State};
use serde_json::{Value, json};
use store::WriteTx;

use crate::{
    ProvisioningError,
    before_image::Image,
    facts::{Act, Cause, Detail, Facts, Note, SeatFacts},
    log::{
        names::{self, Person},
        result::LogResult,
    },
};

/// The verb of a deletion.
const DELETED: &str = "deleted";

/// Records a change of a resource as it is now; `verb` is `created`, `changed`, `deleted`, `linked`, `revived`, `promoted`,
/// `reseated`, `held`, `released`, `dropped` or `restored`. The record of an answered write is its row of the provisioning log. A trial
/// leaves none: no write reads a record, and nobody reads the log of a copy.
pub(crate) fn record(
    tx: &mut WriteTx<'_>,
    cause: Cause<'_>,
    kind: ResourceKind,
    verb: &str,
    resource: &Record,
    facts: &Facts<'_>,
) -> Result<(), ProvisioningError> {
    if cause.is_trial {
        return Ok(());
    }
    let detail = Detail { cause, is_held: resource.standing.held.is_some(), facts };
    let name = format!("{}.{verb}", kind.name().to_ascii_lowercase());
    // A record that answers no write has no person. A deletion has one always: it tells later whose id it was.
    let person = match cause.answer.is_some() || verb == DELETED {
        true => Person::in_record(tx, cause, kind, resource)?,
        false => None,
    };
    let changed = Changed { resource_id: &resource.id, version: resource.version, person: person.as_ref() };
    keep_image(tx, &resource.id, facts)?;
    append(tx, &name, changed, &detail, entry(cause, facts))?;
    if let (Some(person), Some(people), DELETED) = (&person, cause.people, verb) {
        names::forget(tx, people, person, resource)?;
    }
    if has_another_role(facts.seat) {
        role_changes::note(tx, &resource.id)?;
    }
    if kind == ResourceKind::User && !cause.makers.is_empty() && leaves(verb, facts) {
        record_maker_left(tx, cause, resource)?;
    }
    Ok(())
}

/// Keeps what a change replaced, under the number that its record gets next, and the place in a queue that it gave or took; in a store
/// that is nearly full the names alone, so that deletions make room.
fn keep_image(tx: &mut WriteTx<'_>, resource_id: &str, facts: &Facts<'_>) -> Result<(), ProvisioningError> {
    let SeatFacts { before, after } = facts.seat;
    let image = Image::with_seat(facts.before, before, after);
    if image.is_empty() {
        return Ok(());
    }
    let text = if tx.is_nearly_full()? { image.without_values().text() } else { image.text() };
    Ok(before_images::keep(tx, resource_id, &text)?)
}

/// Records a write that changed nothing: in the provisioning log alone.
pub(crate) fn record_unchanged(
    tx: &mut WriteTx<'_>,
    cause: Cause<'_>,
    kind: ResourceKind,
    resource: &Record,
    facts: &Facts<'_>,
) -> Result<(), ProvisioningError> {
    let Some(entry) = entry(cause, facts).filter(|_| !cause.is_trial) else { return Ok(()) };
    let person = Person::in_record(tx, cause, kind, resource)?;
    let attempt = NewAttempt {
        at_ms: tx.now_ms(),
        kind: &format!("{}.unchanged", kind.name().to_ascii_lowercase()),
        resource_id: &resource.id,
        request_id: cause.request_id,
        detail: &Detail { cause, is_held: resource.standing.held.is_some(), facts }.text(),
        entry,
        person: person.as_ref().map(Person::logged),
    };
    Ok(directory::log::append(tx, &attempt)?)
}

/// What the provisioning log has of the answer.
fn entry(cause: Cause<'_>, facts: &Facts<'_>) -> Option<Entry<'static>> {
    cause
        .answer
        .map(|answer| Entry { result: LogResult::from(facts.verdict).word(), idp: answer.sender.idp.word() })
}

/// Whether a person who was here before has another role now.
fn has_another_role(seat: SeatFacts<'_>) -> bool {
    seat.before.zip(seat.after).is_some_and(|(before, after)| before.role != after.role)
}

/// Whether a person is gone from now on: deleted, or suspended and not before.
fn leaves(verb: &str, facts: &Facts<'_>) -> bool {
    let is_suspended = |seat: &Seat| seat.state == State::Suspended;
    let seat = facts.seat;
    verb == DELETED
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
        let (entry, person) = (None, None);
        changes::append(
            tx,
            &NewRecord { kind, resource_id, version, request_id, actor, detail, entry, person },
        )?;
    }
    Ok(())
}

/// Records that a group has lost a member.
pub(crate) fn record_left(
    tx: &mut WriteTx<'_>,
    cause: Cause<'_>,
    group: &LeftGroup,
    member: &str,
    before: &Image,
) -> Result<(), ProvisioningError> {
    let changed = ["members".to_owned()];
    let notes = &[Note { name: "left", text: member }];
    let facts = Facts { changed: Some(&changed), notes, before: Some(before), ..Facts::default() };
    let detail = Detail { cause, is_held: false, facts: &facts };
    keep_image(tx, &group.group_id, &facts)?;
    let changed = Changed { resource_id: &group.group_id, version: group.version, person: None };
    append(tx, "group.changed", changed, &detail, None)
}

/// Records that a group has people back who were deleted.
pub(crate) fn record_back(
    tx: &mut WriteTx<'_>,
    cause: Cause<'_>,
    group: &LeftGroup,
    before: &Image,
) -> Result<(), ProvisioningError> {
    let (changed, people) = (["members".to_owned()], before.members.len().to_string());
    let notes = &[Note { name: "people", text: &people }];
    let facts = Facts { changed: Some(&changed), notes, before: Some(before), ..Facts::default() };
    keep_image(tx, &group.group_id, &facts)?;
    let detail = Detail { cause, is_held: false, facts: &facts };
    let changed = Changed { resource_id: &group.group_id, version: group.version, person: None };
    append(tx, "group.changed", changed, &detail, None)
}

/// A resource that changed, its version after that, and the person that it is in the log.
struct Changed<'a> {
    resource_id: &'a str,
    version: i64,
    person: Option<&'a Person>,
}

fn append(
    tx: &mut WriteTx<'_>,
    kind: &str,
    changed: Changed<'_>,
    detail: &Detail<'_>,
    entry: Option<Entry<'_>>,
) -> Result<(), ProvisioningError> {
    let (Cause { request_id, actor, .. }, Changed { resource_id, version, person }) = (detail.cause, changed);
    let (detail, person) = (&detail.text(), person.map(Person::logged));
    let new = NewRecord { kind, resource_id, version, request_id, actor, detail, entry, person };
    Ok(changes::append(tx, &new)?)
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
    let (resource_id, version, entry, person) = ("", 0, None, None);
    let new = NewRecord { kind, resource_id, version, request_id, actor, detail, entry, person };
    Ok(changes::append(tx, &new)?)
}
