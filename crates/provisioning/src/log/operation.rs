//! What a write did, as the log tells it.

use strum::IntoStaticStr;

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
