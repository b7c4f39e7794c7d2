//! When people left their last group. It is noted only for tenants whose profile does something with such people.

use diesel::{dsl::exists, dsl::not, prelude::*};
use store::{ReadTx, WriteTx, for_chunks, in_chunks};

use crate::{
    DirectoryError,
    origin::Origin,
    schema::{memberships, users},
};

/// The users who are members of a group.
///
/// # Errors
/// When the store fails.
pub fn people_of(tx: &mut ReadTx<'_>, group_id: &str) -> Result<Vec<String>, DirectoryError> {
    let members = memberships::table.filter(memberships::group_id.eq(group_id));
    Ok(tx.load(members.select(memberships::user_id))?)
}

/// Those of these users who are members of some group.
///
/// # Errors
/// When the store fails.
pub fn in_groups(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<String>, DirectoryError> {
    Ok(in_chunks(ids, |ids| {
        let members = memberships::table.filter(memberships::user_id.eq_any(ids));
        members.select(memberships::user_id).distinct().load(tx.connection())
    })?)
}

/// Notes of those among these users who are in no group any more that it is so from now on. People of staff are no concern of it,
/// also when an identity provider takes them over later.
///
/// # Errors
/// When the store fails.
pub fn note_left(tx: &mut WriteTx<'_>, ids: &[String]) -> Result<(), DirectoryError> {
    let now = tx.now_ms();
    let own_groups = memberships::table.filter(memberships::user_id.eq(users::id));
    Ok(for_chunks(ids, |ids| {
        let left = users::table
            .filter(users::id.eq_any(ids))
            .filter(users::origin.eq(Origin::Idp.key()))
            .filter(not(exists(own_groups)));
        diesel::update(left).set(users::ungrouped_ms.eq(now)).execute(tx.connection())
    })?)
}

/// Whether a user has left the last group, and is due for that.
///
/// # Errors
/// When the store fails.
pub fn has_left(tx: &mut ReadTx<'_>, user_id: &str) -> Result<bool, DirectoryError> {
    let since_ms = users::table.find(user_id).select(users::ungrouped_ms);
    Ok(tx.get_result::<Option<i64>>(since_ms).optional()?.flatten().is_some())
}

/// Forgets it of users who have entered a group.
///
/// # Errors
/// When the store fails.
pub fn note_entered(tx: &mut WriteTx<'_>, ids: &[String]) -> Result<(), DirectoryError> {
    Ok(for_chunks(ids, |ids| {
        let back = users::table.filter(users::id.eq_any(ids)).filter(users::ungrouped_ms.is_not_null());
        diesel::update(back).set(users::ungrouped_ms.eq(None::<i64>)).execute(tx.connection())
    })?)
}

/// Forgets it of one user.
///
/// # Errors
/// When the store fails.
pub fn forget(tx: &mut WriteTx<'_>, id: &str) -> Result<(), DirectoryError> {
    tx.update(users::table.find(id), users::ungrouped_ms.eq(None::<i64>))?;
    Ok(())
}

/// Users of an identity provider who are in no group since then or longer, those first who left first, at most so many.
///
/// # Errors
/// When the store fails.
pub fn since(tx: &mut ReadTx<'_>, until_ms: i64, most: i64) -> Result<Vec<String>, DirectoryError> {
    let own_groups = memberships::table.filter(memberships::user_id.eq(users::id));
    let people = users::table
        .filter(users::ungrouped_ms.le(until_ms))
        .filter(users::origin.eq(Origin::Idp.key()))
        .filter(not(exists(own_groups)));
    Ok(people.order((users::ungrouped_ms, users::id)).limit(most).select(users::id).load(tx.connection())?)
}

/// When the first of them left.
///
/// # Errors
/// When the store fails.
pub fn first_ms(tx: &mut ReadTx<'_>) -> Result<Option<i64>, DirectoryError> {
    let own_groups = memberships::table.filter(memberships::user_id.eq(users::id));
    let people = users::table
        .filter(users::ungrouped_ms.is_not_null())
        .filter(users::origin.eq(Origin::Idp.key()))
        .filter(not(exists(own_groups)));
    let first = people.order(users::ungrouped_ms).select(users::ungrouped_ms).limit(1);
    Ok(tx.get_result::<Option<i64>>(first).optional()?.flatten())
}
