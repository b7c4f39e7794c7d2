//! Who holds a seat with some role.

use diesel::prelude::*;
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
