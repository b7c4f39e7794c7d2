//! Which groups a user is in (RFC 7643 §4.1.2, `groups`): directly, and through groups in groups. Where none of its groups
//! was ever in another, nothing more is read than those.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde_json::{Map, Value};
use store::ReadTx;

use super::CHUNK;
use crate::{
    DirectoryError,
    nesting::Above,
    schema::{groups, memberships},
};

/// One group of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOfUser {
    /// The user.
    pub user_id: String,
    /// The group.
    pub group_id: String,
    /// Whether the user itself is a member, whatever else it is a member through.
    pub direct: bool,
    /// Since when the group's name and its place in other groups are what they are, in milliseconds since 1970 UTC.
    pub told_ms: i64,
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
        group.insert("type".into(), if self.direct { "direct" } else { "indirect" }.into());
        Value::Object(group)
    }
}

/// A group that somebody or another group is a member of.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct Place {
    /// The user or the group.
    pub(crate) member_id: String,
    pub(crate) group_id: String,
    pub(crate) renamed_ms: i64,
    pub(crate) moved_ms: i64,
    pub(crate) document: String,
}

impl Place {
    /// Whether the group is or was in another group.
    pub(crate) fn leads_on(&self) -> bool {
        self.moved_ms > 0
    }

    fn told(self, user_id: String, direct: bool) -> GroupOfUser {
        GroupOfUser {
            user_id,
            direct,
            told_ms: self.renamed_ms.max(self.moved_ms),
            group_id: self.group_id,
            document: self.document,
        }
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
        .select((memberships::user_id, groups::id, groups::renamed_ms, groups::moved_ms, groups::document));
    let direct: Vec<Place> = tx.load(rows)?;
    let above = Above::of(tx, &direct)?;
    Ok(with_indirect(direct, &above))
}

/// The groups of these users, by user.
///
/// # Errors
/// When the store fails.
pub fn of_users(
    tx: &mut ReadTx<'_>,
    user_ids: &[&str],
) -> Result<BTreeMap<String, Vec<GroupOfUser>>, DirectoryError> {
    let mut direct: Vec<Place> = Vec::new();
    for chunk in user_ids.chunks(CHUNK) {
        let rows = memberships::table
            .inner_join(groups::table)
            .filter(memberships::user_id.eq_any(chunk))
            .order((memberships::user_id, memberships::group_id))
            .select((
                memberships::user_id,
                groups::id,
                groups::renamed_ms,
                groups::moved_ms,
                groups::document,
            ));
        direct.extend(rows.load::<Place>(tx.connection())?);
    }
    let above = Above::of(tx, &direct)?;
    let mut by_user: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for place in direct {
        by_user.entry(place.member_id.clone()).or_default().push(place);
    }
    Ok(by_user.into_iter().map(|(user_id, direct)| (user_id, with_indirect(direct, &above))).collect())
}

/// One user's groups: those it is a member of, and what they are in. A group that is both is told as direct.
fn with_indirect(direct: Vec<Place>, above: &Above) -> Vec<GroupOfUser> {
    let Some(user_id) = direct.first().map(|place| place.member_id.clone()) else { return Vec::new() };
    let indirect = above.beyond(&direct);
    let sorted = indirect.is_empty();
    let told = |direct| {
        let user_id = user_id.clone();
        move |place: Place| place.told(user_id.clone(), direct)
    };
    let mut groups: Vec<GroupOfUser> =
        direct.into_iter().map(told(true)).chain(indirect.into_iter().map(told(false))).collect();
    if !sorted {
        groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
    }
    groups
}
