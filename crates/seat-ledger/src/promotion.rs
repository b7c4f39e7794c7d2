//! Free seats go to those who have a right to them: first to who borrows one, then to who has one beyond the quota, then to who
//! waits, in the order of the queue (S6). Called in the transaction that frees a seat or raises a quota, so no later user can be
//! first.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    RunQueryDsl,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
};
use store::WriteTx;

use crate::{
    License, SeatError, exchange, movements,
    pools::{self, Row},
    queue,
    schema::seats,
    seat::{self, Moves, Seat, of_rows},
};

/// Serves these licenses, and those of which seats become free thereby: always the dearest first, as long as it has room.
pub(crate) fn fill(
    tx: &mut WriteTx<'_>,
    freed: impl IntoIterator<Item = License>,
) -> Result<Moves, SeatError> {
    let mut open: BTreeSet<License> = freed.into_iter().collect();
    let mut moves = Moves::default();
    while let Some(license) = open.pop_first() {
        repay(tx, &license, &mut moves)?;
        open.extend(promote(tx, &license, &mut moves)?);
    }
    Ok(moves)
}

/// Seats of a license that are borrowed or overage become ordinary ones as far as there is room: the oldest first.
fn repay(tx: &mut WriteTx<'_>, license: &License, moves: &mut Moves) -> Result<(), SeatError> {
    let beyond = pools::beyond(tx, license)?;
    if beyond.borrowed + beyond.overage == 0 {
        return Ok(());
    }
    let pool = pools::row(tx, license)?;
    let mut ordinary = pool.used - beyond.borrowed - beyond.overage;
    let for_good = pool.capacity().map_or(beyond.borrowed, |capacity| {
        capacity.saturating_sub(pool.used - beyond.borrowed).clamp(0, beyond.borrowed)
    });
    for mut seat in marked(tx, license, true, for_good)? {
        seat.borrowed_until_ms = None;
        if pool.quota.is_none_or(|quota| ordinary < quota) {
            seat.beyond_place = None;
            ordinary += 1;
        }
        alter(tx, seat, moves)?;
    }
    let within = pool.quota.map_or(i64::MAX, |quota| quota.saturating_sub(ordinary).max(0));
    for mut seat in marked(tx, license, false, within)? {
        seat.beyond_place = None;
        alter(tx, seat, moves)?;
    }
    Ok(())
}

/// The first seats of a license that are beyond its quota: the borrowed ones or the others.
fn marked(
    tx: &mut WriteTx<'_>,
    license: &License,
    borrowed: bool,
    most: i64,
) -> Result<Vec<Seat>, SeatError> {
    let most = usize::try_from(most).unwrap_or_default();
    if most == 0 {
        return Ok(Vec::new());
    }
    let marked = seats::table
        .filter(seats::granted.eq(license.key()))
        .filter(seats::beyond_place.is_not_null())
        .order(seats::beyond_place);
    let rows: Vec<seat::Row> = if borrowed {
        tx.load_first(marked.filter(seats::borrowed_until_ms.is_not_null()), most)?
    } else {
        tx.load_first(marked.filter(seats::borrowed_until_ms.is_null()), most)?
    };
    of_rows(rows, license.all())
}

/// A seat that was borrowed or overage and no longer is. Its user may wait for another license meanwhile, and has now one to give.
fn alter(tx: &mut WriteTx<'_>, seat: Seat, moves: &mut Moves) -> Result<(), SeatError> {
    seat.write(tx, false)?;
    let held = seat.granted.clone().filter(|_| seat.state.waits());
    let ring = match held.filter(|_| seat.borrowed_until_ms.is_none()) {
        Some(held) => exchange::ring(tx, &seat, &held, &seat.requested)?,
        None => None,
    };
    let Some(ring) = ring else {
        moves.altered.push(seat);
        return Ok(());
    };
    let after = Seat { beyond_place: ring.beyond_place, ..exchange::granted(&seat, tx.now_ms()) };
    after.write(tx, false)?;
    moves.promoted.extend(ring.moved);
    moves.promoted.push(after);
    Ok(())
}

/// Gives the free seats of a license to who waits for one; returns the licenses of which they gave seats back.
fn promote(
    tx: &mut WriteTx<'_>,
    license: &License,
    moves: &mut Moves,
) -> Result<BTreeSet<License>, SeatError> {
    if queue::is_empty(tx, license)? {
        return Ok(BTreeSet::new());
    }
    let pool = pools::row(tx, license)?;
    let room = usize::try_from(pool.left_at_all()).unwrap_or_default();
    if room == 0 {
        return Ok(BTreeSet::new());
    }
    let mut waiting = queue::first_of(tx, license, room)?;
    let within = usize::try_from(pool.left()).unwrap_or_default().min(waiting.len());
    let beyond = waiting.split_off(within);
    let mut freed = BTreeSet::new();
    for (part, is_beyond) in [(waiting, false), (beyond, true)] {
        let Some(last) = part.last() else { continue };
        let step = Step { license, last, is_beyond };
        match part.as_slice() {
            [one] => step.one(tx, one)?,
            many => step.many(tx, many, &pool)?,
        }
        freed.extend(part.iter().filter_map(|seat| seat.granted.clone()));
        let granted = part.iter().map(|seat| step.granted(seat, tx.now_ms()));
        moves.promoted.extend(granted);
    }
    Ok(freed)
}

/// Users at the head of a queue who are promoted in one step.
struct Step<'a> {
    license: &'a License,
    /// The last of them.
    last: &'a Seat,
    /// Whether they get seats beyond the quota.
    is_beyond: bool,
}

impl Step<'_> {
    /// The seat afterwards. Among those beyond the quota it has the place that it had in the queue.
    fn granted(&self, seat: &Seat, now_ms: i64) -> Seat {
        let beyond_place = seat.waiting_place.filter(|_| self.is_beyond);
        Seat { beyond_place, ..exchange::granted(seat, now_ms) }
    }

    fn one(&self, tx: &mut WriteTx<'_>, seat: &Seat) -> Result<(), SeatError> {
        movements::take(tx, self.license, &seat.user_id, "promoted")?;
        if let Some(held) = &seat.granted {
            movements::release(tx, held, &seat.user_id, "promoted")?;
        }
        self.granted(seat, tx.now_ms()).write(tx, false)
    }

    /// The same for thousands, with a few statements.
    fn many(&self, tx: &mut WriteTx<'_>, part: &[Seat], pool: &Row) -> Result<(), SeatError> {
        let (key, now_ms) = (self.license.key(), tx.now_ms());
        let place = self.last.waiting_place.unwrap_or_default();
        let lines = sql_query(LINES)
            .bind::<BigInt, _>(now_ms)
            .bind::<Text, _>(key)
            .bind::<BigInt, _>(self.last.role_rank)
            .bind::<BigInt, _>(place);
        lines.execute(tx.connection())?;
        let seats = if self.is_beyond { SEATS_BEYOND } else { SEATS };
        let seats = sql_query(seats)
            .bind::<BigInt, _>(now_ms)
            .bind::<Text, _>(key)
            .bind::<BigInt, _>(self.last.role_rank)
            .bind::<BigInt, _>(place);
        let moved = seats.execute(tx.connection())?;
        if moved != part.len() {
            return Err(SeatError::Damaged(format!("{moved} of {} users were promoted", part.len())));
        }
        let mut counts = BTreeMap::from([(self.license.clone(), i64::try_from(moved).unwrap_or_default())]);
        for held in part.iter().filter_map(|seat| seat.granted.clone()) {
            *counts.entry(held).or_default() -= 1;
        }
        debug_assert!(pool.license == key);
        counts.iter().try_for_each(|(license, count)| movements::count(tx, license, *count))
    }
}

/// The lines of the ledger: of each user in the order of the queue, the seat that is got and the one that is given back.
const LINES: &str = "INSERT INTO seat_ledger (number, at_ms, user_id, license, movement, cause) \
    SELECT (SELECT COALESCE(MAX(number), 0) FROM seat_ledger) \
        + ROW_NUMBER() OVER (ORDER BY role_rank, waiting_place, movement DESC), \
        $1, user_id, license, movement, 'promoted' \
    FROM (SELECT user_id, role_rank, waiting_place, requested AS license, 1 AS movement FROM seats \
        WHERE requested = $2 AND waiting_place IS NOT NULL \
            AND (role_rank < $3 OR role_rank = $3 AND waiting_place <= $4) \
        UNION ALL SELECT user_id, role_rank, waiting_place, granted, -1 FROM seats \
        WHERE requested = $2 AND waiting_place IS NOT NULL AND granted IS NOT NULL \
            AND (role_rank < $3 OR role_rank = $3 AND waiting_place <= $4)) AS moved";

const SEATS: &str = "UPDATE seats SET granted = requested, state = 'granted', since_ms = $1, waiting_place = NULL, \
    beyond_place = NULL, borrowed_until_ms = NULL \
    WHERE requested = $2 AND waiting_place IS NOT NULL \
        AND (role_rank < $3 OR role_rank = $3 AND waiting_place <= $4)";

const SEATS_BEYOND: &str = "UPDATE seats SET granted = requested, state = 'granted', since_ms = $1, waiting_place = NULL, \
    beyond_place = waiting_place, borrowed_until_ms = NULL \
    WHERE requested = $2 AND waiting_place IS NOT NULL \
        AND (role_rank < $3 OR role_rank = $3 AND waiting_place <= $4)";
