//! Groups in groups: rows beside the memberships of users. They never close a circle, and a chain of them is never long; the
//! walks that see to it read a bounded number of rows. A group that goes into or out of another is marked with the time, so
//! that a conditional GET of a user below it sees the current `groups`.
//!
//! Two writers could close a circle together that neither of them sees. SQLite has one writer; on PostgreSQL the caller lets
//! writers of groups take turns.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use diesel::prelude::*;
use store::{ReadTx, WriteTx};

use crate::{
    DirectoryError, changes,
    memberships::{CHUNK, ToldGroup, tell},
    schema::{groups, nested_groups},
};

/// Groups in the longest chain, one in the other.
pub const MAX_LEVELS: usize = 32;

/// Groups in groups of one tenant, each membership counted: what a check or a user's `groups` may have to walk over.
pub const MAX_NESTINGS: i64 = 20_000;

/// Of these ids, the groups that are members of the group, with their `display`.
pub(crate) fn present(
    tx: &mut ReadTx<'_>,
    group_id: &str,
    ids: &[&str],
) -> Result<BTreeMap<String, Option<String>>, DirectoryError> {
    let mut present = BTreeMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = nested_groups::table
            .filter(nested_groups::group_id.eq(group_id))
            .filter(nested_groups::member_id.eq_any(chunk))
            .select((nested_groups::member_id, nested_groups::display));
        present.extend(rows.load::<(String, Option<String>)>(tx.connection())?);
    }
    Ok(present)
}

/// The groups in a group, with their `display`.
pub(crate) fn of_group(
    tx: &mut ReadTx<'_>,
    group_id: &str,
) -> Result<BTreeMap<String, Option<String>>, DirectoryError> {
    let rows = nested_groups::table
        .filter(nested_groups::group_id.eq(group_id))
        .select((nested_groups::member_id, nested_groups::display));
    Ok(tx.load::<(String, Option<String>)>(rows)?.into_iter().collect())
}

/// Makes a group a member; whether it may be is decided by [`check`] when all changes are made.
pub(crate) fn enter(
    tx: &mut WriteTx<'_>,
    group_id: &str,
    id: &str,
    display: Option<&str>,
) -> Result<(), DirectoryError> {
    if id == group_id {
        return Err(DirectoryError::GroupCycle(vec![id.to_owned()]));
    }
    let row = (
        nested_groups::group_id.eq(group_id),
        nested_groups::member_id.eq(id),
        nested_groups::display.eq(display),
    );
    tx.execute(diesel::insert_into(nested_groups::table).values(row))?;
    mark(tx, &[id])
}

/// Gives a group in a group another `display`, or none.
pub(crate) fn rename(
    tx: &mut WriteTx<'_>,
    group_id: &str,
    id: &str,
    display: Option<&str>,
) -> Result<(), DirectoryError> {
    tx.update(nested_groups::table.find((group_id, id)), nested_groups::display.eq(display))?;
    Ok(())
}

/// Takes those of these ids that are members out; tells whether there were any.
pub(crate) fn leave(tx: &mut WriteTx<'_>, group_id: &str, ids: &[&str]) -> Result<bool, DirectoryError> {
    let present = present(tx, group_id, ids)?;
    let present: Vec<&str> = present.keys().map(String::as_str).collect();
    for chunk in present.chunks(CHUNK) {
        let rows = nested_groups::table
            .filter(nested_groups::group_id.eq(group_id))
            .filter(nested_groups::member_id.eq_any(chunk));
        diesel::delete(rows).execute(tx.connection())?;
    }
    mark(tx, &present)?;
    Ok(!present.is_empty())
}

/// Takes every group out of the group; tells whether there were any.
pub(crate) fn clear(tx: &mut WriteTx<'_>, group_id: &str) -> Result<bool, DirectoryError> {
    let inside = of_group(tx, group_id)?;
    let inside: Vec<&str> = inside.keys().map(String::as_str).collect();
    leave(tx, group_id, &inside)
}

/// The groups that a group is a member of itself, in the order of their ids.
pub(crate) fn parents(tx: &mut ReadTx<'_>, id: &str) -> Result<Vec<String>, DirectoryError> {
    let rows = nested_groups::table
        .filter(nested_groups::member_id.eq(id))
        .order(nested_groups::group_id)
        .select(nested_groups::group_id);
    Ok(tx.load(rows)?)
}

fn mark(tx: &mut WriteTx<'_>, ids: &[&str]) -> Result<(), DirectoryError> {
    for chunk in ids.chunks(CHUNK) {
        diesel::update(groups::table.filter(groups::id.eq_any(chunk)))
            .set(groups::moved_number.eq(changes::next_number()))
            .execute(tx.connection())?;
    }
    Ok(())
}

/// Refuses what a change of a group's members has come to: when one of the groups that entered holds this group, or when a
/// chain has become too long.
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
    let entered: BTreeSet<String> = present(tx, group_id, &entered)?.into_keys().collect();
    if entered.is_empty() {
        return Ok(());
    }
    if tx.get_result::<i64>(nested_groups::table.count())? > MAX_NESTINGS {
        return Err(DirectoryError::TooManyNestings);
    }
    let above = levels(tx, Way::Up, BTreeSet::from([group_id.to_owned()]), |level| {
        let held: Vec<String> = level.intersection(&entered).cloned().collect();
        if held.is_empty() { Ok(()) } else { Err(DirectoryError::GroupCycle(held)) }
    })?;
    let below = levels(tx, Way::Down, entered, |_| Ok(()))?;
    // The group itself and the one that entered stand between.
    if above + 2 + below > MAX_LEVELS { Err(DirectoryError::NestingTooDeep) } else { Ok(()) }
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

/// How many levels of groups there are beyond these; each is shown to `look`.
fn levels(
    tx: &mut ReadTx<'_>,
    way: Way,
    from: BTreeSet<String>,
    mut look: impl FnMut(&BTreeSet<String>) -> Result<(), DirectoryError>,
) -> Result<usize, DirectoryError> {
    let mut level = from;
    for count in 0..MAX_LEVELS {
        level = next_level(tx, way, &level)?;
        if level.is_empty() {
            return Ok(count);
        }
        look(&level)?;
    }
    Err(DirectoryError::NestingTooDeep)
}

fn next_level(
    tx: &mut ReadTx<'_>,
    way: Way,
    level: &BTreeSet<String>,
) -> Result<BTreeSet<String>, DirectoryError> {
    let ids: Vec<&str> = level.iter().map(String::as_str).collect();
    let mut next = BTreeSet::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<String> = match way {
            Way::Up => nested_groups::table
                .filter(nested_groups::member_id.eq_any(chunk))
                .select(nested_groups::group_id)
                .load(tx.connection())?,
            Way::Down => nested_groups::table
                .filter(nested_groups::group_id.eq_any(chunk))
                .select(nested_groups::member_id)
                .load(tx.connection())?,
        };
        next.extend(rows);
    }
    Ok(next)
}

/// The groups above some groups: what these are in, directly or through others. Each is read once, whoever is below it.
#[derive(Default)]
pub(crate) struct Above(HashMap<String, Vec<Arc<ToldGroup>>>);

impl Above {
    /// Climbs from these groups, level by level, and only from groups that ever were in another.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn of(tx: &mut ReadTx<'_>, groups: &[Arc<ToldGroup>]) -> Result<Self, DirectoryError> {
        let mut above = Self::default();
        let mut level: BTreeSet<String> = leading_on(groups.iter()).collect();
        if level.is_empty() {
            return Ok(above);
        }
        let mut known: HashMap<String, Arc<ToldGroup>> =
            groups.iter().map(|group| (group.id.clone(), Arc::clone(group))).collect();
        while !level.is_empty() {
            let holders = holders_of(tx, &level)?;
            let unknown: BTreeSet<&str> =
                holders.iter().map(|(_, id)| id.as_str()).filter(|id| !known.contains_key(*id)).collect();
            let found = tell(tx, &Vec::from_iter(unknown))?;
            known.extend(found.into_iter().map(|group| (group.id.clone(), group)));
            for id in level {
                above.0.entry(id).or_default();
            }
            let mut met = Vec::new();
            for (member_id, group_id) in holders {
                let Some(group) = known.get(&group_id) else { continue };
                above.0.entry(member_id).or_default().push(Arc::clone(group));
                met.push(group);
            }
            level = leading_on(met.into_iter()).filter(|id| !above.0.contains_key(id)).collect();
        }
        Ok(above)
    }

    /// What is above these groups and none of them.
    pub(crate) fn beyond(&self, groups: &[Arc<ToldGroup>]) -> Vec<Arc<ToldGroup>> {
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

fn leading_on<'a>(groups: impl Iterator<Item = &'a Arc<ToldGroup>>) -> impl Iterator<Item = String> {
    groups.filter(|group| group.leads_on).map(|group| group.id.clone())
}

/// The groups that these groups are members of, each as (member, group).
fn holders_of(tx: &mut ReadTx<'_>, ids: &BTreeSet<String>) -> Result<Vec<(String, String)>, DirectoryError> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = nested_groups::table
            .filter(nested_groups::member_id.eq_any(chunk))
            .select((nested_groups::member_id, nested_groups::group_id));
        found.extend(rows.load::<(String, String)>(tx.connection())?);
    }
    Ok(found)
}
