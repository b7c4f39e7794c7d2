//! What staff change of a plan. No user is evicted (S7); the caller promotes those who wait ([`crate::seats::promote`]).

use diesel::prelude::*;
use store::{ReadTx, WriteTx};

use crate::{
    Grace, License, Licenses, Overage, Policy, SeatError, in_force,
    lines::{self, Line},
    pools,
    schema::{seat_lines, seat_pools},
};

/// Dated lines of one tenant: each change of a quota reads those of its license.
pub const MOST_LINES: i64 = 1_000;

fn begin(tx: &mut WriteTx<'_>, license: &License) -> Result<(), SeatError> {
    pools::take_turn(tx)?;
    pools::ensure(tx, license.all())
}

/// Sets the seats of a license, to which its dated lines are added (`None` is unlimited), and returns those before.
///
/// # Errors
/// When the store fails.
pub fn set_quota(
    tx: &mut WriteTx<'_>,
    license: &License,
    quota: Option<i64>,
) -> Result<Option<i64>, SeatError> {
    begin(tx, license)?;
    let before = pools::row(tx, license)?.quota_set;
    tx.update(seat_pools::table.find(license.key()), seat_pools::quota_set.eq(quota))?;
    in_force::refresh(tx, license)?;
    Ok(before)
}

/// Sets the policy when no seat is free, which also ends a hold ([`hold`]).
///
/// # Errors
/// [`SeatError::NoFallback`] when the license has none, or the store's.
pub fn set_policy(tx: &mut WriteTx<'_>, license: &License, policy: Policy) -> Result<(), SeatError> {
    if policy == Policy::Fallback && license.fallback().is_none() {
        return Err(SeatError::NoFallback(license.clone()));
    }
    begin(tx, license)?;
    let set = (seat_pools::policy.eq(policy.key()), seat_pools::hold_why.eq(None::<String>));
    tx.update(seat_pools::table.find(license.key()), set)?;
    in_force::refresh(tx, license)
}

/// Sets the seats that [`Policy::Overage`] grants beyond the quota.
///
/// # Errors
/// When the store fails.
pub fn set_overage(
    tx: &mut WriteTx<'_>,
    license: &License,
    overage: Option<Overage>,
) -> Result<(), SeatError> {
    begin(tx, license)?;
    let until = overage.and_then(|overage| overage.until);
    let set = (
        seat_pools::overage_seats.eq(overage.map(|overage| i64::from(overage.seats))),
        seat_pools::overage_until_ms.eq(until.map(|until| until.start_ms())),
    );
    tx.update(seat_pools::table.find(license.key()), set)?;
    in_force::refresh(tx, license)
}

/// Sets what a swap at full seats may borrow; `None`: nothing. What is borrowed stays so until its end.
///
/// # Errors
/// When the store fails.
pub fn set_grace(tx: &mut WriteTx<'_>, license: &License, grace: Option<Grace>) -> Result<(), SeatError> {
    begin(tx, license)?;
    let Grace { seats, minutes } = grace.unwrap_or(Grace { seats: 0, minutes: 0 });
    let set =
        (seat_pools::grace_seats.eq(i64::from(seats)), seat_pools::grace_minutes.eq(i64::from(minutes)));
    tx.update(seat_pools::table.find(license.key()), set)?;
    Ok(())
}

/// From now on nobody is refused, for this reason: who finds no seat waits, whatever the policies are (S10).
///
/// # Errors
/// When the store fails.
pub fn hold(tx: &mut WriteTx<'_>, licenses: &Licenses, why: &str) -> Result<(), SeatError> {
    pools::take_turn(tx)?;
    pools::ensure(tx, licenses)?;
    tx.update(seat_pools::table, seat_pools::hold_why.eq(Some(why)))?;
    Ok(())
}

/// The policies hold again.
///
/// # Errors
/// When the store fails.
pub fn end_hold(tx: &mut WriteTx<'_>) -> Result<(), SeatError> {
    pools::take_turn(tx)?;
    tx.update(seat_pools::table, seat_pools::hold_why.eq(None::<String>))?;
    Ok(())
}

/// Adds seats of a license for some time; its number is given here.
///
/// # Errors
/// [`SeatError::Line`] for one that can never hold, or one too many; or the store's.
pub fn add_line(tx: &mut WriteTx<'_>, new: Line) -> Result<Line, SeatError> {
    let ends_first = new.from.zip(new.until).is_some_and(|(from, until)| from >= until);
    if ends_first || new.seats == 0 {
        return Err(SeatError::Line("a line has at least one seat, and ends after it begins".to_owned()));
    }
    begin(tx, &new.license)?;
    let found: i64 = tx.get_result(seat_lines::table.count())?;
    if found >= MOST_LINES {
        let fault = format!("a tenant has {MOST_LINES} dated lines at most; remove those that have ended");
        return Err(SeatError::Line(fault));
    }
    let line = lines::insert(tx, new)?;
    in_force::refresh(tx, &line.license)?;
    Ok(line)
}

/// Takes a dated line away and returns it; `None` when there is none of this number.
///
/// # Errors
/// When the store fails.
pub fn remove_line(
    tx: &mut WriteTx<'_>,
    licenses: &Licenses,
    number: i64,
) -> Result<Option<Line>, SeatError> {
    pools::take_turn(tx)?;
    let line = lines::delete(tx, licenses, number)?;
    if let Some(line) = &line {
        in_force::refresh(tx, &line.license)?;
    }
    Ok(line)
}

/// When the next thing that is dated falls due, as a moment before which nothing does; `None`: never.
///
/// # Errors
/// When the store fails.
pub fn next_due(tx: &mut ReadTx<'_>) -> Result<Option<i64>, SeatError> {
    Ok(tx.get_result(seat_pools::table.select(diesel::dsl::min(seat_pools::due_ms)))?)
}
