//! Summaries of groups for the `groups` of users. The summary of a group is read once, however many users are in it.

use std::sync::Arc;

use diesel::prelude::*;
use store::ReadTx;

use crate::{DirectoryError, schema::groups};

/// Documents that are in memory at a time, for the names in them.
const DOCUMENTS: usize = 50;

/// One group as a user's `groups` shows it, shared by all users in it.
#[derive(Debug, PartialEq, Eq)]
pub struct GroupSummary {
    /// The group.
    pub id: String,
    /// Its name.
    pub display_name: Option<String>,
    /// The number of the change record of the last change of its name or of its place in other groups.
    pub changed_number: i64,
    /// Whether the group is or was in another group.
    pub(crate) leads_on: bool,
}

/// A group as it is stored: id, numbers of the changes that renamed and that moved it, document.
pub(super) type Row = (String, i64, i64, String);

pub(super) fn columns() -> (groups::id, groups::changed_number, groups::moved_mark, groups::document) {
    (groups::id, groups::changed_number, groups::moved_mark, groups::document)
}

pub(super) fn summary(row: Row) -> Arc<GroupSummary> {
    let (id, renamed, moved, document) = row;
    #[derive(serde::Deserialize)]
    struct Named {
        #[serde(rename = "displayName")]
        display_name: Option<String>,
    }
    let display_name = serde_json::from_str::<Named>(&document).ok().and_then(|named| named.display_name);
    Arc::new(GroupSummary { id, display_name, changed_number: renamed.max(moved), leads_on: moved > 0 })
}

/// The summaries of these groups.
pub(crate) fn summaries(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<Arc<GroupSummary>>, DirectoryError> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(DOCUMENTS) {
        let rows = groups::table.filter(groups::id.eq_any(chunk)).select(columns());
        found.extend(tx.load::<Row>(rows)?.into_iter().map(summary));
    }
    Ok(found)
}
