//! What came of a write, as the log tells it.

use strum::{IntoStaticStr, VariantArray};

use crate::outcome::Verdict;

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
