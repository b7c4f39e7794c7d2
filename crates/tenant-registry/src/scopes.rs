//! What a credential may do: read, write users, write groups.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray, VariantNames};

/// One thing that a credential may do.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
    VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Scope {
    /// Every GET and every search.
    Read,
    /// Writes of users.
    Users,
    /// Writes of groups.
    Groups,
}

/// The scopes of a credential, at least one, in the order of [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// All of them.
    pub const ALL: Self = Self(0b111);

    /// These; `None` for no scope at all.
    #[must_use]
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Option<Self> {
        let bits = scopes.into_iter().fold(0, |bits, scope| bits | bit(scope));
        (bits != 0).then_some(Self(bits))
    }

    /// Reads words with blanks between them, as they are stored and as OAuth has them; `None` for none and for an unknown word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let scopes: Result<Vec<Scope>, _> = text.split_ascii_whitespace().map(str::parse).collect();
        Self::new(scopes.ok()?)
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// Those that are in both; `None` for none.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        let both = self.0 & other.0;
        (both != 0).then_some(Self(both))
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        <Scope as VariantArray>::VARIANTS.iter().copied().filter(move |scope| self.has(*scope))
    }
}

fn bit(scope: Scope) -> u8 {
    match scope {
        Scope::Read => 0b001,
        Scope::Users => 0b010,
        Scope::Groups => 0b100,
    }
}

/// With blanks between them.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Into::into).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_stored_as_words_in_one_order() {
        assert_eq!(Scopes::ALL.to_string(), "read users groups");
        assert_eq!(Scopes::parse("read users groups"), Some(Scopes::ALL));
        let some = Scopes::parse(" groups read read").unwrap();
        assert_eq!(some.to_string(), "read groups");
        assert!(some.has(Scope::Read) && some.has(Scope::Groups) && !some.has(Scope::Users));
        for text in ["", " ", "write", "read,users", "Read"] {
            assert_eq!(Scopes::parse(text), None, "{text}");
        }
    }
}
