//! Groups get back what they were: first those that were deleted are here again, without members, so that everybody and every group that
//! was a member is here when members are given back.

use std::collections::{BTreeMap, BTreeSet};

use directory::{
    DirectoryError, group_wipes,
    memberships::{self, Applied, MemberRow, MemberRules, UnknownMembers},
    resources::{self, Record, Row},
};
use scim_core::{
    ResourceKind,
    patch::{MemberChange, MemberSelection},
    resource::Member,
};
use store::WriteTx;

use super::{
    plan::{Plan, is_open},
    told::{About, CHANGED_SINCE, TAKEN},
    window::{Past, Run},
    work::Work,
};
use crate::{
    ProvisioningError,
    before_image::Image,
    facts::{Facts, Note},
    group_roles, records, wipes,
};

const GROUP: ResourceKind = ResourceKind::Group;

const NO_SUCH_MEMBER: &str = "The member is not here any more";
const IN_ITSELF: &str = "The groups in groups that there are now leave no place for it.";

/// Groups that are here again, by id.
pub(super) type Back = BTreeMap<String, Record>;

/// Brings back the groups that were deleted, without members.
pub(super) fn bring_back(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    run: &Run,
) -> Result<Back, ProvisioningError> {
    let mut back = Back::new();
    for (id, past) in run.iter().filter(|(_, past)| past.is_group && past.deleted.is_some()) {
        if !is_open(tx, work, GROUP, id, past)? {
            continue;
        }
        let Some(plan) = Plan::of(tx, work, GROUP, id, past, &BTreeSet::new())? else { continue };
        plan.tell(work);
        let row = Row::of(&work.rules.group, &plan.new.document);
        match tx.savepoint(|tx| resources::insert_again(tx, GROUP, &plan.record, &row)) {
            Ok(record) => drop(back.insert(id.clone(), record)),
            Err(DirectoryError::ValueTaken { attribute, .. }) => {
                work.done.not(&plan.about, &attribute, TAKEN)
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(back)
}

/// Gives groups back what they were.
pub(super) fn give_back(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    run: &Run,
    mut back: Back,
) -> Result<(), ProvisioningError> {
    for (id, past) in run.iter().filter(|(_, past)| past.is_group) {
        match (back.remove(id), &past.deleted) {
            (Some(record), _) => again(tx, work, record, past)?,
            // It was listed when it could not be brought back.
            (None, Some(_)) => {}
            (None, None) => {
                if is_open(tx, work, GROUP, id, past)? {
                    change(tx, work, id, past)?;
                }
            }
        }
    }
    Ok(())
}

fn again(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    record: Record,
    past: &Past,
) -> Result<(), ProvisioningError> {
    let applied = give_members_back(tx, work, &record, past)?;
    work.done.restored += 1;
    finish(tx, work, &record, Given { applied: &applied, names: &[], before: Image::default() })
}

fn change(tx: &mut WriteTx<'_>, work: &mut Work<'_>, id: &str, past: &Past) -> Result<(), ProvisioningError> {
    let mut without = BTreeSet::new();
    let (plan, updated) = loop {
        let Some(plan) = Plan::of(tx, work, GROUP, id, past, &without)? else { return Ok(()) };
        if plan.old.document == plan.new.document {
            break (plan, None);
        }
        let (rt, documents) = (&work.rules.group, [&plan.old.document, &plan.new.document]);
        let [old, new] = documents;
        match tx.savepoint(|tx| resources::update(tx, rt, &plan.record, old, new)) {
            Ok(record) => break (plan, Some(record)),
            Err(DirectoryError::ValueTaken { attribute, .. }) if !without.contains(&attribute) => {
                without.insert(attribute);
            }
            Err(error) => return Err(error.into()),
        }
    };
    plan.tell(work);
    let applied = give_members_back(tx, work, &plan.record, past)?;
    let record = match updated {
        Some(record) => record,
        None if applied.changed => resources::touch(tx, GROUP, &plan.record)?,
        None => return Ok(()),
    };
    work.done.restored += 1;
    let (documents, standing) = ([&plan.old.document, &plan.new.document], &plan.record.standing);
    let before = Image::of_change(documents, [standing, standing])
        .with_members(&applied, work.rules.profile().log.people);
    finish(tx, work, &record, Given { applied: &applied, names: &plan.names, before })
}

/// What was given back to a group.
struct Given<'a> {
    applied: &'a Applied,
    names: &'a [String],
    before: Image,
}

fn finish(
    tx: &mut WriteTx<'_>,
    work: &Work<'_>,
    group: &Record,
    given: Given<'_>,
) -> Result<(), ProvisioningError> {
    let (rules, cause, Given { applied, names, before }) = (work.rules, work.cause, given);
    let mut names = names.to_vec();
    if applied.changed {
        names.push("members".to_owned());
    }
    let facts =
        Facts { changed: Some(&names), notes: &[Note::BY_STAFF], before: Some(&before), ..Facts::default() };
    records::record(tx, cause, GROUP, "restored", group, &facts)?;
    // Who had left with too many others is in the group again.
    let back = group_wipes::among(tx, &group.id, &applied.came)?;
    wipes::end(tx, &group.id, back, cause.followed())?;
    group_roles::follow(tx, rules, group, &applied.moved(), cause).map(drop)
}

/// Makes those members again who were, and no others of those who changed.
fn give_members_back(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    group: &Record,
    past: &Past,
) -> Result<Applied, ProvisioningError> {
    let about = About::of(group);
    let now: BTreeMap<String, MemberRow> =
        memberships::of_group(tx, &group.id)?.into_iter().map(|row| (row.member_id.clone(), row)).collect();
    let (mut leave, mut come) = (Vec::new(), Vec::new());
    for (id, former) in &past.members {
        let (is, was) = (now.get(id).map(|row| &row.display), former.value.as_ref().map(|was| &was.display));
        if is == was {
            continue;
        }
        if former.is_changed_since {
            work.done.not(&about, "members", format!("{id}: {CHANGED_SINCE}"));
            continue;
        }
        if is.is_some() {
            leave.push(id.clone());
        }
        if let Some(was) = &former.value {
            come.push((was.is_group, Member { display: was.display.clone(), ..Member::new(id) }));
        }
    }
    let (groups, people): (Vec<_>, Vec<_>) = come.into_iter().partition(|(is_group, _)| *is_group);
    let of = |members: Vec<(bool, Member)>| members.into_iter().map(|(_, member)| member).collect::<Vec<_>>();
    let (groups, people) = (of(groups), of(people));
    let all = [people.as_slice(), &groups].concat();
    let with = |come: Vec<Member>| {
        [MemberChange::Remove(MemberSelection::Values(leave.clone())), MemberChange::Add(come)]
    };
    let applied = match apply(tx, work, group, &with(all)) {
        Err(
            DirectoryError::GroupCycle(_) | DirectoryError::NestingTooDeep | DirectoryError::TooManyNestings,
        ) => {
            for member in &groups {
                work.done.not(&about, "members", format!("{}: {IN_ITSELF}", member.value));
            }
            apply(tx, work, group, &with(people))?
        }
        applied => applied?,
    };
    for id in &applied.skipped {
        work.done.not(&about, "members", format!("{id}: {NO_SUCH_MEMBER}."));
    }
    Ok(applied)
}

fn apply(
    tx: &mut WriteTx<'_>,
    work: &Work<'_>,
    group: &Record,
    changes: &[MemberChange],
) -> Result<Applied, DirectoryError> {
    let note_groupless = work.rules.notes_groupless();
    let rules = MemberRules { unknown: UnknownMembers::Skip, skip_local: false, watch: true, note_groupless };
    let applied = tx.savepoint(|tx| memberships::apply(tx, &group.id, &work.rules.base.0, changes, rules))?;
    work.rules.note_departures(tx, &applied.left);
    Ok(applied)
}
