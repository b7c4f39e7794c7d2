//! People who have left a group by a change that would take too many seats at once: whose effect waits, and since when.

use diesel::{
    dsl::{count_star, min},
    prelude::*,
};
use store::{ReadTx, WriteTx, for_chunks, in_chunks};

use crate::{
    DirectoryError,
    schema::{group_wipes, memberships},
};

/// Notes that these users have left the group and keep what they had.
///
/// # Errors
/// When the store fails.
pub fn insert(tx: &mut WriteTx<'_>, group_id: &str, users: &[String]) -> Result<(), DirectoryError> {
    remove(tx, group_id, users)?;
    let since = tx.now_ms();
    for user in users {
        let row = (
            group_wipes::group_id.eq(group_id),
            group_wipes::user_id.eq(user),
            group_wipes::since_ms.eq(since),
        );
        tx.execute(diesel::insert_into(group_wipes::table).values(row))?;
    }
    Ok(())
}

/// The users who have left the group and keep what they had, by their ids, each with the time.
///
/// # Errors
/// When the store fails.
pub fn of_group(tx: &mut ReadTx<'_>, group_id: &str) -> Result<Vec<(String, i64)>, DirectoryError> {
    let own = group_wipes::table.filter(group_wipes::group_id.eq(group_id)).order(group_wipes::user_id);
    Ok(tx.load(own.select((group_wipes::user_id, group_wipes::since_ms)))?)
}

/// Which of these users are noted for the group.
///
/// # Errors
/// When the store fails.
pub fn among(tx: &mut ReadTx<'_>, group_id: &str, users: &[String]) -> Result<Vec<String>, DirectoryError> {
    Ok(in_chunks(users, |ids| {
        let own = group_wipes::table
            .filter(group_wipes::group_id.eq(group_id))
            .filter(group_wipes::user_id.eq_any(ids));
        own.select(group_wipes::user_id).load(tx.connection())
    })?)
}

/// Since when the first of those waits who are noted for any group.
///
/// # Errors
/// When the store fails.
pub fn oldest_ms(tx: &mut ReadTx<'_>) -> Result<Option<i64>, DirectoryError> {
    Ok(tx.get_result(group_wipes::table.select(min(group_wipes::since_ms)))?)
}

/// Whether the user is noted for any group.
///
/// # Errors
/// When the store fails.
pub fn has(tx: &mut ReadTx<'_>, user_id: &str) -> Result<bool, DirectoryError> {
    let own = group_wipes::table.filter(group_wipes::user_id.eq(user_id)).select(group_wipes::group_id);
    Ok(!tx.load::<String>(own)?.is_empty())
}

/// The time since which the user waits, in milliseconds since 1970 UTC.
///
/// # Errors
/// When the store fails.
pub fn since_ms(tx: &mut ReadTx<'_>, user_id: &str) -> Result<Option<i64>, DirectoryError> {
    let own = group_wipes::table.filter(group_wipes::user_id.eq(user_id));
    Ok(tx.get_result(own.select(min(group_wipes::since_ms)))?)
}

/// Forgets these users of one group.
///
/// # Errors
/// When the store fails.
pub fn remove(tx: &mut WriteTx<'_>, group_id: &str, users: &[String]) -> Result<(), DirectoryError> {
    Ok(for_chunks(users, |ids| {
        let own = group_wipes::table
            .filter(group_wipes::group_id.eq(group_id))
            .filter(group_wipes::user_id.eq_any(ids));
        diesel::delete(own).execute(tx.connection())
    })?)
}

/// Forgets one user of every group.
///
/// # Errors
/// When the store fails.
pub fn remove_user(tx: &mut WriteTx<'_>, user_id: &str) -> Result<(), DirectoryError> {
    tx.execute(diesel::delete(group_wipes::table.filter(group_wipes::user_id.eq(user_id))))?;
    Ok(())
}

/// How many users are members of the group themselves.
///
/// # Errors
/// When the store fails.
pub fn people_in(tx: &mut ReadTx<'_>, group_id: &str) -> Result<i64, DirectoryError> {
    let own = memberships::table.filter(memberships::group_id.eq(group_id)).select(count_star());
    Ok(tx.get_result(own)?)
}
