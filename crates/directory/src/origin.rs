//! The origin of a row: an identity provider, or staff.

use diesel::{backend::Backend, deserialize::FromStaticSqlRow, prelude::*, sql_types::Text};

/// Who made a user, a group or a membership, or has taken it over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// An identity provider.
    #[default]
    Idp,
    /// Staff.
    Local,
}

impl Origin {
    /// The word in responses and tables.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Idp => "IDP",
            Self::Local => "LOCAL",
        }
    }

    /// The origin of this word. A `CHECK` lets no third one rest.
    #[must_use]
    pub fn of_key(key: &str) -> Self {
        if key == Self::Local.key() { Self::Local } else { Self::Idp }
    }
}

impl<DB: Backend> Queryable<Text, DB> for Origin
where
    String: FromStaticSqlRow<Text, DB>,
{
    type Row = String;

    fn build(key: String) -> diesel::deserialize::Result<Self> {
        Ok(Self::of_key(&key))
    }
}
