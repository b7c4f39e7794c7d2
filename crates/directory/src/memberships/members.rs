//! Who is in a group: users and groups, in the order of their ids.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde_json::{Map, Value};
use store::ReadTx;

use super::{CHUNK, first};
use crate::{
    DirectoryError,
    schema::{memberships, nested_groups},
};

/// What a member is: always found out by its id, whatever a client says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the RFC's own words")]
pub enum MemberKind {
    User,
    Group,
}

impl MemberKind {
    /// The `type` of RFC 7643 §4.2.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The endpoint that a `$ref` names.
    fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }
}

/// One member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The group it belongs to.
    pub group_id: String,
    /// The user or the group.
    pub member_id: String,
    /// As the identity provider sent it, never invented.
    pub display: Option<String>,
    /// Which of the two.
    pub kind: MemberKind,
}

impl MemberRow {
    /// The member as RFC 7643 §4.2 shows it; `base` is the tenant's base URL, such as `https://…/scim/v2`.
    #[must_use]
    pub fn to_json(&self, base: &str) -> Value {
        let mut member = Map::new();
        member.insert("value".into(), self.member_id.as_str().into());
        member.insert("$ref".into(), format!("{base}{}/{}", self.kind.endpoint(), self.member_id).into());
        if let Some(display) = &self.display {
            member.insert("display".into(), display.as_str().into());
        }
        member.insert("type".into(), self.kind.label().into());
        Value::Object(member)
    }

    /// What a filter such as `members[type eq "User"]` looks at.
    pub(super) fn as_filtered(&self, base: &str) -> Map<String, Value> {
        match self.to_json(base) {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

type Row = (String, String, Option<String>);

/// Rows of both tables in one order. Each comes in order, so there is little to sort.
fn in_order(users: Vec<Row>, groups: Vec<Row>) -> Vec<MemberRow> {
    let of_kind = |rows: Vec<Row>, kind| {
        rows.into_iter().map(move |(group_id, member_id, display)| MemberRow {
            group_id,
            member_id,
            display,
            kind,
        })
    };
    let mut members: Vec<MemberRow> =
        of_kind(users, MemberKind::User).chain(of_kind(groups, MemberKind::Group)).collect();
    members.sort_by(|a, b| (&a.group_id, &a.member_id).cmp(&(&b.group_id, &b.member_id)));
    members
}

/// All members of one group, in the order of their ids.
///
/// # Errors
/// When the store fails.
pub fn of_group(tx: &mut ReadTx<'_>, group_id: &str) -> Result<Vec<MemberRow>, DirectoryError> {
    let users = memberships::table.filter(memberships::group_id.eq(group_id)).order(memberships::user_id);
    let users = tx.load(users)?;
    let groups =
        nested_groups::table.filter(nested_groups::group_id.eq(group_id)).order(nested_groups::member_id);
    let groups = tx.load(groups)?;
    Ok(in_order(users, groups))
}

/// Members of one group that are read at once.
const FEW_MEMBERS: usize = 500;

/// As [`of_group`], by queries whose cost is bounded; `None` when the members are many.
///
/// # Errors
/// When the store fails.
pub fn of_group_at_once(
    tx: &mut ReadTx<'_>,
    group_id: &str,
) -> Result<Option<Vec<MemberRow>>, DirectoryError> {
    let users = memberships::table.filter(memberships::group_id.eq(group_id)).order(memberships::user_id);
    let users = tx.load_first(users, FEW_MEMBERS + 1)?;
    let groups =
        nested_groups::table.filter(nested_groups::group_id.eq(group_id)).order(nested_groups::member_id);
    let groups = tx.load_first(groups, FEW_MEMBERS + 1)?;
    let few = users.len() + groups.len() <= FEW_MEMBERS;
    Ok(few.then(|| in_order(users, groups)))
}

/// The members of one group that are groups.
pub(super) fn groups_in(tx: &mut ReadTx<'_>, group_id: &str) -> Result<Vec<MemberRow>, DirectoryError> {
    let groups =
        nested_groups::table.filter(nested_groups::group_id.eq(group_id)).order(nested_groups::member_id);
    Ok(in_order(Vec::new(), tx.load(groups)?))
}

/// The members of one group that have one of these ids.
pub(super) fn of_group_among(
    tx: &mut ReadTx<'_>,
    group_id: &str,
    ids: &[String],
) -> Result<Vec<MemberRow>, DirectoryError> {
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for chunk in ids.chunks(CHUNK) {
        let rows = memberships::table.filter(memberships::group_id.eq(group_id));
        users.extend(rows.filter(memberships::user_id.eq_any(chunk)).load::<Row>(tx.connection())?);
        let rows = nested_groups::table.filter(nested_groups::group_id.eq(group_id));
        groups.extend(rows.filter(nested_groups::member_id.eq_any(chunk)).load::<Row>(tx.connection())?);
    }
    Ok(in_order(users, groups))
}

/// All members of the first of these groups, in their order: of as many groups as have few enough members together, of one at
/// the least.
///
/// # Errors
/// When the store fails.
pub fn members_of_first(
    tx: &mut ReadTx<'_>,
    group_ids: &[&str],
) -> Result<Vec<Vec<MemberRow>>, DirectoryError> {
    let (first, users) = first::of_first(
        group_ids,
        |(group_id, ..): &Row| group_id,
        |ids, most| {
            let users = memberships::table
                .filter(memberships::group_id.eq_any(ids))
                .order((memberships::group_id, memberships::user_id))
                .limit(most);
            Ok(users.load(tx.connection())?)
        },
    )?;
    // A tenant never has many groups in groups.
    let groups = nested_groups::table
        .filter(nested_groups::group_id.eq_any(first))
        .order((nested_groups::group_id, nested_groups::member_id))
        .load(tx.connection())?;
    let mut by_group: BTreeMap<String, Vec<MemberRow>> = BTreeMap::new();
    for row in in_order(users, groups) {
        by_group.entry(row.group_id.clone()).or_default().push(row);
    }
    Ok(first.iter().map(|id| by_group.remove(*id).unwrap_or_default()).collect())
}
