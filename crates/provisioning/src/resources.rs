//! Resources: create, change, delete. A user, its seat, the ledger's line and the change record are one transaction: the
//! caller's. Members are changed as differences, so the cost of a change does not grow with the group.

use std::borrow::Cow;

use directory::{
    Standing,
    memberships::{self, Applied},
    resources::{self, Record, Row},
};
use scim_core::{
    Document, ResourceKind, ScimError,
    leniency::Leniency,
    patch::{MemberChange, PatchRequest},
    resource::{self, Member},
};
use seat_ledger::{License, SeatChange, SeatRequest, pools, seats};
use serde_json::{Value, json};
use store::WriteTx;

use crate::{
    Done, Preconditions, ProvisioningError, RequestContext, Rules, adoption,
    effects::{done, seat_detail, with_member},
    group_roles, guards, leaving,
    product::is_active,
    records,
    seating::{self, Asks},
    view::{Shown, View},
    wipes,
    wishes::{self, Carried},
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
        if kind == ResourceKind::User {
            context.rules.profile().check_values(None, &document)?;
        }
        let seat = (kind == ResourceKind::User).then(|| context.rules.product.seat_request(&document, &[]));
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
    /// Which of the attributes that decide role and activity it carries.
    fn carried(&self, rules: &Rules) -> Carried {
        let carries = |name: &str| match self {
            Self::Replace(body) => is_in(body, name),
            // Within an extension an operation is about the whole of it.
            Self::Patch(patch, _) => patch.names(name.rsplit_once(':').map_or(name, |(urn, _)| urn)),
        };
        Carried { role: rules.product.source_names().any(carries), active: carries("active") }
    }

    /// The document afterwards, and the changes of members.
    fn apply(
        &self,
        kind: ResourceKind,
        old: &Document,
        context: &mut RequestContext,
    ) -> Result<(Document, Cow<'_, [MemberChange]>), ProvisioningError> {
        let (rules, tolerance) = (&context.rules, &mut context.tolerance);
        let (rt, product) = (rules.resource_type(kind), &rules.product);
        let (mut new, members) = match self {
            Self::Replace(body) => {
                let kept = if kind == ResourceKind::User { rules.kept_by_put() } else { Vec::new() };
                let mut new = resource::replace(rt, body, old, &kept, tolerance)?;
                let members = taken_members(kind, &mut new, MemberChange::Replace);
                (new, members.into())
            }
            Self::Patch(patch, members) => (patch.apply(rt, old, tolerance)?, members.into()),
        };
        if kind == ResourceKind::User {
            product.keep_when_empty(rt, old, &mut new);
            product.profile.check_values(Some(old), &new)?;
        }
        Ok((new, members))
    }
}

/// Whether a body has this attribute, given by its full name, with or without a value.
fn is_in(body: &Value, name: &str) -> bool {
    body.as_object().is_some_and(|body| {
        body.iter().any(|(key, value)| match name.rsplit_once(':') {
            Some((urn, attribute)) if key.eq_ignore_ascii_case(urn) => is_in(value, attribute),
            _ => key.eq_ignore_ascii_case(name),
        })
    })
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
    let is_user = kind == ResourceKind::User;
    let found = if is_user { adoption::before(tx, &context.rules, &new.row)? } else { None };
    let inserted = match found {
        None => resources::insert(tx, kind, id, &new.row),
        Some(found) => return adoption::take(tx, found, &new.row, shown, context),
    };
    let record = match inserted {
        Ok(record) => record,
        Err(error) if is_user => {
            let found = adoption::after(tx, &context.rules, error)?;
            return adoption::take(tx, found, &new.row, shown, context);
        }
        Err(error) => return Err(error.into()),
    };
    let seat = new.seat.as_ref().map(|request| seats::settle_new(tx, &record.id, request)).transpose()?;
    let applied = change_members(tx, &record.id, &new.members, context)?;
    let detail = seat.as_ref().map_or_else(|| json!({}), seat_detail);
    records::record(tx, &context.request_id, kind, "created", &record, detail)?;
    let others = follow(tx, context, &record, seat.as_ref(), &applied)?;
    // A new user is in no group.
    let is_without_links = is_user && shown == Shown::Links;
    let shown = if is_without_links { Shown::Attributes } else { shown };
    let done = done(tx, context, View::of(kind, record), shown, Vec::new(), seat, applied)?;
    Ok(done.with_seats(others))
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
    if kind == ResourceKind::User {
        context.rules.features.require_edit(&old, &new)?;
    }
    let mut changed = records::changed_attributes(&old, &new);
    let rules = &context.rules;
    let carried = || edit.carried(rules);
    let standing = match kind {
        ResourceKind::User => wishes::standing_after(rules, &record.standing, carried, &old, &new),
        _ => Standing::default(),
    };
    let is_touched = applied.changed || standing != record.standing;
    let mut record = match (new == old, is_touched) {
        (true, false) => return done(tx, context, View::of(kind, record), shown, changed, None, applied),
        (true, true) => resources::touch(tx, kind, &record)?,
        (false, _) => resources::update(tx, rules.resource_type(kind), &record, &old, &new)?,
    };
    if applied.changed {
        changed.push("members".to_owned());
    }
    let seat = match kind {
        ResourceKind::User => {
            Some(seating::settle(tx, rules, &mut record, standing, [&old, &new], Asks::Idp)?)
        }
        _ => None,
    };
    let detail = seat.as_ref().map_or_else(|| json!({}), seat_detail);
    let detail = with_member(detail, "changed", changed.clone());
    records::record(tx, &context.request_id, kind, "changed", &record, detail)?;
    let others = follow(tx, context, &record, seat.as_ref(), &applied)?;
    Ok(done(tx, context, View::of(kind, record), shown, changed, seat, applied)?.with_seats(others))
}

/// Carries out what follows from a person's new seat, or from a group's members; the seats of others that moved for it.
fn follow(
    tx: &mut WriteTx<'_>,
    context: &RequestContext,
    record: &Record,
    seat: Option<&SeatChange>,
    applied: &Applied,
) -> Result<Vec<(License, &'static str)>, ProvisioningError> {
    let (rules, request_id) = (&context.rules, &context.request_id);
    match seat {
        Some(change) => seating::follow(tx, rules, change, request_id).map(|()| Vec::new()),
        None => {
            let held = wipes::hold_back(tx, rules, record, applied, request_id)?;
            let mut moved = applied.moved();
            moved.retain(|id| !held.contains(id));
            group_roles::follow(tx, rules, record, &moved, request_id)
        }
    }
}

/// Deletes a user or a group ([`leaving::delete`]).
///
/// # Errors
/// [`ProvisioningError::NotFound`], a failed precondition, a guard's refusal, or the store's.
pub(crate) fn delete(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    id: &str,
    conditions: &Preconditions,
    context: &RequestContext,
) -> Result<Done, ProvisioningError> {
    let record = found_for_update(tx, kind, id, conditions)?;
    if kind == ResourceKind::User {
        guards::may_delete(tx, &context.rules, &record)?;
    }
    leaving::delete(tx, &context.rules, kind, &record, json!({}), &context.request_id, None)
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
    let applied = memberships::apply(tx, id, &rules.base.0, changes, rules.members())?;
    rules.note_departures(tx, &applied.left);
    if applied.mislabelled {
        context.tolerance.allow(Leniency::MemberType, "members.type", || {
            ScimError::invalid_value("members.type is not what the member is; leave it out or correct it.")
        })?;
    }
    Ok(applied)
}
