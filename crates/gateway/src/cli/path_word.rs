//! Words that become segments of an admin URL: only letters that mean the same there. Which of them exist is for the gateway
//! to say.

use std::{fmt, str::FromStr};

/// A company key or an id: letters, digits, `-` and `_`. Blanks around it are cut off, because keys are pasted (MC7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathWord(String);

/// A token's id, as `usher token list` shows it.
pub(super) type KeyId = PathWord;

/// A region's code, in any letter case (MC3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region(PathWord);

/// A schema's URN: letters that stand in a path as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Urn(String);

impl FromStr for Urn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let urn = text.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let is_urn = urn.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        if is_urn && urn.len() <= 200 && urn.chars().all(fits) {
            Ok(Self(urn.to_owned()))
        } else {
            Err("give a URN, such as urn:example:hr:2.0:User".into())
        }
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PathWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if (1..=128).contains(&word.len()) && word.chars().all(fits) {
            Ok(Self(word.to_owned()))
        } else {
            Err("give letters, digits and hyphens only".into())
        }
    }
}

impl FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.to_ascii_lowercase().parse().map(Self)
    }
}

impl PathWord {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Region {
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for PathWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
