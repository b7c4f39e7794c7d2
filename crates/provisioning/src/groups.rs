//! Groups: create, read, list, change, delete. Members are changed as differences, so the cost of a change does not grow
//! with the group.

use std::collections::VecDeque;

use directory::{
    DirectoryError,
    changes::{self, Change},
    groups::{self, GroupRecord},
    memberships::{self, LeftGroup, MemberRow, Outcome},
    search::Visitor,
};
use scim_core::{
    ScimError,
    leniency::{Leniency, Tolerance},
    patch::{MemberChange, PatchRequest},
    resource::{self, Member},
};
use seat_ledger::pools;
use serde_json::{Value, json};
use store::{ReadTx, WriteTx};

use crate::{
    Act, Preconditions, ProvisioningError, Rules,
    render::{self, Base},
};

/// A group with what is computed for its answer.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// The row.
    pub record: GroupRecord,
    /// Its members; `None` when nobody asked for them, which spares reading them.
    pub members: Option<Vec<MemberRow>>,
}

/// What a write came to.
#[derive(Clone, Debug)]
pub struct Written {
    /// The group afterwards.
    pub view: GroupView,
    /// Whether anything changed.
    pub changed: bool,
    /// Members that were skipped because they are not here.
    pub skipped: Vec<String>,
}

/// Creates a group with its members.
///
/// # Errors
/// A taken name, unknown members, a group that would be in itself, or the store's.
pub fn create(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    body: &Value,
    with_members: bool,
    by: (&Act, &mut Tolerance),
) -> Result<Written, ProvisioningError> {
    let id = tx.new_id();
    create_as(tx, rules, id, (body, with_members), by)
}

/// As [`create`], under an id that [`WriteTx::new_id`] gave before.
///
/// # Errors
/// As [`create`].
pub fn create_as(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: String,
    (body, with_members): (&Value, bool),
    (act, tolerance): (&Act, &mut Tolerance),
) -> Result<Written, ProvisioningError> {
    let mut document = resource::create(&rules.group, body, tolerance)?;
    let members = resource::take_members(&mut document).unwrap_or_default();
    pools::take_turn(tx)?;
    let record = groups::insert_as(tx, id, &document, &rules.group)?;
    let outcome = change_members(tx, rules, &record.id, &[MemberChange::Add(members)], tolerance)?;
    note(tx, "group.created", &record, act)?;
    let view = view(tx, record, with_members)?;
    Ok(Written { view, changed: true, skipped: outcome.skipped })
}

/// One group.
///
/// # Errors
/// [`ProvisioningError::NotFound`], or the store's.
pub fn get(tx: &mut ReadTx<'_>, id: &str, with_members: bool) -> Result<GroupView, ProvisioningError> {
    let record = groups::find(tx, id)?.ok_or(ProvisioningError::NotFound("Group"))?;
    view(tx, record, with_members)
}

/// As [`get`], by a few queries whose cost is bounded; `None` when the members are asked for and many.
///
/// # Errors
/// As [`get`].
pub fn get_at_once(
    tx: &mut ReadTx<'_>,
    id: &str,
    with_members: bool,
) -> Result<Option<GroupView>, ProvisioningError> {
    let record = groups::find(tx, id)?.ok_or(ProvisioningError::NotFound("Group"))?;
    view_at_once(tx, record, with_members)
}

pub(crate) fn view_at_once(
    tx: &mut ReadTx<'_>,
    record: GroupRecord,
    with_members: bool,
) -> Result<Option<GroupView>, ProvisioningError> {
    if !with_members {
        return Ok(Some(GroupView { record, members: None }));
    }
    let members = memberships::of_group_at_once(tx, &record.id)?;
    Ok(members.map(|members| GroupView { record, members: Some(members) }))
}

fn view(
    tx: &mut ReadTx<'_>,
    record: GroupRecord,
    with_members: bool,
) -> Result<GroupView, ProvisioningError> {
    let members = with_members.then(|| memberships::of_group(tx, &record.id)).transpose()?;
    Ok(GroupView { record, members })
}

/// Views of many records, one after the other, with few queries for the members of all of them: how many members a group has is
/// bounded by nothing, so not everybody's are read at once.
pub(crate) struct Views {
    records: VecDeque<GroupRecord>,
    /// Of the first of the records.
    members: VecDeque<Vec<MemberRow>>,
    /// Of how many their members are read at once.
    at_once: usize,
    with_members: bool,
}

impl Views {
    pub(crate) fn of(records: Vec<GroupRecord>, with_members: bool) -> Self {
        Self { records: records.into(), members: VecDeque::new(), at_once: usize::MAX, with_members }
    }

    pub(crate) fn next(&mut self, tx: &mut ReadTx<'_>) -> Result<Option<GroupView>, DirectoryError> {
        if self.with_members && self.members.is_empty() && !self.records.is_empty() {
            let ids: Vec<&str> =
                self.records.iter().take(self.at_once).map(|record| record.id.as_str()).collect();
            self.members = memberships::members_of_first(tx, &ids)?.into();
            self.at_once = self.members.len();
        }
        let Some(record) = self.records.pop_front() else { return Ok(None) };
        let members = self.with_members.then(|| self.members.pop_front().unwrap_or_default());
        Ok(Some(GroupView { record, members }))
    }
}

/// Shows whole resources, for a filter or a sort that is memory's.
pub(crate) fn show_whole(
    tx: &mut ReadTx<'_>,
    (rules, base): (&Rules, &Base),
    records: Vec<GroupRecord>,
    with_members: bool,
    show: &mut Visitor<'_>,
) -> Result<(), DirectoryError> {
    let mut views = Views::of(records, with_members);
    while let Some(view) = views.next(tx)? {
        if !show(render::group(rules, base, &view)?)? {
            break;
        }
    }
    Ok(())
}

/// PUT: the whole group; members that stay are not touched.
///
/// # Errors
/// As [`create`]; a failed precondition; no such group.
pub fn replace(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: &str,
    (body, with_members): (&Value, bool),
    conditions: &Preconditions,
    (act, tolerance): (&Act, &mut Tolerance),
) -> Result<Written, ProvisioningError> {
    let record = found_for_update(tx, id, conditions)?;
    let old = record.parse()?;
    let mut new = resource::replace(&rules.group, body, &old, &[], tolerance)?;
    let members: Vec<Member> = resource::take_members(&mut new).unwrap_or_default();
    let outcome = change_members(tx, rules, id, &[MemberChange::Replace(members)], tolerance)?;
    finish(tx, rules, (record, &old, &new), outcome, (act, with_members))
}

/// PATCH: attributes on the document, members as differences in order.
///
/// # Errors
/// As [`replace`].
pub fn patch(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: &str,
    (patch, members, with_members): (&PatchRequest, &[MemberChange], bool),
    conditions: &Preconditions,
    (act, tolerance): (&Act, &mut Tolerance),
) -> Result<Written, ProvisioningError> {
    let record = found_for_update(tx, id, conditions)?;
    let old = record.parse()?;
    let new = patch.apply(&rules.group, &old, tolerance)?;
    if new == old && members.iter().all(|change| matches!(change, MemberChange::Remove(_))) {
        tx.go_beyond_limit();
    }
    let outcome = change_members(tx, rules, id, members, tolerance)?;
    finish(tx, rules, (record, &old, &new), outcome, (act, with_members))
}

/// Changes the members; one whose `type` is not what its id is counts as what it is, but not for a strict tenant.
fn change_members(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: &str,
    changes: &[MemberChange],
    tolerance: &mut Tolerance,
) -> Result<Outcome, ProvisioningError> {
    let outcome = memberships::apply(tx, id, &rules.base.0, changes, rules.unknown_members)?;
    if outcome.mislabelled {
        tolerance.allow(Leniency::MemberType, "members.type", || {
            ScimError::invalid_value("members.type is not what the member is; leave it out or correct it.")
        })?;
    }
    Ok(outcome)
}

fn found_for_update(
    tx: &mut WriteTx<'_>,
    id: &str,
    conditions: &Preconditions,
) -> Result<GroupRecord, ProvisioningError> {
    // Writers of groups take the turn of those who change seats: two of them could put each of two groups into the other, and
    // a membership and the deletion of its user would wait for each other's rows (docs/decisions/0023).
    pools::take_turn(tx)?;
    let record = groups::find_for_update(tx, id)?.ok_or(ProvisioningError::NotFound("Group"))?;
    conditions.check_write(record.version)?;
    Ok(record)
}

fn finish(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    (record, old, new): (GroupRecord, &scim_core::Document, &scim_core::Document),
    outcome: Outcome,
    (act, with_members): (&Act, bool),
) -> Result<Written, ProvisioningError> {
    let changed = old != new || outcome.changed;
    let record = if old != new {
        groups::update(tx, &record, old, new, &rules.group)?
    } else if outcome.changed {
        groups::touch(tx, &record)?
    } else {
        record
    };
    if changed {
        note(tx, "group.changed", &record, act)?;
    }
    let view = view(tx, record, with_members)?;
    Ok(Written { view, changed, skipped: outcome.skipped })
}

/// Deletes a group; its members stay, and the groups that it was in get a new version.
///
/// # Errors
/// [`ProvisioningError::NotFound`], a failed precondition, or the store's.
pub fn delete(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: &str,
    conditions: &Preconditions,
    act: &Act,
) -> Result<(), ProvisioningError> {
    let record = found_for_update(tx, id, conditions)?;
    tx.go_beyond_limit();
    let left = groups::remove(tx, &record, &rules.group)?;
    note(tx, "group.deleted", &record, act)?;
    record_left(tx, &left, id, act)
}

/// Records that groups lost a member that was deleted.
pub(crate) fn record_left(
    tx: &mut WriteTx<'_>,
    left: &[LeftGroup],
    member: &str,
    act: &Act,
) -> Result<(), ProvisioningError> {
    for LeftGroup { group_id, version } in left {
        let change = Change {
            kind: "group.changed",
            resource_id: group_id,
            version: *version,
            request_id: &act.request_id,
            detail: json!({ "left": member }),
        };
        changes::append(tx, &change)?;
    }
    Ok(())
}

fn note(
    tx: &mut WriteTx<'_>,
    kind: &'static str,
    record: &GroupRecord,
    act: &Act,
) -> Result<(), ProvisioningError> {
    let change = Change {
        kind,
        resource_id: &record.id,
        version: record.version,
        request_id: &act.request_id,
        detail: json!({}),
    };
    Ok(changes::append(tx, &change)?)
}
