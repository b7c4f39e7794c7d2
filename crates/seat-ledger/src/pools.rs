//! Seat pools: the seats of each license that a tenant has bought, and those in use.

use diesel::prelude::*;
use serde::Serialize;
use store::{ReadTx, StoreError, WriteTx};

use crate::{
    License, Licenses, Policy, SeatError,
    error::stored,
    schema::{seat_pools, seat_turn, seats},
};

/// One license of a tenant's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// The license.
    #[serde(skip)]
    pub license: License,
    /// Seats bought; `None` is unlimited.
    pub quota: Option<i64>,
    /// Seats in use; above the quota only when the quota was cut (S7).
    pub used: i64,
    /// Users who asked for this license and hold another one.
    pub waiting: i64,
    /// The policy when no seat is free.
    pub policy: Policy,
}

impl Pool {
    /// Whether a seat is free.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.quota.is_none_or(|quota| self.used < quota)
    }
}

/// All pools, dearest license first.
///
/// # Errors
/// When the store fails.
pub fn all(tx: &mut ReadTx<'_>, licenses: &Licenses) -> Result<Vec<Pool>, SeatError> {
    licenses.iter().map(|license| get(tx, &license)).collect()
}

/// One pool.
///
/// # Errors
/// When the store fails.
pub fn get(tx: &mut ReadTx<'_>, license: &License) -> Result<Pool, SeatError> {
    let pool = seat_pools::table.find(license.key());
    let (quota, used, policy): (Option<i64>, i64, String) =
        tx.get_result(pool.select((seat_pools::quota, seat_pools::used, seat_pools::policy)))?;
    let policy = stored("policy", &policy)?;
    let waiting = waiting(tx, license)?;
    Ok(Pool { license: license.clone(), quota, used, waiting, policy })
}

fn waiting(tx: &mut ReadTx<'_>, license: &License) -> Result<i64, SeatError> {
    let queue =
        seats::table.filter(seats::requested.eq(license.key())).filter(seats::waiting_place.is_not_null());
    Ok(tx.get_result(queue.count())?)
}

/// The pools of a new tenant: those of its licenses, with the seats and the policy that each of them begins with.
///
/// # Errors
/// When the store fails.
pub fn make(tx: &mut WriteTx<'_>, licenses: &Licenses) -> Result<(), SeatError> {
    take_turn(tx)?;
    tx.execute(diesel::delete(seat_pools::table))?;
    for license in licenses.iter() {
        let row = (
            seat_pools::license.eq(license.key()),
            seat_pools::quota.eq(license.first_quota()),
            seat_pools::quota_set.eq(license.first_quota()),
            seat_pools::used.eq(0),
            seat_pools::policy.eq(license.first_policy().key()),
            seat_pools::overage_in_force.eq(0),
            seat_pools::grace_seats.eq(0),
            seat_pools::grace_minutes.eq(0),
            seat_pools::places_given.eq(0),
        );
        tx.execute(diesel::insert_into(seat_pools::table).values(row))?;
    }
    Ok(())
}

/// Keeps every other writer of this tenant out until this transaction ends: the seats that it reads stay as they are, and the
/// numbers of its lines and records are in the order of the commits. The lock is a row of its own, which every tenant has,
/// whatever its licenses are.
///
/// # Errors
/// When the store fails.
pub fn take_turn(tx: &mut WriteTx<'_>) -> Result<(), SeatError> {
    if tx.has_rivals() {
        tx.update(seat_turn::table.find(1), seat_turn::lines_given.eq(seat_turn::lines_given))?;
    }
    Ok(())
}

/// Takes the turn of every writer at once: it waits for those that have theirs, and lets no other begin until this transaction ends.
///
/// # Errors
/// `Busy` when they do not end, or when the store fails.
pub fn take_all_turns(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    if tx.has_rivals() {
        // The whole table: who waits for a row of it holds a part of the table's lock already.
        diesel::sql_query("LOCK TABLE seat_turn IN EXCLUSIVE MODE").execute(tx.connection())?;
    }
    Ok(())
}

/// Sets the quota (`None` is unlimited) and returns the one before. No user is evicted (S7); the caller promotes users who
/// wait.
///
/// # Errors
/// When the store fails.
pub fn set_quota(
    tx: &mut WriteTx<'_>,
    license: &License,
    quota: Option<i64>,
) -> Result<Option<i64>, SeatError> {
    take_turn(tx)?;
    let before = get(tx, license)?.quota;
    let both = (seat_pools::quota.eq(quota), seat_pools::quota_set.eq(quota));
    tx.update(seat_pools::table.find(license.key()), both)?;
    Ok(before)
}

/// The next place in the queue for a license: behind every user who ever waited for it.
pub(crate) fn give_place(tx: &mut WriteTx<'_>, license: &License) -> Result<i64, SeatError> {
    let pool = seat_pools::table.find(license.key());
    tx.increase(pool, seat_pools::places_given, 1)?;
    Ok(tx.get_result(pool.select(seat_pools::places_given))?)
}

/// Sets the policy when no seat is free.
///
/// # Errors
/// [`SeatError::NoFallback`] when the license has none, or the store's.
pub fn set_policy(tx: &mut WriteTx<'_>, license: &License, policy: Policy) -> Result<(), SeatError> {
    if policy == Policy::Fallback && license.fallback().is_none() {
        return Err(SeatError::NoFallback(license.clone()));
    }
    take_turn(tx)?;
    tx.update(seat_pools::table.find(license.key()), seat_pools::policy.eq(policy.key()))?;
    Ok(())
}
