//! What holds of a person beside the document: what was chosen here instead of by the identity provider, and which effect of the
//! document waits. It rests in columns of the user's row, so that reading it costs no query.

use diesel::{
    backend::Backend,
    deserialize::FromStaticSqlRow,
    prelude::*,
    sql_types::{BigInt, Nullable, Text},
};
use store::{ReadTx, WriteTx};

use crate::{DirectoryError, schema::users};

/// What holds of a person beside the document; of nearly everybody nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// A role that was chosen here.
    pub role: Option<ChosenRole>,
    /// Whether the person is active, where that was chosen here.
    pub active: Option<bool>,
    /// Why the document's effect on seat and role waits.
    pub held: Option<Held>,
}

/// A role that the document does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenRole {
    /// The role.
    pub role: String,
    /// Who chose it.
    pub by: ChosenBy,
}

/// The one who chose a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenBy {
    /// Staff.
    Staff,
    /// The profile, for a person who came back.
    Reactivation,
}

/// The reasons for which the effect of a document waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The profile protects the person.
    Protected,
    /// There would be no active admin.
    LastAdmin,
    /// Too many people of a group would lose their seats at once.
    GroupWipe,
    /// Too many people of the tenant have lost their access in a short time.
    Breaker,
}

impl ChosenBy {
    const ALL: [Self; 2] = [Self::Staff, Self::Reactivation];

    /// The one of this word.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.key() == key)
    }

    /// The word in tables.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Reactivation => "reactivation",
        }
    }
}

impl Held {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Protected, Self::LastAdmin, Self::GroupWipe, Self::Breaker];

    /// The word in responses and tables.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::LastAdmin => "last_admin",
            Self::GroupWipe => "group_wipe",
            Self::Breaker => "breaker",
        }
    }
}

/// The columns as they rest.
pub(crate) type Row = (Option<String>, Option<String>, Option<i64>, Option<String>);

type SqlRow = (Nullable<Text>, Nullable<Text>, Nullable<BigInt>, Nullable<Text>);

impl<DB: Backend> Queryable<SqlRow, DB> for Standing
where
    Row: FromStaticSqlRow<SqlRow, DB>,
{
    type Row = Row;

    fn build(row: Row) -> diesel::deserialize::Result<Self> {
        Ok(Self::of_row(row))
    }
}

impl Standing {
    pub(crate) fn of_row(row: Row) -> Self {
        let (role, by, active, held) = row;
        let by = by.and_then(|key| ChosenBy::of_key(&key));
        Self {
            role: role.zip(by).map(|(role, by)| ChosenRole { role, by }),
            active: active.map(|active| active != 0),
            held: held.and_then(|key| Held::ALL.into_iter().find(|held| held.key() == key)),
        }
    }

    /// Whether everything is as the document says.
    #[must_use]
    pub fn is_ordinary(&self) -> bool {
        *self == Self::default()
    }
}

/// Writes what holds of a person. The version is the caller's to change.
///
/// # Errors
/// When the store fails.
pub fn write(tx: &mut WriteTx<'_>, id: &str, standing: &Standing) -> Result<(), DirectoryError> {
    let columns = (
        users::set_role.eq(standing.role.as_ref().map(|chosen| chosen.role.clone())),
        users::set_role_by.eq(standing.role.as_ref().map(|chosen| chosen.by.key())),
        users::set_active.eq(standing.active.map(i64::from)),
        users::held.eq(standing.held.map(Held::key)),
    );
    tx.update(users::table.find(id), columns)?;
    Ok(())
}

/// The people whose effect waits for this reason, by their ids, at most `most`.
///
/// # Errors
/// When the store fails.
pub fn held_for(tx: &mut ReadTx<'_>, why: Held, most: i64) -> Result<Vec<String>, DirectoryError> {
    let people = users::table.filter(users::held.eq(why.key())).order(users::id).select(users::id);
    Ok(people.limit(most).load(tx.connection())?)
}
