//! What is told of an undo.

use directory::resources::Record;
use serde::Serialize;
use serde_json::Value;

use crate::before_image::shown;

/// What came of an undo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// People and groups of whom something was given back.
    pub restored: usize,
    /// What was not, attribute by attribute.
    pub not_restored: Vec<NotRestored>,
}

/// One attribute that was not given back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NotRestored {
    /// The person's `userName`, or the group's `displayName`; null of a person of whom the log keeps no name.
    pub user_name: Option<String>,
    /// The id of the person or group.
    pub id: String,
    /// The attribute; `id` for the whole of it, `license` for the seat, `members` for a membership, `rule` for a rule that gives a
    /// group's members their role.
    pub attribute: String,
    /// A sentence.
    pub reason: String,
}

/// The resource that a row is about.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) id: String,
    pub(super) name: Option<String>,
}

impl About {
    /// The resource of this row.
    pub(super) fn of(record: &Record) -> Self {
        let document: Value = serde_json::from_str(&record.document).unwrap_or_default();
        let name = ["userName", "displayName"].into_iter().find_map(|name| {
            // A person may have a displayName too; the userName comes first.
            document.get(name).and_then(Value::as_str)
        });
        Self { id: record.id.clone(), name: name.map(str::to_owned) }
    }

    /// One that is not here, and of which nothing is kept.
    pub(super) fn unknown(id: &str) -> Self {
        Self { id: id.to_owned(), name: None }
    }
}

impl Undone {
    pub(super) fn not(&mut self, about: &About, attribute: &str, reason: impl Into<String>) {
        self.not_restored.push(NotRestored {
            user_name: about.name.clone(),
            id: about.id.clone(),
            attribute: shown(attribute).to_owned(),
            reason: reason.into(),
        });
    }
}

/// Why something was not given back.
pub(crate) const CHANGED_SINCE: &str = "It was changed since.";
pub(super) const MADE: &str = "It was made in this time; delete it if it is not wanted.";
pub(super) const HERE_AGAIN: &str = "It was deleted in this time, and is here again.";
pub(super) const NOT_HERE: &str = "It was deleted since, or nothing of it is kept.";
pub(super) const NOT_KEPT: &str = "What it was is not kept: the tenant's store was nearly full.";
pub(super) const NOT_KEPT_ANY_MORE: &str = "What it was is not kept any more.";
pub(super) const NO_SUCH_ATTRIBUTE: &str = "There is no such attribute any more.";
pub(super) const TAKEN: &str = "The former value is taken by another one now.";
