//! Membership as rows: the cost of a change is the change, not the group. Who enters or leaves is marked with the time, so
//! that a conditional GET of that user sees the current `groups` though the user's version stays. Groups that are members
//! have rows of their own ([`nesting`]), which a change of users alone never asks for.

mod first;
mod groups_of;
mod members;

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use scim_core::filter::Filter;
use scim_core::fold::fold;
use scim_core::patch::{MemberChange, MemberSelection};
use scim_core::resource::Member;
use store::{ReadTx, WriteTx};

pub(crate) use groups_of::tell;
pub use groups_of::{GroupOfUser, ToldGroup, of_first, of_user, of_user_at_once};
pub use members::{MemberKind, MemberRow, members_of_first, of_group, of_group_at_once};

use crate::{
    DirectoryError, groups as group_rows, nesting,
    schema::{memberships, users},
    search::Element,
    users as user_rows,
};

/// Values in one `IN (…)` list: below every limit of either database.
pub(crate) const CHUNK: usize = 500;

/// Up to so many values are asked for one by one: such statements stay prepared, those with a list are parsed each time.
pub(crate) const FEW: usize = 3;

/// What to do with members that are neither users nor groups here (the table of disagreements: `member with an id that is not
/// here`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownMembers {
    /// Refuse the request and name them; nothing changes.
    #[default]
    Refuse,
    /// Apply the rest; the skipped ids are returned for the log.
    Skip,
}

/// What a membership change came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether any row changed: only then does the group get a new version.
    pub changed: bool,
    /// Ids that are not here, skipped as the tenant's settings say.
    pub skipped: Vec<String>,
    /// Whether a member was said to be of a `type` that it is not; what it is was found out by its id.
    pub mislabelled: bool,
}

/// Applies changes in order; whether they changed anything is judged by what all of them came to. `base` is the tenant's base
/// URL, which a member's `$ref` begins with. On a database with rivals the caller keeps other writers of groups out meanwhile:
/// two of them could make each of two groups a member of the other.
///
/// # Errors
/// [`DirectoryError::UnknownMembers`] under [`UnknownMembers::Refuse`]; [`DirectoryError::NoSuchMember`];
/// [`DirectoryError::GroupCycle`] and the other limits of groups in groups, judged by what all changes together come to; or the
/// store's.
pub fn apply(
    tx: &mut WriteTx<'_>,
    group_id: &str,
    base: &str,
    changes: &[MemberChange],
    unknown: UnknownMembers,
) -> Result<Outcome, DirectoryError> {
    // One change by itself cannot undo another.
    let before = (changes.len() > 1).then(BTreeMap::new);
    let mut work =
        Work { group_id, base, unknown, outcome: Outcome::default(), entered: BTreeSet::new(), before };
    for change in changes {
        let changed = match change {
            MemberChange::Add(members) => work.add(tx, members)?,
            MemberChange::Replace(members) => {
                let left = work.remove_all_but(tx, members)?;
                let renamed = work.rename_all(tx, members)?;
                left | renamed | work.add(tx, members)?
            }
            MemberChange::Remove(selection) => work.remove(tx, selection)?,
            MemberChange::Exchange { who, with, made } => work.exchange(tx, who, with, *made)?,
        };
        work.outcome.changed |= changed;
    }
    nesting::check(tx, group_id, &work.entered)?;
    work.outcome(tx)
}

/// A member's `display`, or none, by the member's id.
type Displays = BTreeMap<String, Option<String>>;

/// What is known half-way through the changes of one group.
struct Work<'a> {
    group_id: &'a str,
    base: &'a str,
    unknown: UnknownMembers,
    outcome: Outcome,
    /// Groups that became members.
    entered: BTreeSet<String>,
    /// What was written to, as it was before: a member with its `display`, or no member. Kept where a change may undo
    /// another.
    before: Option<BTreeMap<String, Option<Option<String>>>>,
}

impl Work<'_> {
    /// What the changes came to: who left and came back with the same `display` did neither.
    fn outcome(mut self, tx: &mut WriteTx<'_>) -> Result<Outcome, DirectoryError> {
        if let (true, Some(before)) = (self.outcome.changed, self.before.take()) {
            let ids: Vec<&str> = before.keys().map(String::as_str).collect();
            let mut now = present_of(tx, self.group_id, &ids)?;
            now.extend(nesting::present(tx, self.group_id, &ids)?);
            self.outcome.changed = before.iter().any(|(id, before)| now.get(id) != before.as_ref());
        }
        Ok(self.outcome)
    }

    /// Remembers what a member was before the first change of it.
    fn note(&mut self, id: &str, held: Option<&Option<String>>) {
        if let Some(before) = &mut self.before
            && !before.contains_key(id)
        {
            before.insert(id.to_owned(), held.cloned());
        }
    }

    /// Members that are new, and those that are here under another `display` than the one that is sent.
    fn add(&mut self, tx: &mut WriteTx<'_>, members: &[Member]) -> Result<bool, DirectoryError> {
        let wanted: BTreeMap<&str, &Member> = members.iter().map(|m| (m.value.as_str(), m)).collect();
        let (users, groups) = self.known(tx, &wanted)?;
        let display = |id: &str| wanted.get(id).and_then(|member| member.display.as_deref());

        let here: Vec<&str> = users.iter().map(String::as_str).collect();
        let mut present = present_of(tx, self.group_id, &here)?;
        let new: Vec<&str> = here.into_iter().filter(|id| !present.contains_key(*id)).collect();
        for id in &new {
            self.note(id, None);
            let row = (
                memberships::group_id.eq(self.group_id),
                memberships::user_id.eq(id),
                memberships::display.eq(display(id)),
            );
            tx.execute(diesel::insert_into(memberships::table).values(row))
                .map_err(|error| gone_meanwhile(error, id))?;
        }
        mark(tx, &new)?;

        let here: Vec<&str> = groups.iter().map(String::as_str).collect();
        let inside = nesting::present(tx, self.group_id, &here)?;
        let entering: Vec<&String> = groups.iter().filter(|id| !inside.contains_key(*id)).collect();
        for id in &entering {
            self.note(id, None);
            nesting::enter(tx, self.group_id, id, display(id))?;
        }
        self.entered.extend(entering.iter().map(|id| (*id).clone()));
        present.extend(inside);
        let said = wanted.values().copied().filter(|member| member.display.is_some());
        let renamed = self.rename(tx, said, (&users, &present))?;
        Ok(renamed || !new.is_empty() || !entering.is_empty())
    }

    /// Gives members that are here the `display` that was sent, or none: it is echoed as sent.
    fn rename<'m>(
        &mut self,
        tx: &mut WriteTx<'_>,
        members: impl Iterator<Item = &'m Member>,
        (users, present): (&BTreeSet<String>, &Displays),
    ) -> Result<bool, DirectoryError> {
        let mut changed = false;
        for Member { value: id, display, .. } in members {
            let Some(held) = present.get(id).filter(|held| *held != display) else {
                continue;
            };
            self.note(id, Some(held));
            if users.contains(id) {
                let row = memberships::table.find((self.group_id, id));
                tx.update(row, memberships::display.eq(display))?;
            } else {
                nesting::rename(tx, self.group_id, id, display.as_deref())?;
            }
            changed = true;
        }
        Ok(changed)
    }

    /// Where the whole list is replaced, who comes without a `display` has none.
    fn rename_all(&mut self, tx: &mut WriteTx<'_>, members: &[Member]) -> Result<bool, DirectoryError> {
        let rows = memberships::table
            .filter(memberships::group_id.eq(self.group_id))
            .select((memberships::user_id, memberships::display));
        let mut present: Displays =
            rows.load::<(String, Option<String>)>(tx.connection())?.into_iter().collect();
        let users = present.keys().cloned().collect();
        present.extend(nesting::of_group(tx, self.group_id)?);
        self.rename(tx, members.iter(), (&users, &present))
    }

    fn remove(&mut self, tx: &mut WriteTx<'_>, selection: &MemberSelection) -> Result<bool, DirectoryError> {
        let group_id = self.group_id;
        match selection {
            MemberSelection::All => {
                if self.before.is_some() {
                    for row in of_group(tx, group_id)? {
                        self.note(&row.member_id, Some(&row.display));
                    }
                }
                clear(tx, group_id)
            }
            MemberSelection::Values(ids) => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                self.remove_these(tx, &ids)
            }
            MemberSelection::Matching { among, filter } => {
                let chosen = self.matching(tx, among.as_deref(), filter)?;
                self.remove_these(tx, &chosen.iter().map(String::as_str).collect::<Vec<_>>())
            }
        }
    }

    /// The ids of the members that match.
    fn matching(
        &self,
        tx: &mut ReadTx<'_>,
        among: Option<&[String]>,
        filter: &Filter,
    ) -> Result<Vec<String>, DirectoryError> {
        let groups_alone = Element::of(filter).kind.is_some_and(|kind| fold(kind) == "group");
        let members = match among {
            Some(ids) => members::of_group_among(tx, self.group_id, ids)?,
            None if groups_alone => members::groups_in(tx, self.group_id)?,
            None => of_group(tx, self.group_id)?,
        };
        let chosen = members.into_iter().filter(|m| filter.matches(&m.as_filtered(self.base)));
        Ok(chosen.map(|member| member.member_id).collect())
    }

    /// Those who are chosen leave, another one comes; who is chosen and comes again stays, with what is said anew.
    fn exchange(
        &mut self,
        tx: &mut WriteTx<'_>,
        who: &MemberSelection,
        with: &Member,
        made: bool,
    ) -> Result<bool, DirectoryError> {
        let chosen = match who {
            MemberSelection::All => {
                of_group(tx, self.group_id)?.into_iter().map(|member| member.member_id).collect()
            }
            MemberSelection::Values(ids) => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                let mut present = present_of(tx, self.group_id, &ids)?;
                present.extend(nesting::present(tx, self.group_id, &ids)?);
                present.into_keys().collect()
            }
            MemberSelection::Matching { among, filter } => self.matching(tx, among.as_deref(), filter)?,
        };
        if chosen.is_empty() && !made {
            return Err(DirectoryError::NoSuchMember);
        }
        let leave: Vec<&str> = chosen.iter().map(String::as_str).filter(|id| *id != with.value).collect();
        let left = self.remove_these(tx, &leave)?;
        let mut held = present_of(tx, self.group_id, &[&with.value])?;
        let users = held.keys().cloned().collect();
        held.extend(nesting::present(tx, self.group_id, &[&with.value])?);
        let renamed =
            chosen.contains(&with.value) && self.rename(tx, std::iter::once(with), (&users, &held))?;
        Ok(left | renamed | self.add(tx, std::slice::from_ref(with))?)
    }

    fn remove_these(&mut self, tx: &mut WriteTx<'_>, ids: &[&str]) -> Result<bool, DirectoryError> {
        let users = present_of(tx, self.group_id, ids)?;
        let others: Vec<&str> = ids.iter().copied().filter(|id| !users.contains_key(*id)).collect();
        let groups = nesting::present(tx, self.group_id, &others)?;
        users.iter().chain(&groups).for_each(|(id, held)| self.note(id, Some(held)));
        remove_users(tx, self.group_id, &ids_of(&users))?;
        nesting::leave(tx, self.group_id, &ids_of(&groups))?;
        Ok(!users.is_empty() || !groups.is_empty())
    }

    fn remove_all_but(&mut self, tx: &mut WriteTx<'_>, members: &[Member]) -> Result<bool, DirectoryError> {
        let stay: BTreeSet<&str> = members.iter().map(|m| m.value.as_str()).collect();
        let rows =
            memberships::table.filter(memberships::group_id.eq(self.group_id)).select(memberships::user_id);
        let mut present: Vec<String> = tx.load(rows)?;
        present.extend(nesting::of_group(tx, self.group_id)?.into_keys());
        let leave: Vec<&str> = present.iter().map(String::as_str).filter(|id| !stay.contains(id)).collect();
        self.remove_these(tx, &leave)
    }

    /// Which of the members are users and which are groups; ids of both kinds are made here and never alike.
    fn known(
        &mut self,
        tx: &mut ReadTx<'_>,
        wanted: &BTreeMap<&str, &Member>,
    ) -> Result<(BTreeSet<String>, BTreeSet<String>), DirectoryError> {
        let ids: Vec<&str> = wanted.keys().copied().collect();
        let users: BTreeSet<String> = user_rows::existing(tx, &ids)?.into_iter().collect();
        let others: Vec<&str> = ids.into_iter().filter(|id| !users.contains(*id)).collect();
        let groups: BTreeSet<String> = group_rows::existing(tx, &others)?.into_iter().collect();
        let missing = others.into_iter().filter(|id| !groups.contains(*id));
        let missing = missing.filter_map(|id| wanted.get(id)).map(|member| member.as_sent().to_owned());
        match self.unknown {
            UnknownMembers::Skip => self.outcome.skipped.extend(missing),
            UnknownMembers::Refuse => {
                let missing: Vec<String> = missing.collect();
                if !missing.is_empty() {
                    return Err(DirectoryError::UnknownMembers(missing));
                }
            }
        }
        let mislabelled = |ids: &BTreeSet<String>, kind: MemberKind| {
            let labels = ids.iter().filter_map(|id| wanted.get(id.as_str())?.kind.as_deref());
            labels.into_iter().any(|label| !label.eq_ignore_ascii_case(kind.label()))
        };
        self.outcome.mislabelled |=
            mislabelled(&users, MemberKind::User) || mislabelled(&groups, MemberKind::Group);
        Ok((users, groups))
    }
}

/// A user whom another transaction deletes is there until that commits, and then the foreign key refuses the row (only
/// possible on PostgreSQL, which takes no further statement then: under [`UnknownMembers::Skip`] too the request is refused,
/// and finds the user gone when it comes again).
fn gone_meanwhile(error: QueryError, user_id: &str) -> DirectoryError {
    match error {
        QueryError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
            DirectoryError::UnknownMembers(vec![user_id.to_owned()])
        }
        error => error.into(),
    }
}

fn ids_of(displays: &Displays) -> Vec<&str> {
    displays.keys().map(String::as_str).collect()
}

/// Of these users, those who are in the group.
fn present_of(tx: &mut ReadTx<'_>, group_id: &str, ids: &[&str]) -> Result<Displays, DirectoryError> {
    let columns = (memberships::user_id, memberships::display);
    let mut present = Displays::new();
    if ids.len() <= FEW {
        for id in ids {
            let row = memberships::table.find((group_id, id)).select(columns);
            present.extend(tx.get_result::<(String, Option<String>)>(row).optional()?);
        }
        return Ok(present);
    }
    for chunk in ids.chunks(CHUNK) {
        let rows = memberships::table
            .filter(memberships::group_id.eq(group_id))
            .filter(memberships::user_id.eq_any(chunk))
            .select(columns);
        present.extend(rows.load::<(String, Option<String>)>(tx.connection())?);
    }
    Ok(present)
}

fn remove_users(tx: &mut WriteTx<'_>, group_id: &str, ids: &[&str]) -> Result<(), DirectoryError> {
    if ids.len() <= FEW {
        for id in ids {
            tx.execute(diesel::delete(memberships::table.find((group_id, id))))?;
        }
        return mark(tx, ids);
    }
    for chunk in ids.chunks(CHUNK) {
        let rows = memberships::table
            .filter(memberships::group_id.eq(group_id))
            .filter(memberships::user_id.eq_any(chunk));
        diesel::delete(rows).execute(tx.connection())?;
    }
    mark(tx, ids)
}

/// Takes every member out of the group; tells whether there were any.
pub(crate) fn clear(tx: &mut WriteTx<'_>, group_id: &str) -> Result<bool, DirectoryError> {
    let members = memberships::table.filter(memberships::group_id.eq(group_id));
    diesel::update(users::table.filter(users::id.eq_any(members.select(memberships::user_id))))
        .set(users::regrouped_version.eq(users::version))
        .execute(tx.connection())?;
    let users = tx.execute(diesel::delete(members))?;
    Ok(nesting::clear(tx, group_id)? || users > 0)
}

/// A group that lost a member because the member was removed, and the version that it has since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftGroup {
    /// The group.
    pub group_id: String,
    /// Its new version.
    pub version: i64,
}

/// Takes a user who is about to be removed out of every group; each group gets a new version.
pub(crate) fn forget_user(tx: &mut WriteTx<'_>, user_id: &str) -> Result<Vec<LeftGroup>, DirectoryError> {
    let mine = memberships::table.filter(memberships::user_id.eq(user_id));
    let group_ids: Vec<String> = tx.load(mine.select(memberships::group_id))?;
    let left = touch_all(tx, group_ids)?;
    tx.execute(diesel::delete(mine))?;
    Ok(left)
}

/// Takes a group that is about to be removed out of every group; each of those gets a new version.
pub(crate) fn forget_group(tx: &mut WriteTx<'_>, id: &str) -> Result<Vec<LeftGroup>, DirectoryError> {
    let parents = nesting::parents(tx, id)?;
    for parent in &parents {
        nesting::leave(tx, parent, &[id])?;
    }
    touch_all(tx, parents)
}

fn touch_all(tx: &mut WriteTx<'_>, group_ids: Vec<String>) -> Result<Vec<LeftGroup>, DirectoryError> {
    let mut left = Vec::with_capacity(group_ids.len());
    for id in group_ids {
        if let Some(record) = group_rows::find_for_update(tx, &id)? {
            let version = group_rows::touch(tx, &record)?.version;
            left.push(LeftGroup { group_id: id, version });
        }
    }
    Ok(left)
}

fn mark(tx: &mut WriteTx<'_>, user_ids: &[&str]) -> Result<(), DirectoryError> {
    if user_ids.len() <= FEW {
        for id in user_ids {
            tx.update(users::table.find(id), users::regrouped_version.eq(users::version))?;
        }
        return Ok(());
    }
    for chunk in user_ids.chunks(CHUNK) {
        diesel::update(users::table.filter(users::id.eq_any(chunk)))
            .set(users::regrouped_version.eq(users::version))
            .execute(tx.connection())?;
    }
    Ok(())
}
