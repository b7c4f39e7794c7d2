//! Refusals for want of a seat, counted by the hour (S10). An identity provider that meets too many gives the whole tenant up; before
//! that nobody is refused any more, and who finds no seat waits. When the refusals of a day are fewer than half as many, the policies
//! hold again.

use diesel::prelude::*;
use store::{ReadTx, WriteTx};

use crate::{
    Licenses, SeatError, plan,
    schema::{seat_pools, seat_refusals},
};

const HOUR_MS: i64 = 3_600_000;

/// The hours that count: this one and those before it.
const HOURS: i64 = 24;

/// Refusals by credential and hour.
type Count = (String, i64, i64);

fn hour(at_ms: i64) -> i64 {
    at_ms.div_euclid(HOUR_MS)
}

/// Counts refusals of one identity provider. Returns the reason when nobody is refused from now on, because they have become `limit`
/// within a day.
///
/// # Errors
/// When the store fails.
pub fn count(
    tx: &mut WriteTx<'_>,
    licenses: &Licenses,
    idp: &str,
    refused: i64,
    limit: i64,
) -> Result<Option<String>, SeatError> {
    crate::pools::take_turn(tx)?;
    let now = hour(tx.now_ms());
    tx.execute(diesel::delete(seat_refusals::table.filter(seat_refusals::hour.le(now - HOURS))))?;
    let row = seat_refusals::table.find((idp, now));
    if tx.increase(row, seat_refusals::refused, refused)? == 0 {
        let row =
            (seat_refusals::idp.eq(idp), seat_refusals::hour.eq(now), seat_refusals::refused.eq(refused));
        tx.execute(diesel::insert_into(seat_refusals::table).values(row))?;
    }
    let own = seat_refusals::table.filter(seat_refusals::idp.eq(idp)).select(seat_refusals::refused);
    let total: i64 = tx.load::<i64>(own)?.into_iter().sum();
    if total < limit || holds(tx)? {
        return Ok(None);
    }
    let why = format!(
        "{total} requests of one identity provider were refused within a day; nobody is refused until they are fewer than half of {limit}"
    );
    plan::hold(tx, licenses, &why)?;
    if let Some(at_ms) = next_due(tx, limit)? {
        tx.falls_due(at_ms);
    }
    Ok(Some(why))
}

/// Lets the policies hold again if the refusals of the last day are fewer than half of the limit; whether they did not before.
///
/// # Errors
/// When the store fails.
pub fn end_hold(tx: &mut WriteTx<'_>, limit: i64) -> Result<bool, SeatError> {
    if next_due(tx, limit)?.is_none_or(|at_ms| at_ms > tx.now_ms()) {
        return Ok(false);
    }
    plan::end_hold(tx)?;
    Ok(true)
}

/// When the policies hold again; `None`: they do.
///
/// # Errors
/// When the store fails.
pub fn next_due(tx: &mut ReadTx<'_>, limit: i64) -> Result<Option<i64>, SeatError> {
    if !holds(tx)? {
        return Ok(None);
    }
    let mut counts: Vec<Count> = tx.load(seat_refusals::table.order(seat_refusals::hour))?;
    let mut due_ms = 0;
    while is_many(&counts, limit) {
        let (_, first, _) = counts.remove(0);
        due_ms = (first + HOURS) * HOUR_MS;
    }
    Ok(Some(due_ms))
}

/// Whether one identity provider has met half of the limit or more.
fn is_many(counts: &[Count], limit: i64) -> bool {
    let total = |idp: &str| -> i64 {
        counts.iter().filter(|(other, ..)| other == idp).map(|(_, _, refused)| refused).sum()
    };
    limit > 0 && counts.iter().any(|(idp, ..)| 2 * total(idp) >= limit)
}

/// Forgets the refusals so far, and ends the hold that they led to: staff have said what is to be.
///
/// # Errors
/// When the store fails.
pub fn forget(tx: &mut WriteTx<'_>) -> Result<(), SeatError> {
    tx.execute(diesel::delete(seat_refusals::table))?;
    if holds(tx)? { plan::end_hold(tx) } else { Ok(()) }
}

fn holds(tx: &mut ReadTx<'_>) -> Result<bool, SeatError> {
    let held = seat_pools::table.filter(seat_pools::hold_why.is_not_null()).select(seat_pools::license);
    Ok(!tx.load::<String>(held)?.is_empty())
}
