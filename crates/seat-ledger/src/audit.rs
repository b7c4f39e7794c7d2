//! The recount: ledger, counters and holders must agree, and no seat may be in use for which there is no reason.

use diesel::{dsl::sql, prelude::*, sql_types::BigInt};
use serde::Serialize;
use store::ReadTx;

use crate::{
    License, Licenses, SeatError, pools,
    schema::{seat_ledger, seats},
};

/// The counts of one license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Sum of the ledger's movements.
    pub ledger: i64,
    /// The pool's counter.
    pub used: i64,
    /// Users who hold the license.
    pub holders: i64,
    /// Users who wait for it and hold no seat at all.
    pub waitlisted: i64,
    /// Seats in force; `None` is unlimited.
    #[serde(skip)]
    pub quota: Option<i64>,
    /// Seats in use beyond the quota, each for its reason.
    #[serde(skip)]
    pub overage: i64,
    /// Seats that are borrowed.
    #[serde(skip)]
    pub borrowed: i64,
    /// Seats beyond the quota that are neither.
    #[serde(skip)]
    pub debt: i64,
    /// Users who wait.
    #[serde(skip)]
    pub waiting: i64,
}

impl Count {
    /// Whether ledger, counter and holders agree.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.ledger == self.used && self.used == self.holders
    }

    /// Whether each seat in use is one of the quota, overage, borrowed, or debt; and each of the last three is beyond the quota.
    #[must_use]
    pub fn is_within(&self) -> bool {
        let beyond = self.overage + self.borrowed + self.debt;
        self.quota.is_none_or(|quota| self.used <= quota + beyond) && beyond <= self.over()
    }

    /// Whether somebody waits though a seat of the quota is free (S6).
    #[must_use]
    pub fn keeps_waiting(&self) -> bool {
        self.waiting > 0 && self.quota.is_none_or(|quota| self.used < quota)
    }

    fn over(&self) -> i64 {
        self.quota.map_or(0, |quota| (self.used - quota).max(0))
    }
}

/// Recounts every license, dearest first.
///
/// # Errors
/// When the store fails.
pub fn recount(tx: &mut ReadTx<'_>, licenses: &Licenses) -> Result<Vec<(License, Count)>, SeatError> {
    licenses.iter().map(|license| Ok((license.clone(), count(tx, &license)?))).collect()
}

fn count(tx: &mut ReadTx<'_>, license: &License) -> Result<Count, SeatError> {
    // A cast, because PostgreSQL's sum of bigint is numeric.
    let sum = sql::<BigInt>("CAST(COALESCE(SUM(movement), 0) AS BIGINT)");
    let ledger = seat_ledger::table
        .filter(seat_ledger::license.eq(license.key()))
        .select(sum)
        .get_result(tx.connection())?;
    let holders =
        seats::table.filter(seats::granted.eq(license.key())).count().get_result(tx.connection())?;
    let waitlisted = seats::table
        .filter(seats::requested.eq(license.key()))
        .filter(seats::waiting_place.is_not_null())
        .filter(seats::granted.is_null());
    let waitlisted = waitlisted.count().get_result(tx.connection())?;
    let pool = pools::get(tx, license)?;
    Ok(Count {
        ledger,
        used: pool.used,
        holders,
        waitlisted,
        quota: pool.quota,
        overage: pool.overage.map_or(0, |overage| overage.used),
        borrowed: pool.borrowed,
        debt: pool.debt,
        waiting: pool.waiting,
    })
}
