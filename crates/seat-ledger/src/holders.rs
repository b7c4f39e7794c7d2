//! Who holds a seat with some role.

use std::collections::BTreeMap;

use diesel::{dsl::count_star, prelude::*};
use store::ReadTx;

use crate::{SeatError, schema::seats};

/// Whether another user than this one holds a seat with one of these roles.
///
/// # Errors
/// When the store fails.
pub fn has_another(tx: &mut ReadTx<'_>, roles: &[&str], user_id: &str) -> Result<bool, SeatError> {
    let others = seats::table
        .filter(seats::role.eq_any(roles))
        .filter(seats::granted.is_not_null())
        .filter(seats::state.ne("suspended"))
        .filter(seats::user_id.ne(user_id))
        .select(seats::user_id);
    Ok(others.first::<String>(tx.connection()).optional()?.is_some())
}

/// The license that each user holds, by the id of the user; `None` of those who hold none.
///
/// # Errors
/// When the store fails.
pub fn granted(tx: &mut ReadTx<'_>) -> Result<BTreeMap<String, Option<String>>, SeatError> {
    let rows = seats::table.select((seats::user_id, seats::granted));
    Ok(rows.load::<(String, Option<String>)>(tx.connection())?.into_iter().collect())
}

/// How many users wait for a seat.
///
/// # Errors
/// When the store fails.
pub fn waiting(tx: &mut ReadTx<'_>) -> Result<i64, SeatError> {
    Ok(tx.get_result(seats::table.filter(seats::waiting_place.is_not_null()).count())?)
}

/// How many users are active, whether they hold a seat or wait for one.
///
/// # Errors
/// When the store fails.
pub fn active(tx: &mut ReadTx<'_>) -> Result<i64, SeatError> {
    Ok(tx.get_result(seats::table.filter(seats::state.ne("suspended")).count())?)
}

/// How many active users hold a seat with each role.
///
/// # Errors
/// When the store fails.
pub fn by_role(tx: &mut ReadTx<'_>) -> Result<BTreeMap<String, i64>, SeatError> {
    let holders = seats::table.filter(seats::granted.is_not_null()).filter(seats::state.ne("suspended"));
    let counts = holders.group_by(seats::role).select((seats::role, count_star()));
    Ok(counts.load::<(String, i64)>(tx.connection())?.into_iter().collect())
}
