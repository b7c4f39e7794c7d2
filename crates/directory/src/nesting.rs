//! Groups in groups: rows beside the memberships of users. They never close a circle, and a chain of them is never long; the
//! walks that see to it read a bounded number of rows. A group that goes into or out of another is marked with the time, so
//! that a conditional GET of a user below it sees the current `groups`.
//!
//! Two writers together could close a circle that each of them alone does not see. SQLite has one writer; on PostgreSQL the
//! caller lets writers of groups take turns.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use diesel::prelude::*;
use scim_core::ResourceKind;
use store::{ReadTx, in_chunks};

use crate::{
    DirectoryError,
    memberships::{
        rows,
        summaries::{GroupSummary, summaries},
    },
    schema::nested_groups,
};

/// Groups in the longest chain, one in the other.
pub const MAX_LEVELS: usize = 32;

/// Memberships of groups in groups of one tenant: a check, or a user's `groups`, may have to walk over all of them.
pub const MAX_NESTINGS: i64 = 20_000;

/// The groups that a group is a member of itself, in the order of their ids.
pub(crate) fn parents(tx: &mut ReadTx<'_>, id: &str) -> Result<Vec<String>, DirectoryError> {
    let rows = nested_groups::table
        .filter(nested_groups::member_id.eq(id))
        .order(nested_groups::group_id)
        .select(nested_groups::group_id);
    Ok(tx.load(rows)?)
}

/// Refuses changed members of a group when one of the groups that entered holds this group, or when a chain has become too
/// long.
///
/// # Errors
/// [`DirectoryError::GroupCycle`], [`DirectoryError::NestingTooDeep`], [`DirectoryError::TooManyNestings`], or the store's.
pub(crate) fn check(
    tx: &mut ReadTx<'_>,
    group_id: &str,
    entered: &BTreeSet<String>,
) -> Result<(), DirectoryError> {
    // A later operation of the same request may have taken some out again.
    let entered: Vec<&str> = entered.iter().map(String::as_str).collect();
    let entered: BTreeSet<String> =
        rows::present(tx, ResourceKind::Group, group_id, &entered)?.into_keys().collect();
    if entered.is_empty() {
        return Ok(());
    }
    if tx.get_result::<i64>(nested_groups::table.count())? > MAX_NESTINGS {
        return Err(DirectoryError::TooManyNestings);
    }
    let above = levels(tx, parents_of, BTreeSet::from([group_id.to_owned()]), |level| {
        let held: Vec<String> = level.intersection(&entered).cloned().collect();
        if held.is_empty() { Ok(()) } else { Err(DirectoryError::GroupCycle(held)) }
    })?;
    let below = levels(tx, children_of, entered, |_| Ok(()))?;
    // The group itself and the one that entered are between.
    if above + 2 + below > MAX_LEVELS { Err(DirectoryError::NestingTooDeep) } else { Ok(()) }
}

/// Counts the levels of groups beyond these, where `next` reads a level from the one before; each is shown to `look`.
fn levels(
    tx: &mut ReadTx<'_>,
    next: fn(&mut ReadTx<'_>, &BTreeSet<String>) -> Result<Vec<Nesting>, DirectoryError>,
    from: BTreeSet<String>,
    mut look: impl FnMut(&BTreeSet<String>) -> Result<(), DirectoryError>,
) -> Result<usize, DirectoryError> {
    let mut level = from;
    for count in 0..MAX_LEVELS {
        level = next(tx, &level)?.into_iter().map(|(_, next)| next).collect();
        if level.is_empty() {
            return Ok(count);
        }
        look(&level)?;
    }
    Err(DirectoryError::NestingTooDeep)
}

/// A group, and a group that it is in or that is in it.
type Nesting = (String, String);

/// The groups above some groups: those that hold them, directly or through others. Each is read once.
#[derive(Default)]
pub(crate) struct Above(HashMap<String, Vec<Arc<GroupSummary>>>);

impl Above {
    /// Climbs from these groups, level by level, and only from groups that ever were in another.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn of(tx: &mut ReadTx<'_>, groups: &[Arc<GroupSummary>]) -> Result<Self, DirectoryError> {
        let mut above = Self::default();
        let mut level: BTreeSet<String> = leading_on(groups.iter()).collect();
        if level.is_empty() {
            return Ok(above);
        }
        let mut known: HashMap<String, Arc<GroupSummary>> =
            groups.iter().map(|group| (group.id.clone(), Arc::clone(group))).collect();
        while !level.is_empty() {
            let parents = parents_of(tx, &level)?;
            let unknown: BTreeSet<&str> =
                parents.iter().map(|(_, id)| id.as_str()).filter(|id| !known.contains_key(*id)).collect();
            let found = summaries(tx, &Vec::from_iter(unknown))?;
            known.extend(found.into_iter().map(|group| (group.id.clone(), group)));
            for id in level {
                above.0.entry(id).or_default();
            }
            let mut met = Vec::new();
            for (member_id, group_id) in parents {
                let Some(group) = known.get(&group_id) else { continue };
                above.0.entry(member_id).or_default().push(Arc::clone(group));
                met.push(group);
            }
            level = leading_on(met.into_iter()).filter(|id| !above.0.contains_key(id)).collect();
        }
        Ok(above)
    }

    /// The groups above these, without these.
    pub(crate) fn beyond(&self, groups: &[Arc<GroupSummary>]) -> Vec<Arc<GroupSummary>> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut seen: HashSet<&str> = groups.iter().map(|group| group.id.as_str()).collect();
        let mut beyond = Vec::new();
        let mut open: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
        while let Some(id) = open.pop() {
            for group in self.0.get(id).into_iter().flatten() {
                if seen.insert(&group.id) {
                    open.push(&group.id);
                    beyond.push(Arc::clone(group));
                }
            }
        }
        beyond
    }
}

fn leading_on<'a>(groups: impl Iterator<Item = &'a Arc<GroupSummary>>) -> impl Iterator<Item = String> {
    groups.filter(|group| group.leads_on).map(|group| group.id.clone())
}

/// The groups that these groups are members of, each as (member, group).
fn parents_of(tx: &mut ReadTx<'_>, ids: &BTreeSet<String>) -> Result<Vec<Nesting>, DirectoryError> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    Ok(in_chunks(&ids, |ids| {
        let rows = nested_groups::table.filter(nested_groups::member_id.eq_any(ids));
        rows.select((nested_groups::member_id, nested_groups::group_id)).load(tx.connection())
    })?)
}

/// The groups that are members of these groups, each as (group, member).
fn children_of(tx: &mut ReadTx<'_>, ids: &BTreeSet<String>) -> Result<Vec<Nesting>, DirectoryError> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    Ok(in_chunks(&ids, |ids| {
        let rows = nested_groups::table.filter(nested_groups::group_id.eq_any(ids));
        rows.select((nested_groups::group_id, nested_groups::member_id)).load(tx.connection())
    })?)
}
