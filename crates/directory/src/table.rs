//! The two tables of resources, in the few questions that are asked of them. They have the same columns but for those of the
//! name and of the change records, so both are made by one macro. Public for the tests of this crate alone.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    reason = "public for the tests of this crate"
)]

use diesel::{prelude::*, sql_types::BigInt};
use scim_core::{
    ResourceKind,
    filter::{Filter, Op},
};
use store::{ReadTx, StoreBackend, WriteTx};

use crate::{
    DirectoryError, changes, key,
    resources::{Record, Row},
    schema::{groups, users},
    search::{
        column::{at, by_id, by_key, millis, text},
        leaf, like,
        plan::{combine, within},
        position::Position,
        times,
    },
};

pub use crate::search::{
    column::{Column, Direction, IndexScan},
    plan::{Condition, Plan},
};

/// A table of resources.
pub trait Table {
    const KIND: ResourceKind;
    /// The attribute that holds the name.
    const NAME: &'static str;
    /// A condition on a row, in SQL.
    type Predicate: 'static;

    fn find(tx: &mut ReadTx<'_>, id: &str) -> QueryResult<Record>;
    fn exists(tx: &mut ReadTx<'_>, id: &str) -> QueryResult<String>;
    /// Those of these ids that are here.
    fn existing(tx: &mut ReadTx<'_>, ids: &[&str]) -> QueryResult<Vec<String>>;
    /// Keeps the row from other writers. An update that changes nothing takes the row lock in portable SQL; the
    /// multi-connection has no `FOR UPDATE`.
    fn lock(tx: &mut WriteTx<'_>, id: &str) -> QueryResult<usize>;
    fn insert(tx: &mut WriteTx<'_>, record: &Record, row: &Row) -> QueryResult<usize>;
    /// Writes the columns of a changed document, with the number of the next change record if it is `numbered`.
    fn update(tx: &mut WriteTx<'_>, next: &Record, row: &Row, numbered: bool) -> QueryResult<usize>;
    /// Writes the next version alone.
    fn touch(tx: &mut WriteTx<'_>, next: &Record) -> QueryResult<usize>;
    fn delete(tx: &mut WriteTx<'_>, id: &str) -> QueryResult<usize>;

    /// What SQL can decide of a filter.
    fn plan(filter: &Filter) -> Plan<Self::Predicate>;
    /// What SQL can decide of a comparison with a text that both tables know.
    fn compare(is: &dyn Fn(&str, Option<&str>) -> bool, op: Op, text: &str) -> Plan<Self::Predicate>;
    /// Whether a stored document has this URN as a key. Quotes inside strings are escaped, so it finds keys only.
    fn holding(urn: &str) -> Self::Predicate;
    /// How many rows fulfil a condition.
    fn count(tx: &mut ReadTx<'_>, predicate: Self::Predicate) -> Result<i64, DirectoryError>;
    /// Whether a row has an externalId, the one column that may be empty, and fulfils a condition, if there is one.
    fn valued(predicate: Option<Self::Predicate>) -> Self::Predicate;
    /// The row that fulfils a condition on a unique key.
    fn one(tx: &mut ReadTx<'_>, predicate: Self::Predicate) -> Result<Option<Record>, DirectoryError>;
    /// Positions along a column, without documents.
    fn positions(
        tx: &mut ReadTx<'_>,
        predicate: Option<Self::Predicate>,
        scan: &IndexScan<'_>,
    ) -> Result<Vec<Position>, DirectoryError>;
    /// The rows of these ids, in any order.
    fn of_ids(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<Record>, DirectoryError>;
    /// The next rows beyond an id, in the order of ids, that fulfil a condition, if there is one.
    fn batch(
        tx: &mut ReadTx<'_>,
        predicate: Option<Self::Predicate>,
        beyond: Option<&str>,
        direction: Direction,
        limit: i64,
    ) -> Result<Vec<Record>, DirectoryError>;
}

/// The users of a tenant.
#[derive(Debug)]
pub struct Users;

/// The groups of a tenant.
#[derive(Debug)]
pub struct Groups;

/// Does something with the table of a kind: `in_table!(kind, T => work)`, or `in_table!(kind, T => work, otherwise)`.
macro_rules! in_table {
    ($kind:expr, $table:ident => $work:expr) => {
        $crate::table::in_table!($kind, $table => $work, Err($crate::DirectoryError::NotStored($kind)))
    };
    ($kind:expr, $table:ident => $work:expr, $otherwise:expr) => {
        match $kind {
            scim_core::ResourceKind::User => {
                type $table = $crate::table::Users;
                $work
            }
            scim_core::ResourceKind::Group => {
                type $table = $crate::table::Groups;
                $work
            }
            scim_core::ResourceKind::License | scim_core::ResourceKind::Role => $otherwise,
        }
    };
}

pub(crate) use in_table;

/// `table!(type, table, kind, name's attribute, name's key, name's text, the columns that the next change record's number and
/// nothing go into, columns of the two numbers of a record, leaf, name)`: `leaf` plans what is no `and`, `or` or `not`, and
/// `name` a comparison of the name.
macro_rules! table {
    (
        $type:ident, $table:ident, $kind:ident, $attribute:literal,
        ($name_key:ident, $name_folded:ident, $number:ident, $zero:ident),
        ($regrouped:expr, $changed:expr), $leaf:path, $name:path
    ) => {
        impl Table for $type {
            const KIND: ResourceKind = ResourceKind::$kind;
            const NAME: &'static str = $attribute;
            type Predicate = Condition<$table::table>;

            fn find(tx: &mut ReadTx<'_>, id: &str) -> QueryResult<Record> {
                tx.get_result($table::table.find(id).select(record!($table, $regrouped, $changed)))
            }

            fn exists(tx: &mut ReadTx<'_>, id: &str) -> QueryResult<String> {
                tx.get_result($table::table.find(id).select($table::id))
            }

            fn existing(tx: &mut ReadTx<'_>, ids: &[&str]) -> QueryResult<Vec<String>> {
                $table::table.filter($table::id.eq_any(ids)).select($table::id).load(tx.connection())
            }

            fn lock(tx: &mut WriteTx<'_>, id: &str) -> QueryResult<usize> {
                tx.update($table::table.find(id), $table::version.eq($table::version))
            }

            fn insert(tx: &mut WriteTx<'_>, record: &Record, row: &Row) -> QueryResult<usize> {
                let row = (
                    $table::id.eq(&record.id),
                    $table::$name_key.eq(&row.name_key),
                    $table::$name_folded.eq(&row.name_folded),
                    $table::external_id_key.eq(&row.external_id_key),
                    $table::document.eq(&record.document),
                    $table::version.eq(record.version),
                    $table::created_ms.eq(record.created_ms),
                    $table::modified_ms.eq(record.modified_ms),
                    $table::$number.eq(changes::next_number()),
                    $table::$zero.eq(0),
                );
                tx.execute(diesel::insert_into($table::table).values(row))
            }

            fn update(tx: &mut WriteTx<'_>, next: &Record, row: &Row, numbered: bool) -> QueryResult<usize> {
                let target = $table::table.find(&next.id);
                let changes = (
                    $table::$name_key.eq(&row.name_key),
                    $table::$name_folded.eq(&row.name_folded),
                    $table::external_id_key.eq(&row.external_id_key),
                    $table::document.eq(&row.document),
                    $table::version.eq(next.version),
                    $table::modified_ms.eq(next.modified_ms),
                );
                match numbered {
                    true => tx.update(target, (changes, $table::$number.eq(changes::next_number()))),
                    false => tx.update(target, changes),
                }
            }

            fn touch(tx: &mut WriteTx<'_>, next: &Record) -> QueryResult<usize> {
                let target = $table::table.find(&next.id);
                let changes = ($table::version.eq(next.version), $table::modified_ms.eq(next.modified_ms));
                // What is shown of a group elsewhere does not change with its members.
                match Self::KIND {
                    ResourceKind::User => {
                        tx.update(target, (changes, $table::$number.eq(changes::next_number())))
                    }
                    _ => tx.update(target, changes),
                }
            }

            fn delete(tx: &mut WriteTx<'_>, id: &str) -> QueryResult<usize> {
                tx.execute(diesel::delete($table::table.find(id)))
            }

            fn plan(filter: &Filter) -> Plan<Self::Predicate> {
                combine(filter, &$leaf)
            }

            fn compare(is: &dyn Fn(&str, Option<&str>) -> bool, op: Op, text: &str) -> Plan<Self::Predicate> {
                match op {
                    Op::Eq if is("id", None) => Plan::one(Box::new($table::id.eq(text.to_owned()))),
                    _ if is(Self::NAME, None) => $name(op, text),
                    Op::Eq if is("externalId", None) => {
                        let equal = $table::external_id_key.eq(key::exact(text).into_owned());
                        let equal = equal.assume_not_null();
                        Plan::by_index(Box::new($table::external_id_key.is_not_null().and(equal)))
                    }
                    _ if is("meta", Some("lastModified")) => {
                        times::compare(op, text, |from, to| -> Self::Predicate {
                            Box::new($table::modified_ms.between(from, to))
                        })
                    }
                    _ if is("meta", Some("created")) => {
                        times::compare(op, text, |from, to| -> Self::Predicate {
                            Box::new($table::created_ms.between(from, to))
                        })
                    }
                    _ => Plan::none(),
                }
            }

            fn holding(urn: &str) -> Self::Predicate {
                let pattern = like::pattern(Op::Co, &format!("\"{urn}\":")).unwrap_or_default();
                Box::new($table::document.like(pattern).escape(like::ESCAPE))
            }

            fn count(tx: &mut ReadTx<'_>, predicate: Self::Predicate) -> Result<i64, DirectoryError> {
                Ok($table::table.filter(predicate).count().get_result(tx.connection())?)
            }

            fn valued(predicate: Option<Self::Predicate>) -> Self::Predicate {
                within($table::external_id_key.is_not_null(), predicate)
            }

            fn one(
                tx: &mut ReadTx<'_>,
                predicate: Self::Predicate,
            ) -> Result<Option<Record>, DirectoryError> {
                let row = $table::table.filter(predicate).select(record!($table, $regrouped, $changed));
                Ok(row.get_result(tx.connection()).optional()?)
            }

            fn positions(
                tx: &mut ReadTx<'_>,
                predicate: Option<Self::Predicate>,
                scan: &IndexScan<'_>,
            ) -> Result<Vec<Position>, DirectoryError> {
                use scim_core::sort::SortKey::Text;
                Ok(match scan.column {
                    Column::Id => by_id!($table, tx, predicate, scan),
                    Column::Name => by_key!($table, $table::$name_key, Text, text, tx, predicate, scan),
                    Column::ExternalId if scan.valued => {
                        let valued = Self::valued(predicate);
                        let column = $table::external_id_key.assume_not_null();
                        by_key!($table, column, Text, text, tx, Some(valued), scan)
                    }
                    Column::ExternalId => {
                        let missing = within($table::external_id_key.is_null(), predicate);
                        by_id!($table, tx, Some(missing), scan)
                    }
                    Column::Created => by_key!($table, $table::created_ms, at, millis, tx, predicate, scan),
                    Column::Modified => by_key!($table, $table::modified_ms, at, millis, tx, predicate, scan),
                })
            }

            fn of_ids(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<Record>, DirectoryError> {
                let rows = $table::table.filter($table::id.eq_any(ids));
                Ok(tx.load(rows.select(record!($table, $regrouped, $changed)))?)
            }

            fn batch(
                tx: &mut ReadTx<'_>,
                predicate: Option<Self::Predicate>,
                beyond: Option<&str>,
                direction: Direction,
                limit: i64,
            ) -> Result<Vec<Record>, DirectoryError> {
                let columns = record!($table, $regrouped, $changed);
                let mut rows = $table::table.select(columns).into_boxed::<StoreBackend>();
                if let Some(predicate) = predicate {
                    rows = rows.filter(predicate);
                }
                rows = match (beyond, direction) {
                    (Some(id), Direction::Up) => rows.filter($table::id.gt(id.to_owned())),
                    (Some(id), Direction::Down) => rows.filter($table::id.lt(id.to_owned())),
                    (None, _) => rows,
                };
                rows = match direction {
                    Direction::Up => rows.order($table::id.asc()),
                    Direction::Down => rows.order($table::id.desc()),
                };
                Ok(rows.limit(limit).load(tx.connection())?)
            }
        }
    };
}

/// The columns that a [`Record`] is made of.
macro_rules! record {
    ($table:ident, $regrouped:expr, $changed:expr) => {
        (
            $table::id,
            $table::document,
            $table::version,
            $table::created_ms,
            $table::modified_ms,
            $regrouped,
            $changed,
        )
    };
}

table!(
    Users,
    users,
    User,
    "userName",
    (user_name_key, user_name_folded, changed_number, regrouped_version),
    (users::regrouped_version, users::changed_number),
    leaf::user,
    leaf::user_name
);
table!(
    Groups,
    groups,
    Group,
    "displayName",
    (display_name_key, display_name_folded, renamed_number, moved_number),
    (0_i64.into_sql::<BigInt>(), 0_i64.into_sql::<BigInt>()),
    leaf::group,
    leaf::display_name
);
