//! Membership as rows ([`rows`]): the cost of a change is the change, not the group. [`nesting`] decides which groups may be in
//! which.

mod first;
pub mod groupless;
mod groups_of;
pub mod left;
mod link;
mod members;
pub(crate) mod rows;
pub(crate) mod summaries;

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use scim_core::ResourceKind;
use scim_core::filter::Filter;
use scim_core::fold::fold;
use scim_core::patch::{MemberChange, MemberSelection};
use scim_core::resource::Member;
use store::{ReadTx, WriteTx};

pub use groups_of::{GroupOfUser, of_first, of_user};
use link::Link;
pub use members::{MemberRow, local_of_group, members_of_first, of_group};
use rows::Displays;
pub use summaries::GroupSummary;

use crate::{
    DirectoryError, nesting,
    origin::Origin,
    schema::{memberships, users},
    search::Element,
    table,
};

/// The treatment of members that are unknown here (the table of disagreements: `member with an id that is not here`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownMembers {
    /// Refuse the request and name them; nothing changes.
    #[default]
    Refuse,
    /// Apply the rest; the skipped ids are returned for the log.
    Skip,
}

/// How changes of members are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberRules {
    /// Of members that are unknown here.
    pub unknown: UnknownMembers,
    /// Whether users of staff are skipped, as unknown ones can be.
    pub skip_local: bool,
    /// Whether it is told who came and who left.
    pub watch: bool,
    /// Whether it is noted who leaves the last group; only where it is told, too.
    pub note_groupless: bool,
}

impl From<UnknownMembers> for MemberRules {
    fn from(unknown: UnknownMembers) -> Self {
        Self { unknown, ..Self::default() }
    }
}

/// The result of changes of members.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Whether any row changed: only then does the group get a new version.
    pub changed: bool,
    /// Ids that are not here, skipped as the tenant's settings say.
    pub skipped: Vec<String>,
    /// Whether a member was sent with the wrong `type`. The id decides the kind.
    pub mislabelled: bool,
    /// Users who left, where that is watched: some of them perhaps more than once, or came too.
    pub left: Vec<String>,
    /// Users who came, likewise.
    pub came: Vec<String>,
    /// Each member that changed, by its id, as it was before; `None` for one that was none.
    pub before: BTreeMap<String, Option<Membership>>,
}

impl Applied {
    /// Users who left or came.
    #[must_use]
    pub fn moved(&self) -> Vec<String> {
        [self.left.as_slice(), &self.came].concat()
    }
}

/// Applies changes in order and compares the members before the first with those after the last. `base` is the tenant's base
/// URL, which a member's `$ref` begins with. On a database with rivals the caller keeps other writers of groups out meanwhile:
/// two of them could make each of two groups a member of the other.
///
/// # Errors
/// [`DirectoryError::UnknownMembers`] under [`UnknownMembers::Refuse`]; [`DirectoryError::NoSuchMember`];
/// [`DirectoryError::GroupCycle`] and the other limits of groups in groups, checked after the last change; or the store's.
pub fn apply(
    tx: &mut WriteTx<'_>,
    group_id: &str,
    base: &str,
    changes: &[MemberChange],
    rules: impl Into<MemberRules>,
) -> Result<Applied, DirectoryError> {
    let rules = rules.into();
    let applied = Applied::default();
    let mut work = Work {
        group_id,
        base,
        rules,
        applied,
        entered: BTreeSet::new(),
        came: Vec::new(),
        left: Vec::new(),
        may_undo_itself: changes.len() > 1,
        before: BTreeMap::new(),
    };
    for change in changes {
        let changed = match change {
            MemberChange::Add(members) => work.add(tx, members)?,
            MemberChange::Replace(members) => work.replace(tx, members)?,
            MemberChange::Remove(selection) => work.remove(tx, selection)?,
            MemberChange::Exchange { who, with, made } => work.exchange(tx, who, with, *made)?,
        };
        work.applied.changed |= changed;
    }
    nesting::check(tx, group_id, &work.entered)?;
    if rules.note_groupless {
        groupless::note_entered(tx, &work.came)?;
        groupless::note_left(tx, &work.left)?;
    }
    work.applied.left = std::mem::take(&mut work.left);
    work.applied.came = std::mem::take(&mut work.came);
    work.applied(tx)
}

/// One membership of a group, beside the member's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Whether it is a user or a group.
    pub kind: ResourceKind,
    /// As the identity provider sent it.
    pub display: Option<String>,
}

/// Members by id.
type Held = BTreeMap<String, Membership>;

fn held_as(kind: ResourceKind, displays: Displays) -> impl Iterator<Item = (String, Membership)> {
    displays.into_iter().map(move |(id, display)| (id, Membership { kind, display }))
}

/// Those of these ids that are members of the group.
fn held_of(tx: &mut ReadTx<'_>, group_id: &str, ids: &[&str]) -> Result<Held, DirectoryError> {
    let users = rows::present(tx, ResourceKind::User, group_id, ids)?;
    let others: Vec<&str> = ids.iter().copied().filter(|id| !users.contains_key(*id)).collect();
    let groups = rows::present(tx, ResourceKind::Group, group_id, &others)?;
    Ok(held_as(ResourceKind::User, users).chain(held_as(ResourceKind::Group, groups)).collect())
}

/// All members of the group.
fn all_held(tx: &mut ReadTx<'_>, group_id: &str) -> Result<Held, DirectoryError> {
    let users = rows::all(tx, ResourceKind::User, group_id)?;
    let groups = rows::all(tx, ResourceKind::Group, group_id)?;
    Ok(held_as(ResourceKind::User, users).chain(held_as(ResourceKind::Group, groups)).collect())
}

/// The state between the changes of one group.
struct Work<'a> {
    group_id: &'a str,
    base: &'a str,
    rules: MemberRules,
    applied: Applied,
    /// Groups that became members.
    entered: BTreeSet<String>,
    /// Users who became members, where that is watched.
    came: Vec<String>,
    /// Users who were members, where that is watched.
    left: Vec<String>,
    /// Whether one change may undo another.
    may_undo_itself: bool,
    /// The members that were written to, as they were before; `None` for no member.
    before: BTreeMap<String, Option<Membership>>,
}

impl Work<'_> {
    /// The result of all changes: a member that left and came back with the same `display` did not change.
    fn applied(mut self, tx: &mut WriteTx<'_>) -> Result<Applied, DirectoryError> {
        if self.applied.changed && self.may_undo_itself {
            let ids: Vec<&str> = self.before.keys().map(String::as_str).collect();
            let now = held_of(tx, self.group_id, &ids)?;
            self.before.retain(|id, before| now.get(id) != before.as_ref());
            self.applied.changed = !self.before.is_empty();
        }
        Ok(Applied { before: self.before, ..self.applied })
    }

    /// Remembers a member as it was before its first change.
    fn note(&mut self, id: &str, held: Option<&Membership>) {
        if !self.before.contains_key(id) {
            self.before.insert(id.to_owned(), held.cloned());
        }
    }

    /// Adds new members, and changes the `display` of members that are here under another one.
    fn add(&mut self, tx: &mut WriteTx<'_>, members: &[Member]) -> Result<bool, DirectoryError> {
        let wanted: BTreeMap<&str, &Member> = members.iter().map(|m| (m.value.as_str(), m)).collect();
        let display = |id: &str| wanted.get(id).and_then(|member| member.display.as_deref());
        let (mut held, mut changed) = (Held::new(), false);
        for (kind, ids) in self.known(tx, &wanted)? {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let present = rows::present(tx, kind, self.group_id, &ids)?;
            let new: Vec<&str> = ids.into_iter().filter(|id| !present.contains_key(*id)).collect();
            for id in &new {
                self.note(id, None);
                rows::insert(tx, kind, self.group_id, id, display(id))?;
            }
            rows::mark(tx, kind, &new)?;
            match kind {
                ResourceKind::Group => self.entered.extend(new.iter().map(|id| (*id).to_owned())),
                // In the order of the request: so they get seats (S9).
                _ if self.rules.watch => {
                    let named = members.iter().map(|member| &member.value);
                    self.came.extend(named.filter(|id| new.binary_search(&id.as_str()).is_ok()).cloned());
                }
                _ => {}
            }
            changed |= !new.is_empty();
            held.extend(held_as(kind, present));
        }
        let named = wanted.values().copied().filter(|member| member.display.is_some());
        Ok(self.rename(tx, named, &held)? | changed)
    }

    /// Gives members that are here the `display` that was sent, or none: it is returned as sent.
    fn rename<'m>(
        &mut self,
        tx: &mut WriteTx<'_>,
        members: impl Iterator<Item = &'m Member>,
        held: &Held,
    ) -> Result<bool, DirectoryError> {
        let mut changed = false;
        for Member { value: id, display, .. } in members {
            let Some(was) = held.get(id).filter(|was| was.display != *display) else { continue };
            self.note(id, Some(was));
            rows::rename(tx, was.kind, self.group_id, id, display.as_deref())?;
            changed = true;
        }
        Ok(changed)
    }

    /// Replaces the whole list: a member that comes without a `display` has none.
    fn replace(&mut self, tx: &mut WriteTx<'_>, members: &[Member]) -> Result<bool, DirectoryError> {
        let stay: BTreeSet<&str> = members.iter().map(|m| m.value.as_str()).collect();
        let held = all_held(tx, self.group_id)?;
        let (held, leave): (Held, Held) = held.into_iter().partition(|(id, _)| stay.contains(id.as_str()));
        let left = self.remove_held(tx, &leave)?;
        let renamed = self.rename(tx, members.iter(), &held)?;
        Ok(left | renamed | self.add(tx, members)?)
    }

    fn remove(&mut self, tx: &mut WriteTx<'_>, selection: &MemberSelection) -> Result<bool, DirectoryError> {
        let held = self.selected(tx, selection)?;
        self.remove_held(tx, &held)
    }

    /// The members that a selection means.
    fn selected(&self, tx: &mut ReadTx<'_>, selection: &MemberSelection) -> Result<Held, DirectoryError> {
        match selection {
            MemberSelection::All => all_held(tx, self.group_id),
            MemberSelection::Values(ids) => {
                held_of(tx, self.group_id, &ids.iter().map(String::as_str).collect::<Vec<_>>())
            }
            MemberSelection::Matching { among, filter } => self.matching(tx, among.as_deref(), filter),
        }
    }

    fn matching(
        &self,
        tx: &mut ReadTx<'_>,
        among: Option<&[String]>,
        filter: &Filter,
    ) -> Result<Held, DirectoryError> {
        let groups_alone = Element::of(filter).kind.is_some_and(|kind| fold(kind) == "group");
        let (group_id, kind) = (self.group_id, ResourceKind::Group);
        let mut held = match among {
            Some(ids) => held_of(tx, group_id, &ids.iter().map(String::as_str).collect::<Vec<_>>())?,
            None if groups_alone => held_as(kind, rows::all(tx, kind, group_id)?).collect(),
            None => all_held(tx, group_id)?,
        };
        held.retain(|id, Membership { kind, display }| {
            let link = Link { id, of: *kind, display: display.as_deref(), kind: kind.name() };
            filter.matches(&link.to_map(self.base))
        });
        Ok(held)
    }

    /// Replaces the selected members by another one, which stays if it is among them.
    fn exchange(
        &mut self,
        tx: &mut WriteTx<'_>,
        who: &MemberSelection,
        with: &Member,
        made: bool,
    ) -> Result<bool, DirectoryError> {
        let mut chosen = self.selected(tx, who)?;
        if chosen.is_empty() && !made {
            return Err(DirectoryError::NoSuchMember);
        }
        let stays: Held = chosen.remove_entry(&with.value).into_iter().collect();
        let left = self.remove_held(tx, &chosen)?;
        let renamed = self.rename(tx, std::iter::once(with), &stays)?;
        Ok(left | renamed | self.add(tx, std::slice::from_ref(with))?)
    }

    fn remove_held(&mut self, tx: &mut WriteTx<'_>, held: &Held) -> Result<bool, DirectoryError> {
        held.iter().for_each(|(id, was)| self.note(id, Some(was)));
        for kind in [ResourceKind::User, ResourceKind::Group] {
            let ids = held.iter().filter(|(_, own)| own.kind == kind).map(|(id, _)| id.as_str());
            let ids: Vec<&str> = ids.collect();
            rows::remove(tx, kind, self.group_id, &ids)?;
            if self.rules.watch && kind == ResourceKind::User {
                self.left.extend(ids.into_iter().map(str::to_owned));
            }
        }
        Ok(!held.is_empty())
    }

    /// Which of the members are users and which are groups; ids of both kinds are made here and never alike.
    fn known(
        &mut self,
        tx: &mut ReadTx<'_>,
        wanted: &BTreeMap<&str, &Member>,
    ) -> Result<[(ResourceKind, BTreeSet<String>); 2], DirectoryError> {
        let ids: Vec<&str> = wanted.keys().copied().collect();
        let found = table::existing_users(tx, &ids)?;
        let (taken, local): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(_, origin)| !self.rules.skip_local || *origin == Origin::Idp);
        let users: BTreeSet<String> = taken.into_iter().map(|(id, _)| id).collect();
        let local: BTreeSet<String> = local.into_iter().map(|(id, _)| id).collect();
        let others: Vec<&str> = ids.into_iter().filter(|id| !users.contains(*id)).collect();
        let groups: BTreeSet<String> =
            table::existing(tx, ResourceKind::Group, &others)?.into_iter().collect();
        let as_sent = |id: &str| wanted.get(id).map(|member| member.as_sent().to_owned());
        self.applied.skipped.extend(local.iter().filter_map(|id| as_sent(id)));
        let missing = others.into_iter().filter(|id| !groups.contains(*id) && !local.contains(*id));
        let missing = missing.filter_map(as_sent);
        match self.rules.unknown {
            UnknownMembers::Skip => self.applied.skipped.extend(missing),
            UnknownMembers::Refuse => {
                let missing: Vec<String> = missing.collect();
                if !missing.is_empty() {
                    return Err(DirectoryError::UnknownMembers(missing));
                }
            }
        }
        let mislabelled = |ids: &BTreeSet<String>, kind: ResourceKind| {
            let labels = ids.iter().filter_map(|id| wanted.get(id.as_str())?.kind.as_deref());
            labels.into_iter().any(|label| !label.eq_ignore_ascii_case(kind.name()))
        };
        self.applied.mislabelled |=
            mislabelled(&users, ResourceKind::User) || mislabelled(&groups, ResourceKind::Group);
        Ok([(ResourceKind::User, users), (ResourceKind::Group, groups)])
    }
}

/// Takes every member out of the group.
pub(crate) fn clear(tx: &mut WriteTx<'_>, group_id: &str) -> Result<(), DirectoryError> {
    let members = memberships::table.filter(memberships::group_id.eq(group_id));
    diesel::update(users::table.filter(users::id.eq_any(members.select(memberships::user_id))))
        .set(users::moved_mark.eq(users::version))
        .execute(tx.connection())?;
    tx.execute(diesel::delete(members))?;
    let inside = rows::all(tx, ResourceKind::Group, group_id)?;
    let inside: Vec<&str> = inside.keys().map(String::as_str).collect();
    rows::remove(tx, ResourceKind::Group, group_id, &inside)
}

/// A group that lost a member because the member was removed, and the version that it has since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftGroup {
    /// The group.
    pub group_id: String,
    /// Its new version.
    pub version: i64,
    /// The `display` of the member that it lost.
    pub display: Option<String>,
}

/// Takes a user out of every group before it is removed; each group gets a new version.
pub(crate) fn forget_user(tx: &mut WriteTx<'_>, user_id: &str) -> Result<Vec<LeftGroup>, DirectoryError> {
    let mine = memberships::table.filter(memberships::user_id.eq(user_id));
    let groups: Vec<(String, Option<String>)> =
        tx.load(mine.select((memberships::group_id, memberships::display)))?;
    let left = touch_all(tx, groups)?;
    tx.execute(diesel::delete(mine))?;
    Ok(left)
}

/// Takes a group out of every other group before it is removed; each of those gets a new version.
pub(crate) fn forget_group(tx: &mut WriteTx<'_>, id: &str) -> Result<Vec<LeftGroup>, DirectoryError> {
    let parents = nesting::parents(tx, id)?;
    let mut left = Vec::with_capacity(parents.len());
    for parent in parents {
        let display = rows::present(tx, ResourceKind::Group, &parent, &[id])?.remove(id).flatten();
        rows::remove(tx, ResourceKind::Group, &parent, &[id])?;
        left.push((parent, display));
    }
    touch_all(tx, left)
}

fn touch_all(
    tx: &mut WriteTx<'_>,
    groups: Vec<(String, Option<String>)>,
) -> Result<Vec<LeftGroup>, DirectoryError> {
    let mut left = Vec::with_capacity(groups.len());
    for (id, display) in groups {
        if let Some(record) = table::find_for_update(tx, ResourceKind::Group, &id)? {
            let version = table::touch(tx, ResourceKind::Group, &record)?.version;
            left.push(LeftGroup { group_id: id, version, display });
        }
    }
    Ok(left)
}
