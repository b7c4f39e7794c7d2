//! Groups get back what they were: first their attributes, by which those that were deleted are here again, and later their members.
//! Everybody and every group that was a member is here then.

use std::collections::{BTreeMap, BTreeSet};

use directory::{
    DirectoryError,
    group_rules::{self, Bound},
    group_wipes,
    memberships::{self, Applied, MemberRow, MemberRules, UnknownMembers, groupless::people_of},
    resources::{self, Record, Row},
};
use scim_core::{
    ResourceKind,
    patch::{MemberChange, MemberSelection},
    resource::Member,
};
use store::WriteTx;

use super::{
    blocked::{self, Blocked, Open, Taken},
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
const RULE_TAKEN: &str = "The rule gives its role to another group now.";
const IN_ITSELF: &str = "The groups in groups that there are now leave no place for it.";

/// A group whose attributes are given back, and whose members are not yet.
pub(super) struct Named<'r> {
    past: &'r Past,
    plan: Plan,
    /// The row where it was written; `None` where the attributes are as before the run.
    written: Option<Record>,
}

/// Gives groups their attributes back. Groups that were deleted are here again, without members.
pub(super) fn give_attributes_back<'r>(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    run: &'r Run,
) -> Result<Vec<Named<'r>>, ProvisioningError> {
    let (mut named, mut blocked) = (Vec::new(), Vec::new());
    for (id, past) in run.iter().filter(|(_, past)| past.is_group) {
        if !is_open(tx, work, GROUP, id, past)? {
            continue;
        }
        let open = Open { id, past };
        if let Some(taken) = together(tx, work, &[open], &mut named)? {
            blocked.push(Blocked { open, by: taken.by });
        }
    }
    let left = blocked::give_back(tx, blocked, |tx, open| together(tx, work, open, &mut named))?;
    for open in left {
        named.extend(without_what_is_taken(tx, work, open)?);
    }
    named.sort_by(|a, b| a.plan.record.id.cmp(&b.plan.record.id));
    Ok(named)
}

/// Gives back the attributes of one group, or of a ring of groups: the first steps aside for the last. Where a value is taken, no group
/// gets any back.
fn together<'r>(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    open: &[Open<'r>],
    named: &mut Vec<Named<'r>>,
) -> Result<Option<Taken>, ProvisioningError> {
    let mut groups = Vec::new();
    for &Open { id, past } in open {
        let plan = Plan::of(tx, work, GROUP, id, past, &BTreeSet::new())?;
        groups.extend(plan.map(|plan| Named { past, plan, written: None }));
    }
    let made: Result<(), ProvisioningError> = tx.savepoint(|tx| {
        if let [first, _, ..] = groups.as_mut_slice() {
            first.plan.step_aside(tx, work, GROUP)?;
        }
        for group in groups.iter_mut().rev() {
            group.written = write(tx, work, &group.plan)?;
        }
        Ok(())
    });
    if let Err(error) = made {
        return Taken::of(error).map(Some);
    }
    groups.iter().for_each(|group| group.plan.tell(work));
    named.extend(groups);
    Ok(None)
}

/// Gives back what is not taken by another group; `None` where that keeps the group from being here again.
fn without_what_is_taken<'r>(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    Open { id, past }: Open<'r>,
) -> Result<Option<Named<'r>>, ProvisioningError> {
    let mut without = BTreeSet::new();
    loop {
        let Some(plan) = Plan::of(tx, work, GROUP, id, past, &without)? else { return Ok(None) };
        let taken = match tx.savepoint(|tx| write(tx, work, &plan)) {
            Ok(written) => {
                plan.tell(work);
                return Ok(Some(Named { past, plan, written }));
            }
            Err(error) => Taken::of(error)?,
        };
        if !plan.names.contains(&taken.attribute) {
            plan.tell(work);
            work.done.not(&plan.about, &taken.attribute, TAKEN);
            return Ok(None);
        }
        without.insert(taken.attribute);
    }
}

/// Writes the attributes of a group, where they are not as before the run.
fn write(tx: &mut WriteTx<'_>, work: &Work<'_>, plan: &Plan) -> Result<Option<Record>, ProvisioningError> {
    let (rt, new) = (&work.rules.group, &plan.new.document);
    let record = if plan.is_deleted {
        resources::insert_again(tx, GROUP, &plan.record, &Row::of(rt, new))?
    } else if plan.old.document == *new {
        return Ok(None);
    } else {
        resources::update(tx, rt, &plan.record, plan.stored(), new)?
    };
    Ok(Some(record))
}

/// A user whose role is to be read again because of a group. The order is that in which they ask for seats: first those whom the group
/// gives no role any more, then those who held a seat before the run, then those who waited, in the order of the queue.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moved {
    has_role: bool,
    place_number: Option<i64>,
    group_id: String,
    user_id: String,
}

/// Gives groups their members back, and these the roles that the groups give.
pub(super) fn give_members_back(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    run: &Run,
    groups: Vec<Named<'_>>,
) -> Result<(), ProvisioningError> {
    // Each rule is free before the group that had it gets it again.
    let mut without_rule = BTreeSet::new();
    for group in &groups {
        if let_rules_go(tx, &group.plan.about, group.past)? {
            without_rule.insert(group.plan.about.id.clone());
        }
    }
    let mut moved = Vec::new();
    for group in groups {
        let is_let_go = without_rule.contains(&group.plan.about.id);
        moved.extend(finish(tx, work, run, group, is_let_go)?);
    }
    // A person whom one group gives a role, and another one no role any more, asks once: for that role.
    let with_role: BTreeSet<String> =
        moved.iter().filter(|one| one.has_role).map(|one| one.user_id.clone()).collect();
    moved.retain(|one| one.has_role || !with_role.contains(&one.user_id));
    moved.sort();
    for of_group in moved.chunk_by(|a, b| a.group_id == b.group_id) {
        let Some(Moved { group_id, .. }) = of_group.first() else { continue };
        let users: Vec<String> = of_group.iter().map(|one| one.user_id.clone()).collect();
        group_roles::settle(tx, work.rules, &users, group_id, work.cause)?;
    }
    Ok(())
}

/// Gives a group its members back and records what it got back; the users whose roles are to be read again. `is_let_go` says whether it has
/// lost a rule.
fn finish(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    run: &Run,
    group: Named<'_>,
    is_let_go: bool,
) -> Result<Vec<Moved>, ProvisioningError> {
    let Named { past, plan, written } = group;
    let applied = change_members(tx, work, &plan.about, past)?;
    let rebound = Rebound { is_let_go, is_bound: bind_rules(tx, work, &plan.about, past)? };
    let record = match written {
        Some(record) => record,
        None if applied.changed || rebound.any() => resources::touch(tx, GROUP, &plan.record)?,
        None => return Ok(Vec::new()),
    };
    work.done.restored += 1;
    let (rules, cause, standing) = (work.rules, work.cause, &plan.record.standing);
    let (mut names, before) = match plan.is_deleted {
        true => (Vec::new(), Image::default()),
        false => {
            let image = Image::of_change([&plan.old.document, &plan.new.document], [standing, standing]);
            (plan.names, image.with_members(&applied, rules.profile().log.people))
        }
    };
    if applied.changed {
        names.push("members".to_owned());
    }
    let facts =
        Facts { changed: Some(&names), notes: &[Note::BY_STAFF], before: Some(&before), ..Facts::default() };
    records::record(tx, cause, GROUP, "restored", &record, &facts)?;
    // Who had left with too many others is in the group again.
    let back = group_wipes::among(tx, &record.id, &applied.came)?;
    wipes::end(tx, &record.id, back, cause.followed())?;
    let mut users = group_roles::concerned(tx, rules, &record, &applied.moved())?;
    if rebound.any() && rules.profile().is_group_driven() {
        users.extend(applied.moved());
        users.extend(people_of(tx, &record.id)?);
    }
    let came: BTreeSet<&String> = applied.came.iter().collect();
    let left: BTreeSet<&String> = applied.left.iter().filter(|id| !came.contains(id)).collect();
    let moved = users.into_iter().map(|user_id| Moved {
        has_role: !rebound.is_let_go && !left.contains(&user_id),
        place_number: run.get(&user_id).and_then(Past::place_number),
        group_id: record.id.clone(),
        user_id,
    });
    Ok(moved.collect())
}

/// What became of the rules of a group.
#[derive(Clone, Copy, Debug, Default)]
struct Rebound {
    is_bound: bool,
    is_let_go: bool,
}

impl Rebound {
    fn any(self) -> bool {
        self.is_bound || self.is_let_go
    }
}

/// Lets those rules of a group go that the run bound; whether there are any.
fn let_rules_go(tx: &mut WriteTx<'_>, about: &About, past: &Past) -> Result<bool, ProvisioningError> {
    let now = groups_of_rules(tx, past)?;
    let mut is_let_go = false;
    for (rule, former) in &past.rules {
        if !former.value && !former.is_changed_since && now.get(rule) == Some(&about.id) {
            group_rules::let_go(tx, rule)?;
            is_let_go = true;
        }
    }
    Ok(is_let_go)
}

/// Binds the rules to a group again that were bound to it; whether there are any. Lists those that stay as they are.
fn bind_rules(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    about: &About,
    past: &Past,
) -> Result<bool, ProvisioningError> {
    let now = groups_of_rules(tx, past)?;
    let mut is_bound = false;
    for (rule, former) in &past.rules {
        let has = now.get(rule);
        let is_own = has == Some(&about.id);
        if is_own == former.value {
            continue;
        }
        if former.is_changed_since || has.is_some() {
            let why = if former.is_changed_since { CHANGED_SINCE } else { RULE_TAKEN };
            work.done.not(about, "rule", format!("{rule}: {why}"));
        } else {
            group_rules::bind(tx, &Bound { rule: rule.clone(), group_id: about.id.clone() })?;
            is_bound = true;
        }
    }
    Ok(is_bound)
}

/// The groups that the rules of the run are bound to now, by rule.
fn groups_of_rules(tx: &mut WriteTx<'_>, past: &Past) -> Result<BTreeMap<String, String>, ProvisioningError> {
    if past.rules.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rules: Vec<String> = past.rules.keys().cloned().collect();
    let bound = group_rules::of_rules(tx, &rules)?.into_iter();
    Ok(bound.map(|Bound { rule, group_id }| (rule, group_id)).collect())
}

/// Makes those members again who were, and no others of those who changed.
fn change_members(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    about: &About,
    past: &Past,
) -> Result<Applied, ProvisioningError> {
    let now: BTreeMap<String, MemberRow> =
        memberships::of_group(tx, &about.id)?.into_iter().map(|row| (row.member_id.clone(), row)).collect();
    let (mut leave, mut come) = (Vec::new(), Vec::new());
    for (id, former) in &past.members {
        let (is, was) = (now.get(id).map(|row| &row.display), former.value.as_ref().map(|was| &was.display));
        if is == was {
            continue;
        }
        if former.is_changed_since {
            work.done.not(about, "members", format!("{id}: {CHANGED_SINCE}"));
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
    let applied = match apply(tx, work, &about.id, &with(all)) {
        Err(
            DirectoryError::GroupCycle(_) | DirectoryError::NestingTooDeep | DirectoryError::TooManyNestings,
        ) => {
            for member in &groups {
                work.done.not(about, "members", format!("{}: {IN_ITSELF}", member.value));
            }
            apply(tx, work, &about.id, &with(people))?
        }
        applied => applied?,
    };
    for id in &applied.skipped {
        work.done.not(about, "members", format!("{id}: {NO_SUCH_MEMBER}."));
    }
    Ok(applied)
}

fn apply(
    tx: &mut WriteTx<'_>,
    work: &Work<'_>,
    group_id: &str,
    changes: &[MemberChange],
) -> Result<Applied, DirectoryError> {
    let note_groupless = work.rules.notes_groupless();
    let rules = MemberRules { unknown: UnknownMembers::Skip, skip_local: false, watch: true, note_groupless };
    let applied = tx.savepoint(|tx| memberships::apply(tx, group_id, &work.rules.base.0, changes, rules))?;
    work.rules.note_departures(tx, &applied.left);
    Ok(applied)
}
