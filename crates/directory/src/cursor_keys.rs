//! The secret that signs the cursors of a tenant's lists. It is in the tenant's own store, so that every process that
//! serves the tenant has it, a restart keeps it, and no other tenant's cursor fits.

use diesel::prelude::*;
use store::{ReadTx, StoreError, WriteTx};

use crate::{DirectoryError, schema::cursor_keys};

/// The only row.
const PLACE: i64 = 1;

/// The secret, if a cursor was ever made here.
///
/// # Errors
/// When the store fails.
pub fn find(tx: &mut ReadTx<'_>) -> Result<Option<String>, DirectoryError> {
    let secret = cursor_keys::table.find(PLACE).select(cursor_keys::secret);
    Ok(secret.get_result(tx.connection()).optional()?)
}

/// The secret; `fresh`, random and of some length, becomes it when there is none yet.
///
/// # Errors
/// When the store fails.
pub fn find_or_insert(tx: &mut WriteTx<'_>, fresh: &str) -> Result<String, DirectoryError> {
    if let Some(secret) = find(tx)? {
        return Ok(secret);
    }
    let row = (cursor_keys::place.eq(PLACE), cursor_keys::secret.eq(fresh));
    let inserted = tx.savepoint(|tx| {
        diesel::insert_into(cursor_keys::table).values(row).execute(tx.connection())?;
        Ok::<_, StoreError>(())
    });
    match inserted {
        Ok(()) => Ok(fresh.to_owned()),
        // Another process made one at the same time (only possible on PostgreSQL): that one counts for both.
        Err(StoreError::Unique(_)) => Ok(find(tx)?.unwrap_or_else(|| fresh.to_owned())),
        Err(error) => Err(error.into()),
    }
}
