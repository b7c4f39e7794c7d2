//! The provisioning log: one row for each answered write of a person or a group. That of a write which changed something is its change
//! record; that of a refused one is written soon after the answer. No row holds the value of an attribute other than role and license.

mod names;
mod refused;
mod row;
mod sender;

pub use names::{About, about_person};
pub use refused::{Refused, record_refused};
pub use row::row;
pub use sender::{Idp, Sender};

use scim_core::leniency::Leniency;
use strum::{IntoStaticStr, VariantArray};

use crate::outcome::Verdict;

pub(crate) use names::{Person, forget};
pub(crate) use sender::STAFF;

/// What came of a write, as the log tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum LogResult {
    /// It was carried out.
    Applied,
    /// It says what is so already.
    NoChange,
    /// It was refused.
    Refused,
    /// It is stored, and its effect waits.
    Held,
    /// A person who was here before was taken over, or is back.
    Linked,
}

impl LogResult {
    /// Every result.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

impl From<Verdict> for LogResult {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Applied | Verdict::Archived => Self::Applied,
            Verdict::NoChange => Self::NoChange,
            Verdict::Held => Self::Held,
            Verdict::Linked | Verdict::Revived => Self::Linked,
        }
    }
}

/// The operation of a row: what a request or an act of staff did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Operation {
    Create,
    Replace,
    Update,
    Delete,
}

impl Operation {
    /// The operation of a record with this word.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "create" | "add" => Self::Create,
            "replace" => Self::Replace,
            "delete" => Self::Delete,
            _ => Self::Update,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        self.into()
    }
}

/// Names of leniencies that a row holds at the most, and characters of the name of an attribute that no schema knows.
const MOST_NAMES: usize = 20;
const LONGEST_NAME: usize = 100;

/// The kinds of these leniencies, each once.
pub(crate) fn kinds<'a>(met: impl Iterator<Item = &'a (Leniency, String)>) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for (leniency, _) in met {
        if !kinds.contains(&leniency.kind()) {
            kinds.push(leniency.kind());
        }
    }
    kinds
}

/// The names of attributes that no schema knows, as far as they look like names.
pub(crate) fn unknown_names<'a>(met: impl Iterator<Item = &'a (Leniency, String)>) -> Vec<&'a str> {
    let is_name = |name: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-' | '$');
        !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(fits)
    };
    let unknown = met.filter(|(kind, name)| *kind == Leniency::UnknownAttribute && is_name(name));
    let mut names: Vec<&str> = unknown.map(|(_, name)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(MOST_NAMES);
    names
}
