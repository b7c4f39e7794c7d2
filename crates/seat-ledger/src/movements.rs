//! One seat in or out: the pool's counter and the ledger's line, always together.

use diesel::prelude::*;
use store::{WriteTx, insert_row, next};

use crate::{
    License, SeatError,
    schema::{seat_ledger, seat_pools},
};

/// Takes one seat if one is left within the quota: a single conditional update decides, so no two transactions can take the same.
/// A pool of which something is overdue gives none.
pub(crate) fn claim(
    tx: &mut WriteTx<'_>,
    license: &License,
    user_id: &str,
    cause: &str,
) -> Result<bool, SeatError> {
    let left = seat_pools::quota.is_null().or(seat_pools::used.nullable().lt(seat_pools::quota));
    let current = seat_pools::due_ms.is_null().or(seat_pools::due_ms.gt(tx.now_ms()));
    let pool = seat_pools::table.find(license.key()).filter(left).filter(current);
    let claimed = tx.increase(pool, seat_pools::used, 1)?;
    if claimed == 1 {
        write(tx, license, user_id, 1, cause)?;
    }
    Ok(claimed == 1)
}

/// Takes one seat that the caller has found free, or may take beyond the quota; the turn is taken.
pub(crate) fn take(
    tx: &mut WriteTx<'_>,
    license: &License,
    user_id: &str,
    cause: &str,
) -> Result<(), SeatError> {
    count(tx, license, 1)?;
    write(tx, license, user_id, 1, cause)
}

/// Adds to the seats in use; the lines of the ledger are the caller's.
pub(crate) fn count(tx: &mut WriteTx<'_>, license: &License, seats: i64) -> Result<(), SeatError> {
    match tx.increase(seat_pools::table.find(license.key()), seat_pools::used, seats)? {
        1 => Ok(()),
        _ => Err(SeatError::Damaged(format!("{license} has no pool"))),
    }
}

/// Gives one seat back.
pub(crate) fn release(
    tx: &mut WriteTx<'_>,
    license: &License,
    user_id: &str,
    cause: &str,
) -> Result<(), SeatError> {
    count(tx, license, -1)?;
    write(tx, license, user_id, -1, cause)
}

/// Takes one seat from one user for another: the counter stays as it is.
pub(crate) fn pass_on(
    tx: &mut WriteTx<'_>,
    license: &License,
    from: &str,
    to: &str,
) -> Result<(), SeatError> {
    write(tx, license, from, -1, "exchanged")?;
    write(tx, license, to, 1, "exchanged")
}

fn write(
    tx: &mut WriteTx<'_>,
    license: &License,
    user_id: &str,
    movement: i64,
    cause: &str,
) -> Result<(), SeatError> {
    insert_row!(
        tx,
        seat_ledger::table,
        seat_ledger::number = next(seat_ledger::table, seat_ledger::number),
        seat_ledger::at_ms = tx.now_ms(),
        seat_ledger::user_id = user_id,
        seat_ledger::license = license.key(),
        seat_ledger::movement = movement,
        seat_ledger::cause = cause,
    )?;
    Ok(())
}
