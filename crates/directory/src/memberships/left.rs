//! The groups that a person was in: kept when the person is removed, and given back.

use diesel::prelude::*;
use scim_core::ResourceKind;
use serde::{Deserialize, Serialize};
use store::{ReadTx, WriteTx};

use super::{LeftGroup, groupless, rows, touch_all};
use crate::{DirectoryError, origin::Origin, schema::memberships};

/// A membership that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    group: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    is_local: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Left {
    /// The group.
    #[must_use]
    pub fn group_id(&self) -> &str {
        &self.group
    }

    pub(crate) fn to_text(all: &[Self]) -> String {
        serde_json::to_string(all).unwrap_or_default()
    }

    pub(crate) fn of_text(text: &str) -> serde_json::Result<Vec<Self>> {
        serde_json::from_str(text)
    }
}

/// The memberships of a person.
///
/// # Errors
/// When the store fails.
pub fn of_person(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Vec<Left>, DirectoryError> {
    let own = memberships::table.filter(memberships::user_id.eq(user_id)).order(memberships::group_id);
    let columns = (memberships::group_id, memberships::display, memberships::origin);
    let rows: Vec<(String, Option<String>, Origin)> = tx.load(own.select(columns))?;
    let left = |(group, display, origin)| Left { group, display, is_local: origin == Origin::Local };
    Ok(rows.into_iter().map(left).collect())
}

/// A person who is put back into a group.
#[derive(Clone, Copy, Debug)]
pub struct Back<'a> {
    /// The person.
    pub user_id: &'a str,
    /// The membership.
    pub left: &'a Left,
}

/// Puts people, who are in none of their groups, back into one group, which gets a new version; `None` where the group is not here any
/// more.
///
/// # Errors
/// When the store fails.
pub fn put_back(
    tx: &mut WriteTx<'_>,
    group_id: &str,
    people: &[Back<'_>],
) -> Result<Option<LeftGroup>, DirectoryError> {
    let kind = ResourceKind::User;
    let Some(group) = touch_all(tx, vec![(group_id.to_owned(), None)])?.pop() else { return Ok(None) };
    for Back { user_id, left } in people {
        rows::insert(tx, kind, group_id, user_id, left.display.as_deref())?;
        if left.is_local {
            let row = memberships::table.find((group_id, *user_id));
            tx.update(row, memberships::origin.eq(Origin::Local.key()))?;
        }
    }
    let ids: Vec<&str> = people.iter().map(|back| back.user_id).collect();
    rows::mark(tx, kind, &ids)?;
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    groupless::note_entered(tx, &ids)?;
    Ok(Some(group))
}
