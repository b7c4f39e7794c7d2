//! The users who wait: in the order of their roles, and of one role in the order in which they came.

use diesel::prelude::*;
use serde::Serialize;
use store::ReadTx;

use crate::{
    License, Licenses, SeatError,
    schema::seats,
    seat::{Row, Seat, of_rows},
};

/// One user who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The place in the queue for the license, from 1.
    pub place: u64,
    /// The user.
    pub user_id: String,
    /// The key of the license.
    pub license: String,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: i64,
}

/// Who waits, at most so many of each license: the dearest license first, each queue in its order.
///
/// # Errors
/// When the store fails.
pub fn waiting(tx: &mut ReadTx<'_>, licenses: &Licenses, most: usize) -> Result<Vec<Waiting>, SeatError> {
    let mut all = Vec::new();
    for license in licenses.iter() {
        let shown = |(place, seat): (u64, Seat)| Waiting {
            place,
            user_id: seat.user_id,
            license: seat.requested.key().to_owned(),
            since_ms: seat.since_ms,
        };
        all.extend((1..).zip(first_of(tx, &license, most)?).map(shown));
    }
    Ok(all)
}

/// The first in the queue for a license, so many at the most.
pub(crate) fn first_of(tx: &mut ReadTx<'_>, license: &License, most: usize) -> Result<Vec<Seat>, SeatError> {
    let queue = seats::table
        .filter(seats::requested.eq(license.key()))
        .filter(seats::waiting_place.is_not_null())
        .order((seats::role_rank, seats::waiting_place));
    let rows: Vec<Row> = tx.load_first(queue, most)?;
    of_rows(rows, license.all())
}

/// Whether nobody waits for a license.
pub(crate) fn is_empty(tx: &mut ReadTx<'_>, license: &License) -> Result<bool, SeatError> {
    Ok(first_of(tx, license, 1)?.is_empty())
}

/// The first in the queue for `wanted` among those who would give a seat of `held` for it. A borrowed seat is not theirs to give.
pub(crate) fn first_who_gives(
    tx: &mut ReadTx<'_>,
    held: &License,
    wanted: &License,
) -> Result<Option<Seat>, SeatError> {
    let queue = seats::table
        .filter(seats::granted.eq(held.key()))
        .filter(seats::requested.eq(wanted.key()))
        .filter(seats::waiting_place.is_not_null())
        .filter(seats::borrowed_until_ms.is_null())
        .order((seats::role_rank, seats::waiting_place));
    let rows: Vec<Row> = tx.load_first(queue, 1)?;
    Ok(of_rows(rows, held.all())?.pop())
}
