//! Which groups a user is in (RFC 7643 §4.1.2, `groups`): directly, and through groups in groups. Where none of its groups
//! was ever in another, only those are read.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use diesel::prelude::*;
use scim_core::ResourceKind;
use store::ReadTx;

use super::{
    first,
    link::Link,
    summaries::{GroupSummary, Row, columns, summaries, summary},
};
use crate::{
    DirectoryError,
    nesting::Above,
    schema::{groups, memberships},
};

/// Groups of one user that are read at once with their documents: as many as most people are in.
const FEW_GROUPS: usize = 16;

/// One group of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOfUser {
    /// The group.
    pub group: Arc<GroupSummary>,
    /// Whether the user itself is a member. It may also be one through other groups.
    pub direct: bool,
}

impl GroupOfUser {
    /// Adds the JSON text of the group as a user's `groups` shows it; `base` is the tenant's base URL, such as `https://…/scim/v2`.
    pub fn write(&self, text: &mut String, base: &str) {
        let GroupSummary { id, display_name, .. } = &*self.group;
        let kind = if self.direct { "direct" } else { "indirect" };
        Link { id, of: ResourceKind::Group, display: display_name.as_deref(), kind }.write(text, base);
    }
}

/// The groups of one user, in the order of their ids. A small read takes one query.
///
/// # Errors
/// When the store fails; `LargeRead` when the user is in many groups, or one of them is or was in another group.
pub fn of_user(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<GroupOfUser>, DirectoryError> {
    let rows = memberships::table
        .inner_join(groups::table)
        .filter(memberships::user_id.eq(user_id))
        .order(memberships::group_id)
        .select(columns());
    let rows: Vec<Row> = tx.load_first(rows, FEW_GROUPS + 1)?;
    if rows.len() > FEW_GROUPS {
        tx.allow_large()?;
        return Ok(of_first(tx, &[user_id])?.pop().unwrap_or_default());
    }
    let direct: Vec<Arc<GroupSummary>> = rows.into_iter().map(summary).collect();
    if direct.iter().any(|group| group.leads_on) {
        tx.allow_large()?;
    }
    let above = Above::of(tx, &direct)?;
    Ok(with_indirect(direct, &above))
}

/// The groups of the first of these users, in their order: of as many users as are in few enough groups together, of one at
/// the least.
///
/// # Errors
/// When the store fails.
pub fn of_first(tx: &mut ReadTx<'_>, user_ids: &[&str]) -> Result<Vec<Vec<GroupOfUser>>, DirectoryError> {
    let (first, rows) = first::of_first(
        user_ids,
        |(user_id, _): &(String, String)| user_id,
        |ids, most| {
            let rows = memberships::table
                .filter(memberships::user_id.eq_any(ids))
                .order((memberships::user_id, memberships::group_id))
                .select((memberships::user_id, memberships::group_id));
            Ok(tx.load_first(rows, most)?)
        },
    )?;
    let group_ids: BTreeSet<&str> = rows.iter().map(|(_, group_id)| group_id.as_str()).collect();
    let direct = summaries(tx, &Vec::from_iter(group_ids))?;
    let above = Above::of(tx, &direct)?;
    let by_id: HashMap<&str, &Arc<GroupSummary>> =
        direct.iter().map(|group| (group.id.as_str(), group)).collect();
    let mut by_user: BTreeMap<&str, Vec<Arc<GroupSummary>>> = BTreeMap::new();
    for (user_id, group_id) in &rows {
        by_user.entry(user_id).or_default().extend(by_id.get(group_id.as_str()).copied().cloned());
    }
    Ok(first.iter().map(|id| with_indirect(by_user.remove(id).unwrap_or_default(), &above)).collect())
}

/// One user's groups: those that it is a member of, and the groups above them. A group that is both is shown as direct.
fn with_indirect(direct: Vec<Arc<GroupSummary>>, above: &Above) -> Vec<GroupOfUser> {
    let indirect = above.beyond(&direct);
    let sorted = indirect.is_empty();
    let of_user = |direct| move |group| GroupOfUser { group, direct };
    let mut groups: Vec<GroupOfUser> =
        direct.into_iter().map(of_user(true)).chain(indirect.into_iter().map(of_user(false))).collect();
    if !sorted {
        groups.sort_by(|a, b| a.group.id.cmp(&b.group.id));
    }
    groups
}
