//! When people had another role than before: enough to see that two groups, or two identity providers, give one person two roles in
//! turn (MO19).

use diesel::{
    dsl::{count_star, min},
    prelude::*,
};
use store::{ReadTx, WriteTx, insert_row, next};

use crate::{DirectoryError, schema::role_changes};

/// Notes that a person has another role now. On PostgreSQL the caller has taken the tenant's turn, as for a change record.
///
/// # Errors
/// When the store fails.
pub fn note(tx: &mut WriteTx<'_>, user_id: &str) -> Result<(), DirectoryError> {
    insert_row!(
        tx,
        role_changes::table,
        role_changes::number = next(role_changes::table, role_changes::number),
        role_changes::at_ms = tx.now_ms(),
        role_changes::user_id = user_id,
    )?;
    Ok(())
}

/// A person whose role changes again and again.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Flapping {
    /// The id.
    pub user_id: String,
    /// How often the role has changed.
    pub changes: i64,
    /// When first, in milliseconds since 1970 UTC.
    pub since_ms: Option<i64>,
}

/// The people whose role has changed more than so many times from a moment on, those of the most changes first, some at the most.
///
/// # Errors
/// When the store fails.
pub fn of_more_than(
    tx: &mut ReadTx<'_>,
    changes: i64,
    from_ms: i64,
    most: i64,
) -> Result<Vec<Flapping>, DirectoryError> {
    let people = role_changes::table
        .filter(role_changes::at_ms.ge(from_ms))
        .group_by(role_changes::user_id)
        .having(count_star().gt(changes))
        .order((count_star().desc(), role_changes::user_id))
        .select((role_changes::user_id, count_star(), min(role_changes::at_ms)))
        .limit(most);
    Ok(tx.load(people)?)
}

/// Removes those from before a moment, at most so many; how many.
///
/// # Errors
/// When the store fails.
pub fn prune(tx: &mut WriteTx<'_>, before_ms: i64, most: i64) -> Result<usize, DirectoryError> {
    let oldest = role_changes::table.order(role_changes::number).limit(most);
    let oldest: Vec<(i64, i64)> = tx.load(oldest.select((role_changes::number, role_changes::at_ms)))?;
    match oldest.iter().take_while(|(_, at_ms)| *at_ms < before_ms).last() {
        Some((last, _)) => {
            Ok(tx.execute(diesel::delete(role_changes::table.filter(role_changes::number.le(*last))))?)
        }
        None => Ok(0),
    }
}

/// When the oldest was noted.
///
/// # Errors
/// When the store fails.
pub fn oldest_ms(tx: &mut ReadTx<'_>) -> Result<Option<i64>, DirectoryError> {
    let oldest = role_changes::table.order(role_changes::number).select(role_changes::at_ms).limit(1);
    Ok(tx.load(oldest)?.pop())
}
