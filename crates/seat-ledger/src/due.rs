//! What falls due: dated lines, the end of overage, of kept and of borrowed seats.

use diesel::prelude::*;
use store::WriteTx;

use crate::{
    License, Licenses, SeatError, State,
    acquire::{Claim, Standing},
    in_force, movements, pools,
    promotion::fill,
    schema::{seat_pools, seats},
    seat::{Moves, Row, Seat, of_rows},
};

/// Carries out what is due now, once; returns the users whose seats moved.
///
/// # Errors
/// When the store fails.
pub fn due(tx: &mut WriteTx<'_>, licenses: &Licenses) -> Result<Moves, SeatError> {
    pools::take_turn(tx)?;
    carry_out(tx, licenses)
}

/// The licenses of which something is due.
fn overdue(tx: &mut WriteTx<'_>, licenses: &Licenses) -> Result<Vec<License>, SeatError> {
    let (rows, now_ms) = (pools::rows(tx, licenses)?, tx.now_ms());
    let of = licenses.iter().zip(rows);
    Ok(of.filter(|(_, row)| row.due_ms.is_some_and(|at_ms| at_ms <= now_ms)).map(|(of, _)| of).collect())
}

/// The same within a turn.
pub(crate) fn carry_out(tx: &mut WriteTx<'_>, licenses: &Licenses) -> Result<Moves, SeatError> {
    let overdue = overdue(tx, licenses)?;
    let mut moves = Moves::default();
    for license in &overdue {
        // So that claims below find the pool open; what is next is noted at the end.
        tx.update(seat_pools::table.find(license.key()), seat_pools::due_ms.eq(None::<i64>))?;
        in_force::refresh(tx, license)?;
        end_keeping(tx, license, &mut moves)?;
    }
    moves.add(fill(tx, overdue.iter().cloned())?);
    for license in &overdue {
        end_borrowing(tx, license, &mut moves)?;
    }
    for license in &overdue {
        note_next(tx, license)?;
    }
    Ok(moves)
}

/// Takes back the seats that suspended users kept until now.
fn end_keeping(tx: &mut WriteTx<'_>, license: &License, moves: &mut Moves) -> Result<(), SeatError> {
    let ended = seats::table
        .filter(seats::granted.eq(license.key()))
        .filter(seats::kept_until_ms.le(tx.now_ms()))
        .order((seats::kept_until_ms, seats::user_id));
    let rows: Vec<Row> = tx.load(ended)?;
    for seat in of_rows(rows, license.all())? {
        movements::release(tx, license, &seat.user_id, "kept until now")?;
        let after =
            Seat { granted: None, beyond_place: None, kept_until_ms: None, since_ms: tx.now_ms(), ..seat };
        after.write(tx, false)?;
        moves.altered.push(after);
    }
    Ok(())
}

/// Takes back the seats that were borrowed until now and not repaid: their users fall back or wait.
fn end_borrowing(tx: &mut WriteTx<'_>, license: &License, moves: &mut Moves) -> Result<(), SeatError> {
    let ended = seats::table
        .filter(seats::granted.eq(license.key()))
        .filter(seats::beyond_place.is_not_null())
        .filter(seats::borrowed_until_ms.le(tx.now_ms()))
        .order(seats::beyond_place);
    let rows: Vec<Row> = tx.load(ended)?;
    for seat in of_rows(rows, license.all())? {
        movements::release(tx, license, &seat.user_id, "borrowed until now")?;
        let without = Seat { granted: None, beyond_place: None, borrowed_until_ms: None, ..seat };
        let Standing { granted, beyond_place, .. } = again(tx, &without)?;
        let state = match &granted {
            Some(held) if *held == without.requested => State::Granted,
            Some(_) => State::Fallback,
            None => State::Waitlisted,
        };
        let waiting_place = match (without.waiting_place, state) {
            (_, State::Granted) => None,
            (Some(place), _) => Some(place),
            (None, _) => Some(pools::give_place(tx, &without.requested)?),
        };
        let after = Seat { granted, state, beyond_place, waiting_place, since_ms: tx.now_ms(), ..without };
        after.write(tx, false)?;
        moves.altered.push(after);
    }
    Ok(())
}

/// What the request of a user without a seat comes to now.
fn again(tx: &mut WriteTx<'_>, seat: &Seat) -> Result<Standing, SeatError> {
    let request = seat.as_request();
    if movements::claim(tx, &request.license, &seat.user_id, "granted")? {
        return Ok(Standing { granted: Some(request.license), ..Standing::default() });
    }
    let pools = pools::rows(tx, request.license.all())?;
    let user_id = seat.user_id.as_str();
    Claim { user_id, before: None, request: &request, may_borrow: false, pools: &pools }
        .without_a_free_seat(tx)
}

/// Notes when the next thing of a pool falls due.
fn note_next(tx: &mut WriteTx<'_>, license: &License) -> Result<(), SeatError> {
    let own = || seats::table.filter(seats::granted.eq(license.key()));
    let kept: Option<i64> = tx.get_result(own().select(diesel::dsl::min(seats::kept_until_ms)))?;
    let borrowed = own().filter(seats::beyond_place.is_not_null());
    let borrowed: Option<i64> = tx.get_result(borrowed.select(diesel::dsl::min(seats::borrowed_until_ms)))?;
    for at_ms in [kept, borrowed].into_iter().flatten() {
        pools::note_due(tx, license, at_ms)?;
    }
    Ok(())
}
