//! Users and groups as they are stored: one row each, in two tables of the same columns. [`in_table`] makes a query for each
//! table of one text.

use diesel::prelude::*;
use scim_core::{Document, ResourceKind};
use store::{ReadTx, WriteTx, in_chunks};

use crate::{DirectoryError, changes, origin::Origin, schema::users, standing::Standing};

/// One resource as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Record {
    /// UUIDv7, made here, never by a client.
    pub id: String,
    /// The canonical document as JSON text (see [`Document`]); a group's has no members.
    pub document: String,
    /// Grows by one with every change; that of a group also when its members change.
    pub version: i64,
    /// Milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Milliseconds since 1970 UTC; never decreases.
    pub modified_ms: i64,
    /// Of a user: the version that it had when it last went into or out of a group; 0: never. Such a change gives the group a
    /// new version, not the user.
    pub regrouped_version: i64,
    /// Of a user: the number of the change record of this version. Only a read knows it: the record is written after the user.
    pub changed_number: i64,
    /// Who it is of.
    pub origin: Origin,
    /// Since when, if not since it was made.
    pub origin_since_ms: Option<i64>,
    /// Of a user: what holds beside the document.
    pub standing: Standing,
}

impl Record {
    /// The document as a value.
    ///
    /// # Errors
    /// When the stored document is damaged.
    pub fn parse(&self) -> Result<Document, DirectoryError> {
        Document::from_stored(&self.document)
            .map_err(|e| DirectoryError::BadDocument { id: self.id.clone(), cause: e.to_string() })
    }

    /// Since when the origin holds, in milliseconds since 1970 UTC.
    #[must_use]
    pub fn of_origin_since_ms(&self) -> i64 {
        self.origin_since_ms.unwrap_or(self.created_ms)
    }

    pub(crate) fn next_version(&self, tx: &WriteTx<'_>) -> Self {
        Self { version: self.version + 1, modified_ms: tx.now_ms().max(self.modified_ms), ..self.clone() }
    }
}

/// The attribute that holds the name by which a resource is found.
pub(crate) fn name_attribute(kind: ResourceKind) -> &'static str {
    if kind == ResourceKind::User { "userName" } else { "displayName" }
}

/// Runs a query on the table of a kind: `in_table!(kind, |table| query)`. `in_table!(kind, |table, columns| query)` also has
/// the columns of a [`Record`]. A last argument is the result for a kind without a table, which is an error by default.
macro_rules! in_table {
    ($kind:expr, |$table:ident $(, $columns:ident)?| $query:expr) => {
        $crate::table::in_table!(
            $kind,
            |$table $(, $columns)?| $query,
            Err($crate::DirectoryError::NotStored($kind))
        )
    };
    ($kind:expr, |$table:ident $(, $columns:ident)?| $query:expr, $otherwise:expr) => {
        match $kind {
            scim_core::ResourceKind::User => {
                use $crate::schema::users as $table;
                $(let $columns = $crate::table::columns!(
                    $table,
                    $table::moved_mark,
                    $table::changed_number,
                    ($table::set_role, $table::set_role_by, $table::set_active, $table::held)
                );)?
                $query
            }
            scim_core::ResourceKind::Group => {
                use $crate::schema::groups as $table;
                $(let $columns = $crate::table::columns!(
                    $table,
                    0_i64.into_sql::<diesel::sql_types::BigInt>(),
                    0_i64.into_sql::<diesel::sql_types::BigInt>(),
                    (
                        None::<&'static str>.into_sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>(),
                        None::<&'static str>.into_sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>(),
                        None::<i64>.into_sql::<diesel::sql_types::Nullable<diesel::sql_types::BigInt>>(),
                        None::<&'static str>.into_sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>(),
                    )
                );)?
                $query
            }
            scim_core::ResourceKind::License
            | scim_core::ResourceKind::Role
            | scim_core::ResourceKind::Entitlement => $otherwise,
        }
    };
}

/// The columns of a [`Record`].
macro_rules! columns {
    ($table:ident, $regrouped:expr, $changed:expr, $standing:expr) => {
        (
            $table::id,
            $table::document,
            $table::version,
            $table::created_ms,
            $table::modified_ms,
            $regrouped,
            $changed,
            $table::origin,
            $table::origin_since_ms,
            $standing,
        )
    };
}

pub(crate) use {columns, in_table};

/// Up to so many values are asked for one by one: such statements stay prepared, those with a list are parsed each time.
pub(crate) const FEW: usize = 3;

/// The resource of this id.
///
/// # Errors
/// When the store fails.
pub fn find(tx: &mut ReadTx<'_>, kind: ResourceKind, id: &str) -> Result<Option<Record>, DirectoryError> {
    in_table!(kind, |table, columns| Ok(tx.get_result(table::table.find(id).select(columns)).optional()?))
}

/// Of these ids, the resources that are here, in any order.
///
/// # Errors
/// When the store fails.
pub fn find_all(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    ids: &[&str],
) -> Result<Vec<Record>, DirectoryError> {
    in_table!(kind, |table, columns| {
        Ok(in_chunks(ids, |ids| tx.load(table::table.filter(table::id.eq_any(ids)).select(columns)))?)
    })
}

/// Finds the resource and keeps its row from other writers until this transaction ends, so that of two concurrent changes
/// neither is lost.
///
/// # Errors
/// When the store fails.
pub fn find_for_update(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    id: &str,
) -> Result<Option<Record>, DirectoryError> {
    if tx.has_rivals() {
        // An update that changes nothing takes the row lock in portable SQL; the multi-connection has no `FOR UPDATE`.
        in_table!(kind, |table| Ok(tx.update(table::table.find(id), table::version.eq(table::version))?))?;
    }
    find(tx, kind, id)
}

/// Of these ids, the ones that are resources of this kind here, in any order.
///
/// # Errors
/// When the store fails.
pub fn existing(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    ids: &[&str],
) -> Result<Vec<String>, DirectoryError> {
    in_table!(kind, |table| {
        if ids.len() > FEW {
            return Ok(in_chunks(ids, |ids| {
                table::table.filter(table::id.eq_any(ids)).select(table::id).load(tx.connection())
            })?);
        }
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(tx.get_result::<String>(table::table.find(id).select(table::id)).optional()?);
        }
        Ok(found)
    })
}

/// Of these ids, the ones that are users here, and who they are of.
///
/// # Errors
/// When the store fails.
pub(crate) fn existing_users(
    tx: &mut ReadTx<'_>,
    ids: &[&str],
) -> Result<Vec<(String, Origin)>, DirectoryError> {
    let columns = (users::id, users::origin);
    if ids.len() > FEW {
        return Ok(in_chunks(ids, |ids| {
            users::table.filter(users::id.eq_any(ids)).select(columns).load(tx.connection())
        })?);
    }
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(tx.get_result::<(String, Origin)>(users::table.find(id).select(columns)).optional()?);
    }
    Ok(found)
}

/// Gives a resource its next version when the change is outside its document: a user's seat, a group's members.
///
/// # Errors
/// When the store fails.
pub fn touch(tx: &mut WriteTx<'_>, kind: ResourceKind, record: &Record) -> Result<Record, DirectoryError> {
    let next = record.next_version(tx);
    in_table!(kind, |table| {
        let target = table::table.find(&next.id);
        let changes = (table::version.eq(next.version), table::modified_ms.eq(next.modified_ms));
        // Users show a group's name, and it does not change with the members.
        match kind {
            ResourceKind::User => {
                tx.update(target, (changes, table::changed_number.eq(changes::next_number())))?
            }
            _ => tx.update(target, changes)?,
        };
        Ok(next)
    })
}

/// Gives a resource another origin. Its version is the caller's to change.
///
/// # Errors
/// When the store fails.
pub fn set_origin(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    record: &mut Record,
    origin: Origin,
) -> Result<(), DirectoryError> {
    record.origin = origin;
    record.origin_since_ms = Some(tx.now_ms());
    in_table!(kind, |table| {
        let columns = (table::origin.eq(origin.key()), table::origin_since_ms.eq(record.origin_since_ms));
        tx.update(table::table.find(&record.id), columns)?;
        Ok(())
    })
}
