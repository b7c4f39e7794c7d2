//! Seats: who waits again gets the former place in the queue. What could not be given back is told at the end, when all who are concerned
//! have asked for theirs.

use std::collections::BTreeMap;

use directory::resources;
use scim_core::ResourceKind;
use seat_ledger::{License, Seat, State, WaitingPlace, seats};
use store::WriteTx;

use super::{
    told::{About, CHANGED_SINCE},
    window::{Past, Run},
    work::Work,
};
use crate::ProvisioningError;

const PROMOTED: &str = "A seat became free for the user in this time, and it stays.";
const SEATED: &str = "The user waited for a seat, and has it now.";
const LAST: &str = "The user waits again, behind all others: the former place in the queue is not kept.";

/// Gives people who wait for the same license again the places back that the run took.
pub(super) fn give_places_back(
    tx: &mut WriteTx<'_>,
    work: &Work<'_>,
    run: &Run,
) -> Result<(), ProvisioningError> {
    let places: BTreeMap<&str, &WaitingPlace> =
        run.iter().filter_map(|(id, past)| Some((id.as_str(), past.place()?))).collect();
    let ids: Vec<&str> = places.keys().copied().collect();
    for mut seat in seats::of_users(tx, work.rules.product.licenses(), &ids)?.into_values() {
        if let Some(place) = places.get(seat.user_id.as_str()) {
            seats::give_place_back(tx, &mut seat, place)?;
        }
    }
    Ok(())
}

/// Lists the people whose seat is another than before the run.
pub(super) fn compare(tx: &mut WriteTx<'_>, work: &mut Work<'_>, run: &Run) -> Result<(), ProvisioningError> {
    let people = || run.iter().filter(|(_, past)| !past.is_group && !past.is_made);
    let ids: Vec<&str> = people().map(|(id, _)| id.as_str()).collect();
    let held = seats::of_users(tx, work.rules.product.licenses(), &ids)?;
    let now_ms = tx.now_ms();
    for (id, past) in people() {
        let Some(reason) = held.get(id).and_then(|seat| reason(past, seat, now_ms)) else { continue };
        let Some(record) = resources::find(tx, ResourceKind::User, id)? else { continue };
        work.done.not(&About::of(&record), "license", reason);
    }
    Ok(())
}

/// The reason for which a seat is another than before; `None` where it is as before.
fn reason(past: &Past, seat: &Seat, now_ms: i64) -> Option<String> {
    let held = seat.granted.as_ref().map(License::key);
    match &past.license {
        Some(former) if held != former.as_deref() => return Some(of_license(former.as_deref(), seat)),
        None if past.promoted_to.is_some() && held == past.promoted_to.as_deref() => {
            return Some(PROMOTED.to_owned());
        }
        _ => {}
    }
    let waits = seat.state.waits();
    let Some(former) = &past.seat else {
        // The undo has made the person wait, so the run had ended that.
        return (waits && seat.since_ms == now_ms).then(|| LAST.to_owned());
    };
    match &former.value.place {
        None => seat.reason().filter(|_| waits),
        Some(place) if seat.place().as_ref() == Some(place) => None,
        Some(_) if former.is_changed_since => Some(CHANGED_SINCE.to_owned()),
        Some(_) if seat.state == State::Granted => Some(SEATED.to_owned()),
        Some(place) => {
            let was = format!("The user waited for the license {}", place.license);
            Some(format!("{was}, and does not by what holds of the user now."))
        }
    }
}

/// The reason for another license than the former one.
fn of_license(former: Option<&str>, seat: &Seat) -> String {
    let held = seat.granted.as_ref().map(License::key);
    let (was, is) = (former.unwrap_or("none"), held.unwrap_or("none"));
    let follows = || format!("The license was {was}, and is {is} by what holds of the user now.");
    seat.reason().filter(|_| seat.state.waits()).unwrap_or_else(follows)
}
