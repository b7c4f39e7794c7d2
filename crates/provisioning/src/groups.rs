//! Groups: create, read, list, change, delete. Members are changed as differences, so the cost of a change does not grow
//! with the group.

use std::collections::BTreeMap;

use directory::{
    DirectoryError,
    changes::{self, Change},
    groups::{self, GroupRecord},
    memberships::{self, MemberRow},
    search::{self, Groups},
};
use scim_core::{
    filter::Filter,
    leniency::Tolerance,
    list::Page,
    patch::{MemberChange, PatchRequest},
    resource::{self, Member},
};
use serde_json::{Map, Value, json};
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
    /// Members that were skipped because they are no users here.
    pub skipped: Vec<String>,
}

/// Creates a group with its members.
///
/// # Errors
/// A taken name, unknown members, or the store's.
pub fn create(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    body: &Value,
    with_members: bool,
    (act, tolerance): (&Act, &mut Tolerance),
) -> Result<Written, ProvisioningError> {
    let mut document = resource::create(&rules.group, body, tolerance)?;
    let members = resource::take_members(&mut document).unwrap_or_default();
    let record = groups::insert(tx, &document, rules.names)?;
    refuse_groups(&members)?;
    let change = [MemberChange::Add(members)];
    let outcome = memberships::apply(tx, &record.id, &change, rules.unknown_members)?;
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

fn view(
    tx: &mut ReadTx<'_>,
    record: GroupRecord,
    with_members: bool,
) -> Result<GroupView, ProvisioningError> {
    let members = with_members.then(|| memberships::of_group(tx, &record.id)).transpose()?;
    Ok(GroupView { record, members })
}

/// A page of the groups that a filter selects, and how many there are in all.
///
/// # Errors
/// When the store fails.
pub fn list(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    base: &Base,
    (filter, page): (Option<&Filter>, &Page),
    with_members: bool,
) -> Result<(u64, Vec<GroupView>), ProvisioningError> {
    let complete = &mut |tx: &mut ReadTx<'_>, records: &[GroupRecord]| whole(tx, rules, base, records);
    let found = search::find::<Groups>(tx, filter, page, complete)?;
    let mut members = if with_members { members_of(tx, &found.records)? } else { BTreeMap::new() };
    let view = |record: GroupRecord| GroupView {
        members: with_members.then(|| members.remove(&record.id).unwrap_or_default()),
        record,
    };
    Ok((found.total, found.records.into_iter().map(view).collect()))
}

fn members_of(
    tx: &mut ReadTx<'_>,
    records: &[GroupRecord],
) -> Result<BTreeMap<String, Vec<MemberRow>>, DirectoryError> {
    let ids: Vec<&str> = records.iter().map(|r| r.id.as_str()).collect();
    memberships::of_groups(tx, &ids)
}

/// Whole resources, for a filter that is decided in memory.
fn whole(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    base: &Base,
    records: &[GroupRecord],
) -> Result<Vec<Map<String, Value>>, DirectoryError> {
    let mut members = members_of(tx, records)?;
    let whole = |record: &GroupRecord| {
        let members = Some(members.remove(&record.id).unwrap_or_default());
        render::group(rules, base, &GroupView { record: record.clone(), members })
    };
    records.iter().map(whole).collect()
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
    refuse_groups(&members)?;
    let change = [MemberChange::Replace(members)];
    let outcome = memberships::apply(tx, id, &change, rules.unknown_members)?;
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
    for change in members {
        if let MemberChange::Add(members) | MemberChange::Replace(members) = change {
            refuse_groups(members)?;
        }
    }
    let record = found_for_update(tx, id, conditions)?;
    let old = record.parse()?;
    let new = patch.apply(&rules.group, &old, tolerance)?;
    let outcome = memberships::apply(tx, id, members, rules.unknown_members)?;
    finish(tx, rules, (record, &old, &new), outcome, (act, with_members))
}

/// Groups in groups are not built: a member that says it is one is refused as such, not as an unknown user.
fn refuse_groups(members: &[Member]) -> Result<(), ProvisioningError> {
    let is_group =
        |member: &Member| member.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("Group"));
    if members.iter().any(is_group) { Err(ProvisioningError::NestedGroup) } else { Ok(()) }
}

fn found_for_update(
    tx: &mut WriteTx<'_>,
    id: &str,
    conditions: &Preconditions,
) -> Result<GroupRecord, ProvisioningError> {
    let record = groups::find_for_update(tx, id)?.ok_or(ProvisioningError::NotFound("Group"))?;
    conditions.check_write(record.version)?;
    Ok(record)
}

fn finish(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    (record, old, new): (GroupRecord, &scim_core::Document, &scim_core::Document),
    outcome: memberships::Outcome,
    (act, with_members): (&Act, bool),
) -> Result<Written, ProvisioningError> {
    let changed = old != new || outcome.changed;
    let record = if old != new {
        groups::update(tx, &record, old, new, rules.names)?
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

/// Deletes a group; its users stay.
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
    groups::remove(tx, &record, rules.names)?;
    note(tx, "group.deleted", &record, act)
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
