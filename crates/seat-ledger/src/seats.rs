//! The seats of users: settled with what is asked for, held back, removed. Every function here leaves counters, ledger and holders
//! in agreement, or fails and leaves the transaction to be rolled back.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use store::{ReadTx, WriteTx, in_chunks};

use crate::{
    DAY_MS, Licenses, Moves, Seat, SeatError, SeatRequest, State, WaitingPlace,
    acquire::{Claim, Standing},
    due, movements, pools,
    promotion::fill,
    schema::seats,
    seat::{self, Row, of_rows},
};

/// The result of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatChange {
    /// `None`: the user is new.
    pub before: Option<Seat>,
    /// The seat now.
    pub after: Seat,
    /// Other users whose seats moved for it.
    pub moves: Moves,
}

/// The result of a removal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The seat until now.
    pub seat: Option<Seat>,
    /// Other users whose seats moved for it.
    pub moves: Moves,
}

impl SeatChange {
    /// Whether the user's own seat is another than before.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }

    /// The seat stays as it is.
    #[must_use]
    pub fn none(seat: Seat) -> Self {
        Self::new(Some(seat.clone()), seat, Moves::default())
    }

    fn new(before: Option<Seat>, after: Seat, moves: Moves) -> Self {
        Self { before, after, moves }
    }
}

/// The seat of one user.
///
/// # Errors
/// When the store fails.
pub fn find(tx: &mut ReadTx<'_>, licenses: &Licenses, user_id: &str) -> Result<Option<Seat>, SeatError> {
    seat::find(tx, licenses, user_id)
}

/// The place of a person in the queue for the license, from 1; `None` for one who does not wait.
///
/// # Errors
/// When the store fails.
pub fn place_in_queue(tx: &mut ReadTx<'_>, seat: &Seat) -> Result<Option<u64>, SeatError> {
    let Some(place) = seat.waiting_place else { return Ok(None) };
    let is_before = seats::role_rank
        .lt(seat.role_rank)
        .or(seats::role_rank.eq(seat.role_rank).and(seats::waiting_place.lt(place)));
    let before = seats::table
        .filter(seats::requested.eq(seat.requested.key()))
        .filter(seats::waiting_place.is_not_null())
        .filter(is_before)
        .count();
    let before: i64 = tx.get_result(before)?;
    Ok(Some(u64::try_from(before).unwrap_or_default() + 1))
}

/// The seats of these users, by user.
///
/// # Errors
/// When the store fails.
pub fn of_users(
    tx: &mut ReadTx<'_>,
    licenses: &Licenses,
    user_ids: &[&str],
) -> Result<BTreeMap<String, Seat>, SeatError> {
    let rows: Vec<Row> = in_chunks(user_ids, |ids| tx.load(seats::table.filter(seats::user_id.eq_any(ids))))?;
    let seats = of_rows(rows, licenses)?;
    Ok(seats.into_iter().map(|seat| (seat.user_id.clone(), seat)).collect())
}

/// The keys of all licenses that somebody asks for or holds.
///
/// # Errors
/// When the store fails.
pub fn licenses_in_use(tx: &mut ReadTx<'_>) -> Result<BTreeSet<String>, SeatError> {
    let requested: Vec<String> = tx.load(seats::table.select(seats::requested).distinct())?;
    let granted: Vec<Option<String>> = tx.load(seats::table.select(seats::granted).distinct())?;
    Ok(requested.into_iter().chain(granted.into_iter().flatten()).collect())
}

/// Brings a user's seat in line with the request. Only a net increase of a license is ever checked (S1); a repeated request of
/// a user who waits has no effect (S8).
///
/// # Errors
/// [`SeatError::LimitReached`] when no seat is left: the caller rolls everything back.
pub fn settle(tx: &mut WriteTx<'_>, user_id: &str, request: &SeatRequest) -> Result<SeatChange, SeatError> {
    let before = find(tx, request.license.all(), user_id)?;
    settle_found(tx, before, user_id, request)
}

/// The same where `before` was read in this transaction, and since then neither the seat has changed nor the turn was taken.
///
/// # Errors
/// As [`settle`].
pub fn settle_found(
    tx: &mut WriteTx<'_>,
    mut before: Option<Seat>,
    user_id: &str,
    request: &SeatRequest,
) -> Result<SeatChange, SeatError> {
    if let Some(seat) = before.as_ref().filter(|seat| seat.meets(request)) {
        return Ok(SeatChange::none(seat.clone()));
    }
    if pools::take_turn(tx)? {
        before = find(tx, request.license.all(), user_id)?;
    }
    change(tx, before, user_id, request)
}

/// The first seat of a user whom this transaction made, so that there is none to look for.
///
/// # Errors
/// As [`settle`].
pub fn settle_new(
    tx: &mut WriteTx<'_>,
    user_id: &str,
    request: &SeatRequest,
) -> Result<SeatChange, SeatError> {
    pools::take_turn(tx)?;
    change(tx, None, user_id, request)
}

fn change(
    tx: &mut WriteTx<'_>,
    before: Option<Seat>,
    user_id: &str,
    request: &SeatRequest,
) -> Result<SeatChange, SeatError> {
    let mut moves = Moves::default();
    let (mut now, mut standing) = (before.clone(), None);
    if asks(now.as_ref(), request) {
        standing = claimed(tx, user_id, request)?;
        if standing.is_none() {
            // What is overdue may free a seat, and may move this very user.
            moves = due::carry_out(tx, request.license.all())?;
            if moves != Moves::default() {
                now = find(tx, request.license.all(), user_id)?;
            }
            if asks(now.as_ref(), request) {
                standing = Some(acquired(tx, now.as_ref(), user_id, request)?);
            }
        }
    }
    let standing = standing.unwrap_or_else(|| kept(now.as_ref(), request));
    let after = apply(tx, now.as_ref(), user_id, request, standing, &mut moves)?;
    Ok(SeatChange::new(before, after, moves))
}

/// Whether a seat is to be looked for: the user is active, neither holds what is asked for nor waits for it.
fn asks(before: Option<&Seat>, request: &SeatRequest) -> bool {
    let stays = |seat: &Seat| {
        let waits = seat.state.waits()
            && seat.requested == request.license
            && (request.may_fall_back
                || seat.role == request.role
                || seat.was_lowered()
                || seat.state == State::Waitlisted);
        seat.granted.as_ref() == Some(&request.license) || waits
    };
    request.active && !before.is_some_and(stays)
}

fn claimed(
    tx: &mut WriteTx<'_>,
    user_id: &str,
    request: &SeatRequest,
) -> Result<Option<Standing>, SeatError> {
    let claimed = movements::claim(tx, &request.license, user_id, "granted")?;
    Ok(claimed.then(|| Standing { granted: Some(request.license.clone()), ..Standing::default() }))
}

fn acquired(
    tx: &mut WriteTx<'_>,
    before: Option<&Seat>,
    user_id: &str,
    request: &SeatRequest,
) -> Result<Standing, SeatError> {
    let licenses = request.license.all();
    pools::ensure(tx, licenses)?;
    if let Some(standing) = claimed(tx, user_id, request)? {
        return Ok(standing);
    }
    let pools = pools::rows(tx, licenses)?;
    Claim { user_id, before, request, may_borrow: true, pools: &pools }.without_a_free_seat(tx)
}

/// The seat that stays with the user: all of it, or for a while that of a suspended one, or none.
fn kept(before: Option<&Seat>, request: &SeatRequest) -> Standing {
    let keeps = |seat: &&Seat| {
        let is_kept = seat.kept_until_ms.is_some() || request.seat_grace_days > 0;
        // A borrowed seat is nobody's own.
        request.active || is_kept && seat.borrowed_until_ms.is_none()
    };
    before.filter(keeps).map_or_else(Standing::default, Standing::kept)
}

/// Writes the user's seat as it stands now, and gives on what was given back.
fn apply(
    tx: &mut WriteTx<'_>,
    before: Option<&Seat>,
    user_id: &str,
    request: &SeatRequest,
    standing: Standing,
    moves: &mut Moves,
) -> Result<Seat, SeatError> {
    let state = if request.active { standing.state(&request.license) } else { State::Suspended };
    let Standing { granted, beyond_place, borrowed_until_ms, exchanged, gave_seat } = standing;
    let held = before.and_then(|seat| seat.granted.clone());
    let given_back = held.filter(|held| !gave_seat && granted.as_ref() != Some(held));
    if let Some(license) = &given_back {
        let cause = if request.active { "moved" } else { "suspended" };
        movements::release(tx, license, user_id, cause)?;
    }
    let mut after = Seat {
        user_id: user_id.to_owned(),
        role: request.role.clone(),
        role_rank: request.role_rank,
        may_fall_back: request.may_fall_back,
        requested: request.license.clone(),
        granted,
        state,
        since_ms: tx.now_ms(),
        waiting_place: None,
        beyond_place,
        borrowed_until_ms,
        kept_until_ms: None,
    };
    let asked = before.filter(|before| before.requested == after.requested);
    if let Some(same) = asked.filter(|same| same.granted == after.granted && same.state == after.state) {
        after.since_ms = same.since_ms;
    }
    if state.waits() {
        let place = asked.and_then(|before| before.waiting_place);
        after.waiting_place = Some(place.map_or_else(|| pools::give_place(tx, &request.license), Ok)?);
    }
    keep(tx, before, request, &mut after)?;
    if before != Some(&after) {
        after.write(tx, before.is_none())?;
    }
    moves.promoted.extend(exchanged);
    moves.add(fill(tx, given_back)?);
    Ok(after)
}

/// Notes until when a suspended user keeps the seat.
fn keep(
    tx: &mut WriteTx<'_>,
    before: Option<&Seat>,
    request: &SeatRequest,
    after: &mut Seat,
) -> Result<(), SeatError> {
    let Some(license) = after.granted.as_ref().filter(|_| after.state == State::Suspended) else {
        return Ok(());
    };
    after.kept_until_ms = before.and_then(|before| before.kept_until_ms);
    if after.kept_until_ms.is_none() {
        let until_ms = tx.now_ms().saturating_add(i64::from(request.seat_grace_days) * DAY_MS);
        pools::note_due(tx, license, until_ms)?;
        after.kept_until_ms = Some(until_ms);
    }
    Ok(())
}

/// What is asked for has no effect yet: role and seat stay, and the request is noted beside them. A user without a seat, or who is
/// suspended, has nothing that could be lost, and stays as before.
///
/// # Errors
/// When the store fails.
pub fn hold_back(
    tx: &mut WriteTx<'_>,
    user_id: &str,
    request: &SeatRequest,
) -> Result<Option<SeatChange>, SeatError> {
    pools::take_turn(tx)?;
    let before = find(tx, request.license.all(), user_id)?;
    let Some(seat) = before.clone().filter(|s| s.granted.is_some() && s.state != State::Suspended) else {
        return Ok(before.map(SeatChange::none));
    };
    let mut after =
        Seat { requested: request.license.clone(), state: State::Held, waiting_place: None, ..seat.clone() };
    if (seat.state, &seat.requested) != (after.state, &after.requested) {
        after.since_ms = tx.now_ms();
        after.write(tx, false)?;
    }
    Ok(Some(SeatChange::new(before, after, Moves::default())))
}

/// Puts a user who waits for this license back at the former place. The caller has taken the turn and read the seat since then.
///
/// # Errors
/// When the store fails.
pub fn give_place_back(tx: &mut WriteTx<'_>, seat: &mut Seat, place: &WaitingPlace) -> Result<(), SeatError> {
    if seat.state.waits() && seat.requested.key() == place.license {
        seat.waiting_place = Some(place.number);
        let row = seats::table.find(seat.user_id.as_str());
        tx.update(row, seats::waiting_place.eq(Some(place.number)))?;
    }
    Ok(())
}

/// Gives free seats to the users who wait for them, in their order (S6), and lets those who borrow keep theirs. To be called in
/// the transaction that raises a quota, so that no later user can be first.
///
/// # Errors
/// When the store fails.
pub fn promote(tx: &mut WriteTx<'_>, licenses: &Licenses) -> Result<Moves, SeatError> {
    fill(tx, licenses.iter())
}

/// Gives back the seat of a deleted user.
///
/// # Errors
/// When the store fails.
pub fn remove(tx: &mut WriteTx<'_>, licenses: &Licenses, user_id: &str) -> Result<Removed, SeatError> {
    pools::take_turn(tx)?;
    let seat = find(tx, licenses, user_id)?;
    let held = seat.as_ref().and_then(|seat| seat.granted.clone());
    tx.execute(diesel::delete(seats::table.find(user_id)))?;
    if let Some(license) = &held {
        movements::release(tx, license, user_id, "deleted")?;
    }
    Ok(Removed { seat, moves: fill(tx, held)? })
}
