//! The two tables of members: users, and groups in groups. A user or group that enters or leaves is marked, so that a
//! conditional GET of a user sees the current `groups`.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use scim_core::ResourceKind;
use store::{ReadTx, WriteTx, for_chunks, in_chunks};

use crate::{
    DirectoryError, changes,
    schema::{groups, memberships, nested_groups, users},
    table::FEW,
};

/// A member's `display`, or none, by the member's id.
pub(crate) type Displays = BTreeMap<String, Option<String>>;

/// Does something with the table of the members of a kind and the column of their ids.
macro_rules! in_members {
    ($kind:expr, |$table:ident, $member:ident| $work:expr) => {
        match $kind {
            ResourceKind::Group => {
                use nested_groups as $table;
                use nested_groups::member_id as $member;
                $work
            }
            _ => {
                use memberships as $table;
                use memberships::user_id as $member;
                $work
            }
        }
    };
}

/// Of these ids, the members of this kind.
pub(crate) fn present(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    group_id: &str,
    ids: &[&str],
) -> Result<Displays, DirectoryError> {
    in_members!(kind, |table, member| {
        let columns = (member, table::display);
        let mut present = Displays::new();
        if ids.len() <= FEW {
            for id in ids {
                let row = table::table.find((group_id, id)).select(columns);
                present.extend(tx.get_result::<(String, Option<String>)>(row).optional()?);
            }
            return Ok(present);
        }
        let rows = in_chunks(ids, |ids| {
            let rows = table::table.filter(table::group_id.eq(group_id));
            rows.filter(member.eq_any(ids)).select(columns).load(tx.connection())
        })?;
        present.extend(rows);
        Ok(present)
    })
}

/// All members of this kind.
pub(crate) fn all(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    group_id: &str,
) -> Result<Displays, DirectoryError> {
    in_members!(kind, |table, member| {
        let rows = table::table.filter(table::group_id.eq(group_id)).select((member, table::display));
        Ok(tx.load::<(String, Option<String>)>(rows)?.into_iter().collect())
    })
}

/// Makes a user or a group a member; whether a group may be is decided by [`crate::nesting::check`] when all changes are made.
pub(super) fn insert(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    group_id: &str,
    id: &str,
    display: Option<&str>,
) -> Result<(), DirectoryError> {
    if id == group_id {
        return Err(DirectoryError::GroupCycle(vec![id.to_owned()]));
    }
    in_members!(kind, |table, member| {
        let row = (table::group_id.eq(group_id), member.eq(id), table::display.eq(display));
        let inserted = tx.execute(diesel::insert_into(table::table).values(row));
        inserted.map(drop).map_err(|error| gone_meanwhile(error, id))
    })
}

/// A user whom another transaction deletes is there until that commits, and then the foreign key refuses the row (only
/// possible on PostgreSQL, which takes no further statement then: the request is refused even where unknown members are
/// skipped, and finds the user gone when it comes again).
fn gone_meanwhile(error: QueryError, id: &str) -> DirectoryError {
    match error {
        QueryError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
            DirectoryError::UnknownMembers(vec![id.to_owned()])
        }
        error => error.into(),
    }
}

/// Gives a member another `display`, or none.
pub(super) fn rename(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    group_id: &str,
    id: &str,
    display: Option<&str>,
) -> Result<(), DirectoryError> {
    in_members!(kind, |table, member| {
        let row = table::table.filter(table::group_id.eq(group_id)).filter(member.eq(id));
        tx.update(row, table::display.eq(display))?;
        Ok(())
    })
}

/// Takes these members out.
pub(super) fn remove(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    group_id: &str,
    ids: &[&str],
) -> Result<(), DirectoryError> {
    in_members!(kind, |table, member| {
        if ids.len() <= FEW {
            for id in ids {
                tx.execute(diesel::delete(table::table.find((group_id, id))))?;
            }
        } else {
            for_chunks(ids, |ids| {
                let rows = table::table.filter(table::group_id.eq(group_id));
                diesel::delete(rows.filter(member.eq_any(ids))).execute(tx.connection())
            })?;
        }
    });
    mark(tx, kind, ids)
}

/// Marks users or groups that entered or left a group.
pub(super) fn mark(tx: &mut WriteTx<'_>, kind: ResourceKind, ids: &[&str]) -> Result<(), DirectoryError> {
    if kind == ResourceKind::Group {
        return Ok(for_chunks(ids, |ids| {
            diesel::update(groups::table.filter(groups::id.eq_any(ids)))
                .set(groups::moved_mark.eq(changes::next_number()))
                .execute(tx.connection())
        })?);
    }
    if ids.len() <= FEW {
        for id in ids {
            tx.update(users::table.find(id), users::moved_mark.eq(users::version))?;
        }
        return Ok(());
    }
    Ok(for_chunks(ids, |ids| {
        diesel::update(users::table.filter(users::id.eq_any(ids)))
            .set(users::moved_mark.eq(users::version))
            .execute(tx.connection())
    })?)
}
