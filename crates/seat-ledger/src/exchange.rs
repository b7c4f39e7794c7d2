//! People who wait for one another's seats exchange them in one step, in a ring of any length. No pool's counter moves, so policy and
//! quota do not matter, and all of them move (S1).

use std::collections::{BTreeMap, VecDeque};

use store::WriteTx;

use crate::{License, SeatError, State, movements, queue, seat::Seat};

/// Finds a ring that `seat` would close if its user gave the seat for one of `wanted`, and moves all others in it; returns them in
/// the order of the ring, the one who gives the wanted seat first. Of several rings it is the shortest, of those the one of the
/// dearest licenses; of the people who hold and want the same, the first in the queue. `None` without a ring.
///
/// There is never a ring of people who all wait already: the last of them would have closed it here.
pub(crate) fn ring(
    tx: &mut WriteTx<'_>,
    seat: &Seat,
    held: &License,
    wanted: &License,
) -> Result<Option<Ring>, SeatError> {
    let Some(givers) = path(tx, wanted, held)? else { return Ok(None) };
    let mut movers: Vec<&str> = vec![&seat.user_id];
    movers.extend(givers.iter().map(|giver| giver.user_id.as_str()));
    // Each gets the seat of the next; the last gets the user's.
    let given: Vec<&Seat> = givers.iter().chain([seat]).collect();
    for ((to, from), license) in
        movers.iter().zip(&given).zip(given.iter().filter_map(|from| from.granted.as_ref()))
    {
        movements::pass_on(tx, license, &from.user_id, to)?;
    }
    let mut moved = Vec::new();
    for (giver, got) in givers.iter().zip(given.iter().skip(1)) {
        let after = Seat {
            granted: got.granted.clone(),
            beyond_place: got.beyond_place,
            ..granted(giver, tx.now_ms())
        };
        after.write(tx, false)?;
        moved.push(after);
    }
    let beyond_place = givers.first().and_then(|giver| giver.beyond_place);
    Ok(Some(Ring { moved, beyond_place }))
}

/// What a ring did.
pub(crate) struct Ring {
    /// The others in it.
    pub(crate) moved: Vec<Seat>,
    /// Whether the seat that the user gets is one beyond the quota, and which.
    pub(crate) beyond_place: Option<i64>,
}

/// The seat of a user who waited, with what was asked for.
pub(crate) fn granted(waiting: &Seat, now_ms: i64) -> Seat {
    Seat {
        granted: Some(waiting.requested.clone()),
        state: State::Granted,
        since_ms: now_ms,
        waiting_place: None,
        beyond_place: None,
        borrowed_until_ms: None,
        kept_until_ms: None,
        ..waiting.clone()
    }
}

/// People of whom the first holds `from`, each next one holds what the one before waits for, and the last waits for `to`: the
/// shortest such row.
fn path(tx: &mut WriteTx<'_>, from: &License, to: &License) -> Result<Option<Vec<Seat>>, SeatError> {
    // Who led to a license, breadth first.
    let mut led: BTreeMap<License, Seat> = BTreeMap::new();
    let mut open = VecDeque::from([from.clone()]);
    while let Some(held) = open.pop_front() {
        for wanted in held.all().iter() {
            if wanted == held || wanted == *from || led.contains_key(&wanted) {
                continue;
            }
            let Some(giver) = queue::first_who_gives(tx, &held, &wanted)? else { continue };
            led.insert(wanted.clone(), giver);
            if wanted == *to {
                return Ok(Some(way_back(&led, from, to)));
            }
            open.push_back(wanted);
        }
    }
    Ok(None)
}

fn way_back(led: &BTreeMap<License, Seat>, from: &License, to: &License) -> Vec<Seat> {
    let mut row = Vec::new();
    let mut at = to;
    while let Some(giver) = led.get(at).filter(|_| at != from) {
        row.push(giver.clone());
        match &giver.granted {
            Some(held) => at = held,
            None => break,
        }
    }
    row.reverse();
    row
}
