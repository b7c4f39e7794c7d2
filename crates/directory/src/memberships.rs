//! Membership as rows: the cost of a change is the change, not the group. Who enters or leaves is marked with the time, so
//! that a conditional GET of that user sees the current `groups` though the user's version stays.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use scim_core::patch::{MemberChange, MemberSelection};
use scim_core::resource::Member;
use serde_json::{Map, Value, json};
use store::{ReadTx, WriteTx};

use crate::{
    DirectoryError, groups as group_rows,
    schema::{groups, memberships, users},
    users as user_rows,
};

/// Values in one `IN (…)` list: below every limit of either database.
pub(crate) const CHUNK: usize = 500;

/// Up to so many values are asked for one by one: such statements stay prepared, those with a list are parsed each time.
pub(crate) const FEW: usize = 3;

/// What to do with members that are no users here (the table of disagreements: `member with an id that is not here`).
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
    /// Ids that are no users here, skipped as the tenant's settings say.
    pub skipped: Vec<String>,
}

/// Applies changes in order.
///
/// # Errors
/// [`DirectoryError::UnknownMembers`] under [`UnknownMembers::Refuse`], or the store's.
pub fn apply(
    tx: &mut WriteTx<'_>,
    group_id: &str,
    changes: &[MemberChange],
    unknown: UnknownMembers,
) -> Result<Outcome, DirectoryError> {
    let mut outcome = Outcome::default();
    for change in changes {
        outcome.changed |= match change {
            MemberChange::Add(members) => add(tx, group_id, members, unknown, &mut outcome.skipped)?,
            MemberChange::Replace(members) => {
                let left = remove_all_but(tx, group_id, members)?;
                left | add(tx, group_id, members, unknown, &mut outcome.skipped)?
            }
            MemberChange::Remove(selection) => remove(tx, group_id, selection)?,
        };
    }
    Ok(outcome)
}

fn add(
    tx: &mut WriteTx<'_>,
    group_id: &str,
    members: &[Member],
    unknown: UnknownMembers,
    skipped: &mut Vec<String>,
) -> Result<bool, DirectoryError> {
    let wanted: BTreeMap<&str, &Member> = members.iter().map(|m| (m.value.as_str(), m)).collect();
    let ids: Vec<&str> = wanted.keys().copied().collect();
    let known: BTreeSet<String> = user_rows::existing(tx, &ids)?.into_iter().collect();
    let missing = ids.iter().filter(|id| !known.contains(**id)).map(|id| (*id).to_owned());
    match unknown {
        UnknownMembers::Skip => skipped.extend(missing),
        UnknownMembers::Refuse => {
            let missing: Vec<String> = missing.collect();
            if !missing.is_empty() {
                return Err(DirectoryError::UnknownMembers(missing));
            }
        }
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let present: BTreeSet<String> = present_of(tx, group_id, &known)?.into_iter().collect();
    let new: Vec<&str> = known.into_iter().filter(|id| !present.contains(*id)).collect();
    for id in &new {
        let row = (
            memberships::group_id.eq(group_id),
            memberships::user_id.eq(id),
            memberships::display.eq(wanted.get(id).and_then(|m| m.display.as_deref())),
        );
        diesel::insert_into(memberships::table).values(row).execute(tx.connection())?;
    }
    mark(tx, &new)?;
    Ok(!new.is_empty())
}

/// Of these users, those who are in the group.
fn present_of(tx: &mut ReadTx<'_>, group_id: &str, ids: &[&str]) -> Result<Vec<String>, DirectoryError> {
    let mut present = Vec::new();
    if ids.len() <= FEW {
        for id in ids {
            let row = memberships::table.find((group_id, id)).select(memberships::user_id);
            present.extend(row.get_result::<String>(tx.connection()).optional()?);
        }
        return Ok(present);
    }
    for chunk in ids.chunks(CHUNK) {
        let rows = memberships::table
            .filter(memberships::group_id.eq(group_id))
            .filter(memberships::user_id.eq_any(chunk))
            .select(memberships::user_id);
        present.extend(rows.load::<String>(tx.connection())?);
    }
    Ok(present)
}

fn remove(tx: &mut WriteTx<'_>, group_id: &str, selection: &MemberSelection) -> Result<bool, DirectoryError> {
    match selection {
        MemberSelection::All => clear(tx, group_id),
        MemberSelection::Values(ids) => {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            remove_these(tx, group_id, &ids)
        }
        MemberSelection::Matching(filter) => {
            let members = of_group(tx, group_id)?;
            let chosen = members.iter().filter(|m| filter.matches(&m.as_filtered()));
            let ids: Vec<&str> = chosen.map(|m| m.user_id.as_str()).collect();
            remove_these(tx, group_id, &ids)
        }
    }
}

fn remove_these(tx: &mut WriteTx<'_>, group_id: &str, ids: &[&str]) -> Result<bool, DirectoryError> {
    let present = present_of(tx, group_id, ids)?;
    let present: Vec<&str> = present.iter().map(String::as_str).collect();
    if present.len() <= FEW {
        for id in &present {
            diesel::delete(memberships::table.find((group_id, id))).execute(tx.connection())?;
        }
        mark(tx, &present)?;
        return Ok(!present.is_empty());
    }
    for chunk in present.chunks(CHUNK) {
        let rows = memberships::table
            .filter(memberships::group_id.eq(group_id))
            .filter(memberships::user_id.eq_any(chunk));
        diesel::delete(rows).execute(tx.connection())?;
    }
    mark(tx, &present)?;
    Ok(!present.is_empty())
}

fn remove_all_but(tx: &mut WriteTx<'_>, group_id: &str, members: &[Member]) -> Result<bool, DirectoryError> {
    let stay: BTreeSet<&str> = members.iter().map(|m| m.value.as_str()).collect();
    let present = memberships::table.filter(memberships::group_id.eq(group_id)).select(memberships::user_id);
    let present: Vec<String> = present.load(tx.connection())?;
    let leave: Vec<&str> = present.iter().map(String::as_str).filter(|id| !stay.contains(id)).collect();
    remove_these(tx, group_id, &leave)
}

/// Takes every member out of the group; tells whether there were any.
pub(crate) fn clear(tx: &mut WriteTx<'_>, group_id: &str) -> Result<bool, DirectoryError> {
    let members = memberships::table.filter(memberships::group_id.eq(group_id));
    diesel::update(users::table.filter(users::id.eq_any(members.select(memberships::user_id))))
        .set(users::groups_changed_ms.eq(tx.now_ms()))
        .execute(tx.connection())?;
    Ok(diesel::delete(members).execute(tx.connection())? > 0)
}

/// A group that a user left because the user was removed, and the version that it has since.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct LeftGroup {
    /// The group.
    pub group_id: String,
    /// Its new version.
    pub version: i64,
}

/// Takes a user who is about to be removed out of every group; each group gets a new version.
pub(crate) fn forget_user(tx: &mut WriteTx<'_>, user_id: &str) -> Result<Vec<LeftGroup>, DirectoryError> {
    let mine = memberships::table.filter(memberships::user_id.eq(user_id));
    let group_ids: Vec<String> = mine.select(memberships::group_id).load(tx.connection())?;
    let mut left = Vec::with_capacity(group_ids.len());
    for id in group_ids {
        if let Some(record) = group_rows::find_for_update(tx, &id)? {
            let version = group_rows::touch(tx, &record)?.version;
            left.push(LeftGroup { group_id: id, version });
        }
    }
    diesel::delete(mine).execute(tx.connection())?;
    Ok(left)
}

fn mark(tx: &mut WriteTx<'_>, user_ids: &[&str]) -> Result<(), DirectoryError> {
    let now = tx.now_ms();
    if user_ids.len() <= FEW {
        for id in user_ids {
            diesel::update(users::table.find(id))
                .set(users::groups_changed_ms.eq(now))
                .execute(tx.connection())?;
        }
        return Ok(());
    }
    for chunk in user_ids.chunks(CHUNK) {
        diesel::update(users::table.filter(users::id.eq_any(chunk)))
            .set(users::groups_changed_ms.eq(now))
            .execute(tx.connection())?;
    }
    Ok(())
}

/// One member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct MemberRow {
    /// The group it belongs to.
    pub group_id: String,
    /// The user.
    pub user_id: String,
    /// As the identity provider sent it, never invented.
    pub display: Option<String>,
}

impl MemberRow {
    /// The member as RFC 7643 §4.2 shows it; `users_url` is the base of `$ref`, such as `https://…/scim/v2/Users`.
    #[must_use]
    pub fn to_json(&self, users_url: &str) -> Value {
        let mut member = Map::new();
        member.insert("value".into(), self.user_id.as_str().into());
        member.insert("$ref".into(), format!("{users_url}/{}", self.user_id).into());
        if let Some(display) = &self.display {
            member.insert("display".into(), display.as_str().into());
        }
        member.insert("type".into(), "User".into());
        Value::Object(member)
    }

    /// What a filter such as `members[type eq "User"]` looks at.
    fn as_filtered(&self) -> Map<String, Value> {
        match json!({ "value": self.user_id, "display": self.display, "type": "User" }) {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

/// All members of one group, in the order of their ids.
///
/// # Errors
/// When the store fails.
pub fn of_group(tx: &mut ReadTx<'_>, group_id: &str) -> Result<Vec<MemberRow>, DirectoryError> {
    let rows = memberships::table.filter(memberships::group_id.eq(group_id)).order(memberships::user_id);
    Ok(rows.load(tx.connection())?)
}

/// All members of these groups, by group.
///
/// # Errors
/// When the store fails.
pub fn of_groups(
    tx: &mut ReadTx<'_>,
    group_ids: &[&str],
) -> Result<BTreeMap<String, Vec<MemberRow>>, DirectoryError> {
    let mut by_group: BTreeMap<String, Vec<MemberRow>> = BTreeMap::new();
    for chunk in group_ids.chunks(CHUNK) {
        let rows: Vec<MemberRow> = memberships::table
            .filter(memberships::group_id.eq_any(chunk))
            .order((memberships::group_id, memberships::user_id))
            .load(tx.connection())?;
        for row in rows {
            by_group.entry(row.group_id.clone()).or_default().push(row);
        }
    }
    Ok(by_group)
}

/// One group of a user (RFC 7643 §4.1.2, `groups`).
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct GroupOfUser {
    /// The member.
    pub user_id: String,
    /// The group.
    pub group_id: String,
    /// When the group got the name it has, in milliseconds since 1970 UTC.
    pub renamed_ms: i64,
    /// The group's document, for its displayName.
    document: String,
}

impl GroupOfUser {
    /// The group as a user's `groups` shows it; `groups_url` is the base of `$ref`.
    #[must_use]
    pub fn to_json(&self, groups_url: &str) -> Value {
        #[derive(serde::Deserialize)]
        struct Named {
            #[serde(rename = "displayName")]
            display_name: Option<String>,
        }
        let mut group = Map::new();
        group.insert("value".into(), self.group_id.as_str().into());
        group.insert("$ref".into(), format!("{groups_url}/{}", self.group_id).into());
        if let Some(name) = serde_json::from_str::<Named>(&self.document).ok().and_then(|n| n.display_name) {
            group.insert("display".into(), name.into());
        }
        group.insert("type".into(), "direct".into());
        Value::Object(group)
    }
}

/// The groups of one user, in the order of their ids.
///
/// # Errors
/// When the store fails.
pub fn of_user(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<GroupOfUser>, DirectoryError> {
    let rows = memberships::table
        .inner_join(groups::table)
        .filter(memberships::user_id.eq(user_id))
        .order(memberships::group_id)
        .select((memberships::user_id, groups::id, groups::renamed_ms, groups::document));
    Ok(rows.load(tx.connection())?)
}

/// The groups of these users, by user.
///
/// # Errors
/// When the store fails.
pub fn of_users(
    tx: &mut ReadTx<'_>,
    user_ids: &[&str],
) -> Result<BTreeMap<String, Vec<GroupOfUser>>, DirectoryError> {
    let mut by_user: BTreeMap<String, Vec<GroupOfUser>> = BTreeMap::new();
    for chunk in user_ids.chunks(CHUNK) {
        let rows: Vec<GroupOfUser> = memberships::table
            .inner_join(groups::table)
            .filter(memberships::user_id.eq_any(chunk))
            .order((memberships::user_id, memberships::group_id))
            .select((memberships::user_id, groups::id, groups::renamed_ms, groups::document))
            .load(tx.connection())?;
        for row in rows {
            by_user.entry(row.user_id.clone()).or_default().push(row);
        }
    }
    Ok(by_user)
}
