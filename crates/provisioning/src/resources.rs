//! Resources: create, change, delete. A user, its seat, the ledger's line and the change record are one transaction: the
//! caller's. Members are changed as differences, so the cost of a change does not grow with the group.

use std::{borrow::Cow, collections::BTreeSet};

use directory::{
    Standing,
    memberships::{self, Applied},
    resources::{self, Record, Row},
};
use profiles::Received;
use scim_core::{
    Document, ResourceKind, ScimError,
    bulk::Method,
    leniency::Leniency,
    patch::{MemberChange, PatchRequest},
    resource::{self, Member},
};
use seat_ledger::{License, SeatChange, SeatRequest, pools, seats};
use serde_json::Value;
use store::WriteTx;

use crate::{
    Done, Preconditions, ProvisioningError, RequestContext, Rules, Verdict,
    adoption::{self, Posted},
    attributes::changed_attributes,
    before_image::Image,
    breaker::{deletion, loss},
    effects::done,
    facts::{Cause, Facts, SeatFacts},
    group_roles, guards, leaving,
    product::{RoleFacts, is_active},
    records,
    seating::{self, Asks},
    sent_person::is_in,
    sent_role::role_in,
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
    /// Of a user.
    role: RoleFacts,
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
        let (seat, role) = match kind {
            ResourceKind::User => {
                let product = &context.rules.product;
                let carried = product.carried(|name| is_in(body, name));
                let (seat, role) = product.first_request(&document, carried);
                (Some(seat), role)
            }
            _ => (None, RoleFacts::default()),
        };
        Ok(Self { row: Row::of(rt, &document), seat, role, members })
    }

    /// What it carries of a person's role.
    pub(crate) fn role_received(&self) -> Option<Received> {
        self.role.received
    }

    /// What a person who is there already is taken over with.
    fn posted(&self) -> Posted<'_> {
        Posted { row: &self.row, received: self.role.received }
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
    fn method(&self) -> Method {
        match self {
            Self::Replace(_) => Method::Put,
            Self::Patch(..) => Method::Patch,
        }
    }

    /// Whether it carries an attribute, given by its full name, with or without a value.
    fn carries(&self, name: &str) -> bool {
        match self {
            Self::Replace(body) => is_in(body, name),
            // Within an extension an operation is about the whole of it.
            Self::Patch(patch, _) => patch.names(name.rsplit_once(':').map_or(name, |(urn, _)| urn)),
        }
    }

    /// Which of the attributes that decide role and activity it carries.
    fn carried(&self, rules: &Rules) -> Carried {
        let role = rules.product.source_names().any(|name| self.carries(name));
        Carried { role, active: self.carries("active") }
    }

    /// What it carries of the role of a person whom it leaves with this document; `None` for a group.
    fn role_received(&self, rules: &Rules, kind: ResourceKind, new: &Document) -> Option<Received> {
        let carried = || rules.product.carried(|name| self.carries(name));
        (kind == ResourceKind::User).then(|| rules.profile().received_in(new, carried()))
    }

    /// What it carries of a person's role, read without the person whom it changes. `None` where that cannot be read, and of a group.
    pub(crate) fn role_received_alone(&self, rules: &Rules, kind: ResourceKind) -> Option<Received> {
        match self {
            _ if kind != ResourceKind::User => None,
            Self::Replace(body) => role_in(rules, body),
            _ if rules.product.carried(|name| self.carries(name)).is_nothing() => Some(Received::Absent),
            Self::Patch(patch, _) => {
                let (rt, nobody) = (rules.resource_type(kind), Document::default());
                let new = patch.apply(rt, &nobody, &mut rules.tolerance()).ok()?;
                self.role_received(rules, kind, &new)
            }
        }
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
        Some(found) => return adoption::take(tx, found, new.posted(), shown, context),
    };
    let record = match inserted {
        Ok(record) => record,
        Err(error) if is_user => {
            let found = adoption::after(tx, &context.rules, error)?;
            return adoption::take(tx, found, new.posted(), shown, context);
        }
        Err(error) => return Err(error.into()),
    };
    let seat = new.seat.as_ref().map(|request| seats::settle_new(tx, &record.id, request)).transpose()?;
    let applied = change_members(tx, &record.id, &new.members, context)?;
    let cause = context.cause(Method::Post, kind);
    let facts = Facts { role: new.role.clone(), seat: SeatFacts::of(seat.as_ref()), ..Facts::default() };
    records::record(tx, cause, kind, "created", &record, &facts)?;
    let others = follow(tx, context, cause, &record, seat.as_ref(), &applied.moved())?;
    // A new user is in no group.
    let is_without_links = is_user && shown == Shown::Links;
    let shown = if is_without_links { Shown::Attributes } else { shown };
    let view = View::of(kind, record);
    let done = done(tx, context, view, shown, Vec::new(), seat, applied)?;
    Ok(done.with_seats(others).with_role_received(new.role.received))
}

/// A resource as its transaction found it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) record: Record,
    /// Its document as a value.
    pub(crate) document: Document,
}

impl Found {
    /// The record with its document.
    ///
    /// # Errors
    /// When the stored document is damaged.
    pub(crate) fn of(record: Record) -> Result<Self, ProvisioningError> {
        Ok(Self { document: record.parse()?, record })
    }

    /// The resource that is to be changed, kept from other writers.
    ///
    /// # Errors
    /// [`ProvisioningError::NotFound`], a failed precondition, or the store's.
    pub(crate) fn for_update(
        tx: &mut WriteTx<'_>,
        kind: ResourceKind,
        id: &str,
        conditions: &Preconditions,
    ) -> Result<Self, ProvisioningError> {
        Self::of(found_for_update(tx, kind, id, conditions)?)
    }
}

/// Changes a resource, and a user's seat where the change asks for it. A request that changes no value writes its record alone.
///
/// # Errors
/// Those of [`create`].
pub(crate) fn edit(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    found: Found,
    edit: &Edit,
    shown: Shown,
    context: &mut RequestContext,
) -> Result<Done, ProvisioningError> {
    let Found { record, document: old } = found;
    let (new, members) = edit.apply(kind, &old, context)?;
    if frees(kind, &old, &new, &members) {
        tx.go_beyond_limit();
    }
    let applied = change_members(tx, &record.id, &members, context)?;
    if kind == ResourceKind::User {
        context.rules.features.require_edit(&old, &new)?;
    }
    let mut changed = changed_attributes(&old, &new);
    let rules = &context.rules;
    let received = edit.role_received(rules, kind, &new);
    let carried = || edit.carried(rules);
    let standing = match kind {
        ResourceKind::User => wishes::standing_after(rules, &record.standing, carried, &old, &new),
        _ => Standing::default(),
    };
    let is_touched = applied.changed || standing != record.standing;
    let standing_before = record.standing.clone();
    let mut record = match (new == old, is_touched) {
        (true, false) => {
            let written = Unchanged { method: edit.method(), received, document: &new };
            let view = unchanged(tx, context, &written, View::of(kind, record))?;
            let done = done(tx, context, view, shown, changed, None, applied)?;
            return Ok(done.with_verdict(Verdict::NoChange).with_role_received(received));
        }
        (true, true) => resources::touch(tx, kind, &record)?,
        (false, _) => resources::update(tx, rules.resource_type(kind), &record, &old, &new)?,
    };
    let attributes = changed.len();
    if applied.changed {
        changed.push("members".to_owned());
    }
    let seat = match kind {
        ResourceKind::User => {
            Some(seating::settle(tx, rules, &mut record, standing, [&old, &new], Asks::Idp)?)
        }
        _ => None,
    };
    let cause = context.cause(edit.method(), kind);
    let held_back = match kind {
        ResourceKind::Group => wipes::hold_back(tx, rules, &record, &applied, cause)?,
        _ => BTreeSet::new(),
    };
    let is_held = record.standing.held.is_some() || !held_back.is_empty();
    let verdict = if is_held { Verdict::Held } else { Verdict::Applied };
    let role = role_facts(rules, received, &record.standing, &new);
    let standings = [&standing_before, &record.standing];
    let before = || {
        Image::of_attributes(&old, changed.get(..attributes).unwrap_or_default(), standings)
            .with_members(&applied, context.rules.profile().log.people)
    };
    let before = (!cause.is_trial).then(before);
    let facts = Facts {
        verdict,
        changed: Some(&changed),
        role,
        seat: SeatFacts::of(seat.as_ref()),
        before: before.as_ref(),
        ..Facts::default()
    };
    records::record(tx, cause, kind, "changed", &record, &facts)?;
    let mut moved = applied.moved();
    moved.retain(|id| !held_back.contains(id));
    let others = follow(tx, context, cause, &record, seat.as_ref(), &moved)?;
    let held = loss::newly_held(tx, &standing_before, &record, cause)?;
    let view = View::of(kind, record);
    let done = done(tx, context, view, shown, changed, seat, applied)?;
    let done = done.with_seats(others).with_verdict(verdict).with_role_received(received);
    Ok(Done { held, ..done })
}

/// What is known of the role of a person of whom a write carried this, and whom it leaves with this document.
fn role_facts(
    rules: &Rules,
    received: Option<Received>,
    standing: &Standing,
    document: &Document,
) -> RoleFacts {
    let source = received.and_then(|_| wishes::role_from_unread(rules, standing, document));
    RoleFacts { received, source }
}

/// Carries out what follows from a person's new seat, or for the people who came to a group or left it; the seats of others that moved
/// for it.
fn follow(
    tx: &mut WriteTx<'_>,
    context: &RequestContext,
    cause: Cause<'_>,
    record: &Record,
    seat: Option<&SeatChange>,
    moved: &[String],
) -> Result<Vec<(License, &'static str)>, ProvisioningError> {
    let rules = &context.rules;
    match seat {
        Some(change) => seating::follow(tx, rules, change, cause).map(|()| Vec::new()),
        None => group_roles::follow(tx, rules, record, moved, cause),
    }
}

/// A write that says what is so already.
struct Unchanged<'a> {
    method: Method,
    /// What it carries of a person's role.
    received: Option<Received>,
    /// The resource, as it is.
    document: &'a Document,
}

/// Records a write that says what is so already; the resource as it is.
fn unchanged(
    tx: &mut WriteTx<'_>,
    context: &RequestContext,
    written: &Unchanged<'_>,
    view: View,
) -> Result<View, ProvisioningError> {
    // Nothing grows but the log: a full store takes it.
    tx.go_beyond_limit();
    let (rules, kind, record) = (&context.rules, view.kind, &view.record);
    let seat = match kind {
        ResourceKind::User => seats::find(tx, rules.product.licenses(), &record.id)?,
        _ => None,
    };
    let facts = Facts {
        verdict: Verdict::NoChange,
        role: role_facts(rules, written.received, &record.standing, written.document),
        seat: SeatFacts { before: seat.as_ref(), after: seat.as_ref() },
        ..Facts::default()
    };
    records::record_unchanged(tx, context.cause(written.method, kind), kind, record, &facts)?;
    Ok(View { seat, ..view })
}

/// Deletes a user or a group ([`leaving::delete`]), or holds the deletion of a user ([`deletion::hold`]).
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
        let cause = context.cause(Method::Delete, kind);
        if let Some(held) = deletion::hold(tx, &context.rules, &record, cause, &[])? {
            return Ok(held);
        }
    }
    leaving::delete(tx, &context.rules, kind, &record, context.cause(Method::Delete, kind), &[])
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
