//! Resources: create, change, delete. A user, its seat, the ledger's line and the change record are one transaction: the
//! caller's. Members are changed as differences, so the cost of a change does not grow with the group.

use std::borrow::Cow;

use directory::{
    changes::NewRecord,
    memberships::{self, Applied, LeftGroup},
    resources::{self, Record, Row},
};
use scim_core::{
    Document, ResourceKind, ScimError,
    leniency::Leniency,
    patch::{MemberChange, PatchRequest},
    resource::{self, Member},
};
use seat_ledger::{License, Seat, SeatChange, SeatRequest, pools, seats};
use serde_json::{Value, json};
use store::WriteTx;

use crate::{
    Done, Preconditions, ProvisioningError, RequestContext,
    profile::is_active,
    promotion, records,
    view::{Shown, View},
};

/// A resource to be created: all of it that is known without the store.
#[derive(Clone, Debug)]
pub(crate) struct New {
    row: Row,
    /// Of a user.
    seat: Option<SeatRequest>,
    /// Of a group.
    members: Vec<MemberChange>,
}

impl New {
    /// The resource of this body.
    ///
    /// # Errors
    /// Those of [`resource::create`].
    pub(crate) fn read(
        kind: ResourceKind,
        body: &Value,
        context: &mut RequestContext,
    ) -> Result<Self, ScimError> {
        let rt = context.rules.resource_type(kind);
        let mut document = resource::create(rt, body, &mut context.tolerance)?;
        let members = taken_members(kind, &mut document, MemberChange::Add);
        let seat = (kind == ResourceKind::User).then(|| context.rules.profile.seat_request(&document));
        Ok(Self { row: Row::of(rt, &document), seat, members })
    }
}

/// A group's members, taken out of its document, as a change of them.
fn taken_members(
    kind: ResourceKind,
    document: &mut Document,
    change: fn(Vec<Member>) -> MemberChange,
) -> Vec<MemberChange> {
    match kind {
        ResourceKind::Group => vec![change(resource::take_members(document).unwrap_or_default())],
        _ => Vec::new(),
    }
}

/// How a resource is to be changed.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// PUT, with the body as sent; members that stay are not touched.
    Replace(Value),
    /// PATCH: attributes on the document, members as differences in order.
    Patch(PatchRequest, Vec<MemberChange>),
}

impl Edit {
    /// The document afterwards, and the changes of members.
    fn apply(
        &self,
        kind: ResourceKind,
        old: &Document,
        context: &mut RequestContext,
    ) -> Result<(Document, Cow<'_, [MemberChange]>), ProvisioningError> {
        let (rules, tolerance) = (&context.rules, &mut context.tolerance);
        let rt = rules.resource_type(kind);
        Ok(match self {
            Self::Replace(body) => {
                let kept = rules.kept_by_put();
                let kept = if kind == ResourceKind::User { kept.as_slice() } else { &[] };
                let mut new = resource::replace(rt, body, old, kept, tolerance)?;
                let members = taken_members(kind, &mut new, MemberChange::Replace);
                (new, members.into())
            }
            Self::Patch(patch, members) => (patch.apply(rt, old, tolerance)?, members.into()),
        })
    }
}

/// Creates a user and claims its seat, or a group with its members.
///
/// # Errors
/// A taken name, no seat left, unknown members, a group that would be in itself, or the store's.
pub(crate) fn create(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    id: String,
    new: &New,
    shown: Shown,
    context: &mut RequestContext,
) -> Result<Done, ProvisioningError> {
    pools::take_turn(tx)?;
    let record = resources::insert(tx, kind, id, &new.row)?;
    let seat = new.seat.as_ref().map(|request| seats::settle_new(tx, &record.id, request)).transpose()?;
    let applied = change_members(tx, &record.id, &new.members, context)?;
    let detail = seat.as_ref().map_or_else(|| json!({}), seat_detail);
    records::record(tx, &context.request_id, kind, "created", &record, detail)?;
    // A new user is in no group.
    let is_without_links = kind == ResourceKind::User && shown == Shown::Links;
    let shown = if is_without_links { Shown::Attributes } else { shown };
    done(tx, context, View::of(kind, record), shown, Vec::new(), seat, applied)
}

/// Changes a resource, and a user's seat where the change asks for it. A request that changes no value writes no row.
///
/// # Errors
/// As [`create`]; a failed precondition; no such resource.
pub(crate) fn edit(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    id: &str,
    edit: &Edit,
    shown: Shown,
    conditions: &Preconditions,
    context: &mut RequestContext,
) -> Result<Done, ProvisioningError> {
    let record = found_for_update(tx, kind, id, conditions)?;
    let old = record.parse()?;
    let (new, members) = edit.apply(kind, &old, context)?;
    if frees(kind, &old, &new, &members) {
        tx.go_beyond_limit();
    }
    let applied = change_members(tx, id, &members, context)?;
    let mut changed = records::changed_attributes(&old, &new);
    let record = match (new == old, applied.changed) {
        (true, false) => return done(tx, context, View::of(kind, record), shown, changed, None, applied),
        (true, true) => resources::touch(tx, kind, &record)?,
        (false, _) => resources::update(tx, context.rules.resource_type(kind), &record, &old, &new)?,
    };
    if applied.changed {
        changed.push("members".to_owned());
    }
    let seat = match kind {
        ResourceKind::User => {
            let held = seats::find(tx, context.rules.profile.licenses(), id)?;
            Some(seats::settle(tx, id, &seat_request(context, held.as_ref(), &old, &new))?)
        }
        _ => None,
    };
    let mut detail = seat.as_ref().map_or_else(|| json!({}), seat_detail);
    detail.as_object_mut().map(|detail| detail.insert("changed".into(), changed.clone().into()));
    records::record(tx, &context.request_id, kind, "changed", &record, detail)?;
    if let Some(change) = &seat {
        promotion::record(tx, &change.promoted, &context.request_id)?;
    }
    done(tx, context, View::of(kind, record), shown, changed, seat, applied)
}

/// Deletes a user, gives its seat to the next user in the queue and takes it out of its groups; or a group, whose members
/// stay. The groups that it was in get a new version.
///
/// # Errors
/// [`ProvisioningError::NotFound`], a failed precondition, or the store's.
pub(crate) fn delete(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    id: &str,
    conditions: &Preconditions,
    context: &RequestContext,
) -> Result<Done, ProvisioningError> {
    let record = found_for_update(tx, kind, id, conditions)?;
    tx.go_beyond_limit();
    let promoted = if kind == ResourceKind::User {
        seats::remove(tx, context.rules.profile.licenses(), id)?
    } else {
        Vec::new()
    };
    let left = resources::remove(tx, context.rules.resource_type(kind), &record)?;
    let request_id = &context.request_id;
    records::record(tx, request_id, kind, "deleted", &record, json!({}))?;
    for LeftGroup { group_id, version } in &left {
        let detail = json!({ "left": id, "changed": ["members"] });
        let (kind, resource_id, version) = ("group.changed", group_id.as_str(), *version);
        records::append(tx, NewRecord { kind, resource_id, version, request_id, detail })?;
    }
    promotion::record(tx, &promoted, request_id)?;
    Ok(Done { seats: promotions(&promoted).collect(), ..Done::default() })
}

/// The effects of a write that leaves a resource.
fn done(
    tx: &mut WriteTx<'_>,
    context: &RequestContext,
    view: View,
    shown: Shown,
    changed: Vec<String>,
    seat: Option<SeatChange>,
    applied: Applied,
) -> Result<Done, ProvisioningError> {
    let (version, seats) = (Some(view.version()), seat.as_ref().map(seat_events).unwrap_or_default());
    let view = View { seat: seat.map(|change| change.after), ..view };
    let view = view.shown(tx, context.rules.profile.licenses(), shown)?;
    Ok(Done { status: 0, version, view: Some(view), changed, seats, skipped: applied.skipped })
}

fn found_for_update(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    id: &str,
    conditions: &Preconditions,
) -> Result<Record, ProvisioningError> {
    // Seats before rows of the directory, here and in `create`: a promotion holds the seats and then writes to users, so no
    // writer may hold a user, or the directory's totals, and wait for seats. Writers of groups take the same turn: two of them
    // could put each of two groups into the other, and a membership and the deletion of its user would wait for each other's
    // rows (docs/decisions/0023).
    pools::take_turn(tx)?;
    let record = resources::find_for_update(tx, kind, id)?.ok_or(ProvisioningError::NotFound(kind.name()))?;
    conditions.check_write(record.version)?;
    Ok(record)
}

/// Whether a change only frees a seat or only takes members out: such changes are allowed in a full store.
fn frees(kind: ResourceKind, old: &Document, new: &Document, members: &[MemberChange]) -> bool {
    match kind {
        ResourceKind::User => is_active(old) && !is_active(new),
        _ => new == old && members.iter().all(|change| matches!(change, MemberChange::Remove(_))),
    }
}

/// Changes the members. The id decides the kind of a member; a strict tenant refuses another `type`.
fn change_members(
    tx: &mut WriteTx<'_>,
    id: &str,
    changes: &[MemberChange],
    context: &mut RequestContext,
) -> Result<Applied, ProvisioningError> {
    if changes.is_empty() {
        return Ok(Applied::default());
    }
    let rules = &context.rules;
    let applied = memberships::apply(tx, id, &rules.base.0, changes, rules.unknown_members)?;
    if applied.mislabelled {
        context.tolerance.allow(Leniency::MemberType, "members.type", || {
            ScimError::invalid_value("members.type is not what the member is; leave it out or correct it.")
        })?;
    }
    Ok(applied)
}

/// The seat request of the changed document. As long as the class attribute stays as it is, so does the request (MO13): an
/// edit of something else never moves a license, even where the profile has come to read the value differently.
fn seat_request(
    context: &RequestContext,
    held: Option<&Seat>,
    old: &Document,
    new: &Document,
) -> SeatRequest {
    let profile = &context.rules.profile;
    let role = held.and_then(|seat| profile.role(&seat.role));
    match held {
        Some(seat) if profile.class_value(old) == profile.class_value(new) => SeatRequest {
            role: seat.role.clone(),
            role_rank: role.map_or(seat.role_rank(), |role| role.rank),
            license: seat.requested.clone(),
            may_fall_back: role.is_some_and(|role| role.may_fall_back),
            active: is_active(new),
        },
        _ => profile.seat_request(new),
    }
}

/// MO6: requested and granted license, before and after.
fn seat_detail(change: &SeatChange) -> Value {
    let facts = |seat: &Seat| {
        json!({
            "role": seat.role,
            "requestedLicense": seat.requested.key(),
            "grantedLicense": seat.granted.as_ref().map(License::key),
            "state": seat.state.key(),
        })
    };
    match (&change.before, change.changed()) {
        (None, _) => json!({ "seat": facts(&change.after) }),
        (Some(before), true) => json!({ "seatBefore": facts(before), "seat": facts(&change.after) }),
        (Some(_), false) => json!({}),
    }
}

fn seat_events(change: &SeatChange) -> Vec<(License, &'static str)> {
    let own = change.changed().then(|| (change.after.requested.clone(), change.after.state.key()));
    own.into_iter().chain(promotions(&change.promoted)).collect()
}

fn promotions(promoted: &[Seat]) -> impl Iterator<Item = (License, &'static str)> {
    promoted.iter().map(|seat| (seat.requested.clone(), "promoted"))
}
