//! The seats of users, requested and granted: claim, release, move, fall back, wait, be promoted. Every function here
//! leaves counters, ledger and holders in agreement, or fails and leaves the transaction to be rolled back.

use std::collections::BTreeMap;

use diesel::prelude::*;
use store::{ReadTx, WriteTx, in_chunks};
use strum::{EnumString, IntoStaticStr};

use crate::{
    License, Licenses, Policy, SeatError, Shortage,
    error::{stored, stored_license},
    movements, pools,
    schema::seats,
};

/// The role and license that the profile derives for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatRequest {
    /// The person's role in the application.
    pub role: String,
    /// The role's place among the roles of the profile, 0 the dearest: who wait are promoted in this order.
    pub role_rank: i64,
    /// The license that the role needs.
    pub license: License,
    /// Whether the license's fallback will do; never for an admin.
    pub may_fall_back: bool,
    /// Whether the user is active: only then is a seat held (S5).
    pub active: bool,
}

/// The state of a user's seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// Holds the license that was asked for.
    Granted,
    /// Holds another one and waits for the one that was asked for: a lesser one, or the dearer one that was held before.
    Fallback,
    /// Is not active, holds none, keeps the request (S5).
    Suspended,
}

impl State {
    /// The word in responses and tables.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.into()
    }
}

/// Requested and granted are two facts: both are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The user who has it.
    pub user_id: String,
    /// The person's role in the application.
    pub role: String,
    /// The role's place among the roles of its profile when it was given.
    role_rank: i64,
    /// Whether the role takes the license's fallback.
    may_fall_back: bool,
    /// The license that was asked for.
    pub requested: License,
    /// The license that is held.
    pub granted: Option<License>,
    /// The state of the seat.
    pub state: State,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: i64,
    /// The place in the queue for the requested license.
    waiting_place: Option<i64>,
}

/// The result of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatChange {
    /// `None`: the user is new.
    pub before: Option<Seat>,
    /// The seat now.
    pub after: Seat,
    /// Users who waited and got the seat that became free, in their order.
    pub promoted: Vec<Seat>,
}

impl SeatChange {
    /// Whether the user's own seat is another than before.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }
}

/// A seat as it is stored.
#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = seats, primary_key(user_id), treat_none_as_null = true)]
struct Row {
    user_id: String,
    role: String,
    role_rank: i64,
    may_fall_back: i64,
    requested: String,
    granted: Option<String>,
    state: String,
    since_ms: i64,
    waiting_place: Option<i64>,
    beyond_place: Option<i64>,
    borrowed_until_ms: Option<i64>,
    kept_until_ms: Option<i64>,
}

impl From<&Seat> for Row {
    fn from(seat: &Seat) -> Self {
        Self {
            user_id: seat.user_id.clone(),
            role: seat.role.clone(),
            role_rank: seat.role_rank,
            may_fall_back: seat.may_fall_back.into(),
            requested: seat.requested.key().to_owned(),
            granted: seat.granted.as_ref().map(|license| license.key().to_owned()),
            state: seat.state.key().to_owned(),
            since_ms: seat.since_ms,
            waiting_place: seat.waiting_place,
            beyond_place: None,
            borrowed_until_ms: None,
            kept_until_ms: None,
        }
    }
}

impl Seat {
    fn of_row(row: Row, licenses: &Licenses) -> Result<Self, SeatError> {
        Ok(Self {
            requested: stored_license(licenses, &row.requested)?,
            granted: row.granted.map(|key| stored_license(licenses, &key)).transpose()?,
            state: stored("seat state", &row.state)?,
            user_id: row.user_id,
            role: row.role,
            role_rank: row.role_rank,
            may_fall_back: row.may_fall_back != 0,
            since_ms: row.since_ms,
            waiting_place: row.waiting_place,
        })
    }

    /// Whether the seat already is what the request asks for.
    fn meets(&self, request: &SeatRequest) -> bool {
        let stands = match self.state {
            State::Suspended => !request.active,
            State::Granted => request.active,
            State::Fallback => request.active && (request.may_fall_back || self.was_lowered()),
        };
        stands && self.requested == request.license && self.role == request.role
    }

    /// Whether a dearer license is held than was asked for, because no seat of that one was free.
    fn was_lowered(&self) -> bool {
        self.granted.as_ref().is_some_and(|held| *held < self.requested)
    }

    /// The role's place among the roles of its profile when it was given.
    #[must_use]
    pub fn role_rank(&self) -> i64 {
        self.role_rank
    }

    /// Why the user holds another license or none, as a sentence; `None` when the request was met.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let asked = self.requested.title();
        match (self.state, &self.granted) {
            (State::Granted, _) => None,
            (State::Suspended, _) => Some("The user is not active and holds no seat.".to_owned()),
            (State::Fallback, held) => {
                let held = held.as_ref().map_or("no", License::title);
                let now = if self.was_lowered() { "keeps the" } else { "works with a" };
                Some(format!(
                    "No {asked} seat is free: the user {now} {held} seat and gets the next {asked} seat that becomes free.",
                ))
            }
        }
    }
}

/// The seat of one user.
///
/// # Errors
/// When the store fails.
pub fn find(tx: &mut ReadTx<'_>, licenses: &Licenses, user_id: &str) -> Result<Option<Seat>, SeatError> {
    let row: Option<Row> = tx.get_result(seats::table.find(user_id)).optional()?;
    row.map(|row| Seat::of_row(row, licenses)).transpose()
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
    let rows: Vec<Row> =
        in_chunks(user_ids, |ids| seats::table.filter(seats::user_id.eq_any(ids)).load(tx.connection()))?;
    let seats = rows.into_iter().map(|row| Seat::of_row(row, licenses));
    seats.map(|seat| seat.map(|seat| (seat.user_id.clone(), seat))).collect()
}

/// Brings a user's seat in line with the request. Only a net increase of a license is ever checked (S1); a repeated request of
/// a user who waits has no effect (S8).
///
/// # Errors
/// [`SeatError::LimitReached`] when no seat is left: the caller rolls everything back.
pub fn settle(tx: &mut WriteTx<'_>, user_id: &str, request: &SeatRequest) -> Result<SeatChange, SeatError> {
    let mut before = find(tx, request.license.all(), user_id)?;
    if let Some(seat) = before.as_ref().filter(|seat| seat.meets(request)) {
        return Ok(SeatChange { before: Some(seat.clone()), after: seat.clone(), promoted: Vec::new() });
    }
    if tx.has_rivals() {
        pools::take_turn(tx)?;
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
    let held = before.as_ref().and_then(|s| s.granted.clone());
    let standing = if !request.active {
        Standing::Holds(None, State::Suspended)
    } else if held.as_ref() == Some(&request.license) {
        Standing::Holds(held.clone(), State::Granted)
    } else if before.as_ref().is_some_and(|s| already_waits(s, request)) {
        Standing::Holds(held.clone(), State::Fallback)
    } else {
        acquire(tx, user_id, held.clone(), request)?
    };
    match standing {
        Standing::Exchanged(partner) => {
            let got = Some(request.license.clone());
            let after = write(tx, before.as_ref(), user_id, request, got, State::Granted)?;
            Ok(SeatChange { before, after, promoted: vec![grant(tx, &partner)?] })
        }
        Standing::Holds(granted, state) => {
            let given_back = held.filter(|held| granted.as_ref() != Some(held));
            if let Some(given_back) = &given_back {
                let cause = if request.active { "moved" } else { "suspended" };
                movements::release(tx, given_back, user_id, cause)?;
            }
            let after = write(tx, before.as_ref(), user_id, request, granted, state)?;
            let promoted =
                if given_back.is_some() { promote(tx, request.license.all())? } else { Vec::new() };
            Ok(SeatChange { before, after, promoted })
        }
    }
}

/// How a request ends.
enum Standing {
    /// The user holds this license, in this state; the one held before is to be given back.
    Holds(Option<License>, State),
    /// The user has exchanged seats with this one, which waited for the user's: no counter has moved.
    Exchanged(Seat),
}

fn already_waits(seat: &Seat, request: &SeatRequest) -> bool {
    seat.state == State::Fallback
        && seat.requested == request.license
        && (request.may_fall_back || seat.was_lowered())
}

/// Takes the requested license, or another that will do; the license held before is still held.
fn acquire(
    tx: &mut WriteTx<'_>,
    user_id: &str,
    held: Option<License>,
    request: &SeatRequest,
) -> Result<Standing, SeatError> {
    let wanted = &request.license;
    if movements::claim(tx, wanted, user_id, "granted")? {
        return Ok(Standing::Holds(Some(wanted.clone()), State::Granted));
    }
    let pool = pools::get(tx, wanted)?;
    let lowered = held.as_ref().is_some_and(|dearer| dearer < wanted);
    // A license that the plan does not have at all is neither waited for nor exchanged for a dearer one (MO8).
    let offered = held.as_ref().filter(|_| !lowered || pool.quota != Some(0));
    if let Some(held) = offered
        && let Some(partner) = exchange(tx, user_id, held, wanted)?
    {
        return Ok(Standing::Exchanged(partner));
    }
    // To lower always passes (S1), and yet no seat is sold twice: the dearer seat is kept until one of the requested license
    // is free.
    if lowered && offered.is_some() {
        return Ok(Standing::Holds(held, State::Fallback));
    }
    let fallback = wanted.fallback().filter(|_| request.may_fall_back && pool.policy == Policy::Fallback);
    if let Some(lesser) = &fallback
        && (held.as_ref() == Some(lesser) || movements::claim(tx, lesser, user_id, "fallback")?)
    {
        return Ok(Standing::Holds(fallback, State::Fallback));
    }
    let lesser_free = match wanted.fallback() {
        Some(lesser) if held.as_ref() != Some(&lesser) && pools::get(tx, &lesser)?.has_room() => Some(lesser),
        _ => None,
    };
    Err(SeatError::LimitReached(Shortage {
        license: wanted.clone(),
        used: pool.used,
        limit: pool.quota.unwrap_or(i64::MAX),
        waiting: pool.waiting,
        fallback_full: fallback,
        lesser_free,
    }))
}

/// Exchanges the seats of a user and of the first in the queue for the user's license, if that one holds the wanted license.
/// No license is used more than before, so policy and quota do not matter, and both move (S1). Users never wait in both
/// directions, since they would have met here; so no user is passed over.
fn exchange(
    tx: &mut WriteTx<'_>,
    user_id: &str,
    held: &License,
    wanted: &License,
) -> Result<Option<Seat>, SeatError> {
    let Some(partner) = first_waiting(tx, held)?.filter(|seat| seat.granted.as_ref() == Some(wanted)) else {
        return Ok(None);
    };
    movements::pass_on(tx, wanted, &partner.user_id, user_id)?;
    movements::pass_on(tx, held, user_id, &partner.user_id)?;
    Ok(Some(partner))
}

fn write(
    tx: &mut WriteTx<'_>,
    before: Option<&Seat>,
    user_id: &str,
    request: &SeatRequest,
    granted: Option<License>,
    state: State,
) -> Result<Seat, SeatError> {
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
    };
    let same = |b: &&Seat| (&b.granted, b.state, &b.requested) == (&after.granted, state, &after.requested);
    if let Some(before) = before.filter(same) {
        after.since_ms = before.since_ms;
        after.waiting_place = before.waiting_place;
    } else if state == State::Fallback {
        after.waiting_place = Some(pools::give_place(tx, &request.license)?);
    }
    match before {
        None => tx.execute(diesel::insert_into(seats::table).values(Row::from(&after)))?,
        Some(before) if *before != after => tx.update(seats::table.find(user_id), Row::from(&after))?,
        Some(_) => 0,
    };
    Ok(after)
}

/// Gives free seats to the users who wait for them, in their order (S6); returns the new seats. Called in the transaction that
/// frees a seat or raises a quota, so no later user can be first.
///
/// # Errors
/// When the store fails.
pub fn promote(tx: &mut WriteTx<'_>, licenses: &Licenses) -> Result<Vec<Seat>, SeatError> {
    let mut promoted = Vec::new();
    while let Some(seat) = promote_one(tx, licenses)? {
        promoted.push(seat);
    }
    Ok(promoted)
}

fn promote_one(tx: &mut WriteTx<'_>, licenses: &Licenses) -> Result<Option<Seat>, SeatError> {
    for license in licenses.iter() {
        if let Some(waiting) = first_waiting(tx, &license)?
            && movements::claim(tx, &license, &waiting.user_id, "promoted")?
        {
            if let Some(held) = &waiting.granted {
                movements::release(tx, held, &waiting.user_id, "promoted")?;
            }
            return Ok(Some(grant(tx, &waiting)?));
        }
    }
    Ok(None)
}

fn grant(tx: &mut WriteTx<'_>, waiting: &Seat) -> Result<Seat, SeatError> {
    let seat = Seat {
        granted: Some(waiting.requested.clone()),
        state: State::Granted,
        since_ms: tx.now_ms(),
        waiting_place: None,
        ..waiting.clone()
    };
    tx.update(seats::table.find(&seat.user_id), Row::from(&seat))?;
    Ok(seat)
}

fn first_waiting(tx: &mut ReadTx<'_>, license: &License) -> Result<Option<Seat>, SeatError> {
    let queue = seats::table
        .filter(seats::requested.eq(license.key()))
        .filter(seats::waiting_place.is_not_null())
        .order((seats::role_rank, seats::waiting_place));
    let row: Option<Row> = tx.get_result(queue.limit(1)).optional()?;
    row.map(|row| Seat::of_row(row, license.all())).transpose()
}

/// Gives back the seat of a deleted user; returns the seats of users who waited for it.
///
/// # Errors
/// When the store fails.
pub fn remove(tx: &mut WriteTx<'_>, licenses: &Licenses, user_id: &str) -> Result<Vec<Seat>, SeatError> {
    pools::take_turn(tx)?;
    let held = find(tx, licenses, user_id)?.and_then(|s| s.granted);
    tx.execute(diesel::delete(seats::table.find(user_id)))?;
    match held {
        None => Ok(Vec::new()),
        Some(license) => {
            movements::release(tx, &license, user_id, "deleted")?;
            promote(tx, licenses)
        }
    }
}
