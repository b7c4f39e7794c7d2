//! The members of a group: users and groups, in the order of their ids.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use scim_core::ResourceKind;
use store::ReadTx;

use super::{first, link::Link};
use crate::{
    DirectoryError,
    origin::Origin,
    schema::{memberships, nested_groups},
};

/// One member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The group it belongs to.
    pub group_id: String,
    /// The user or the group.
    pub member_id: String,
    /// As the identity provider sent it, never invented.
    pub display: Option<String>,
    /// User or group. The id decides; the `type` that a client sends is ignored.
    pub kind: ResourceKind,
}

impl MemberRow {
    /// Adds the JSON text of the member as RFC 7643 §4.2 shows it; `base` is the tenant's base URL, such as `https://…/scim/v2`.
    pub fn write(&self, text: &mut String, base: &str) {
        let (id, of, display) = (&self.member_id, self.kind, self.display.as_deref());
        Link { id, of, display, kind: of.name() }.write(text, base);
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
        of_kind(users, ResourceKind::User).chain(of_kind(groups, ResourceKind::Group)).collect();
    members.sort_by(|a, b| (&a.group_id, &a.member_id).cmp(&(&b.group_id, &b.member_id)));
    members
}

/// Members of one group that a small read takes of each kind.
const FEW_MEMBERS: usize = 500;

/// All members of one group, in the order of their ids.
///
/// # Errors
/// When the store fails; `LargeRead` when a small read meets many members.
pub fn of_group(tx: &mut ReadTx<'_>, group_id: &str) -> Result<Vec<MemberRow>, DirectoryError> {
    let users = memberships::table.filter(memberships::group_id.eq(group_id)).order(memberships::user_id);
    let columns = (memberships::group_id, memberships::user_id, memberships::display);
    let users = tx.load_few(users.select(columns), FEW_MEMBERS)?;
    let groups =
        nested_groups::table.filter(nested_groups::group_id.eq(group_id)).order(nested_groups::member_id);
    let columns = (nested_groups::group_id, nested_groups::member_id, nested_groups::display);
    let groups = tx.load_few(groups.select(columns), FEW_MEMBERS)?;
    Ok(in_order(users, groups))
}

/// The users whose membership of the group is of staff.
///
/// # Errors
/// When the store fails.
pub fn local_of_group(tx: &mut ReadTx<'_>, group_id: &str) -> Result<BTreeSet<String>, DirectoryError> {
    let local = memberships::table
        .filter(memberships::group_id.eq(group_id))
        .filter(memberships::origin.eq(Origin::Local.key()))
        .select(memberships::user_id);
    Ok(tx.load::<String>(local)?.into_iter().collect())
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
                .select((memberships::group_id, memberships::user_id, memberships::display));
            Ok(tx.load_first(users, most)?)
        },
    )?;
    // A tenant never has many groups in groups.
    let groups = nested_groups::table
        .filter(nested_groups::group_id.eq_any(first))
        .order((nested_groups::group_id, nested_groups::member_id))
        .select((nested_groups::group_id, nested_groups::member_id, nested_groups::display));
    let groups = tx.load(groups)?;
    let mut by_group: BTreeMap<String, Vec<MemberRow>> = BTreeMap::new();
    for row in in_order(users, groups) {
        by_group.entry(row.group_id.clone()).or_default().push(row);
    }
    Ok(first.iter().map(|id| by_group.remove(*id).unwrap_or_default()).collect())
}
