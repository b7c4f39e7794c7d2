//! The recount: ledger, counters and holders must agree.

use diesel::{dsl::sql, prelude::*, sql_types::BigInt};
use serde::Serialize;
use store::ReadTx;

use crate::{
    License, Licenses, SeatError, pools,
    schema::{seat_ledger, seats},
};

/// The three counts of one license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Sum of the ledger's movements.
    pub ledger: i64,
    /// The pool's counter.
    pub used: i64,
    /// Users who hold the license.
    pub holders: i64,
}

impl Count {
    /// Whether the three agree.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.ledger == self.used && self.used == self.holders
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
    Ok(Count { ledger, used: pools::get(tx, license)?.used, holders })
}
