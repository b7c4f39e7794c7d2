//! Users whose seat moved because of another's: who waited and got one, and who no longer borrows, overruns or keeps one. Their
//! resource gets a new version and a change record, in the transaction that moved the seat.

use directory::resources;
use scim_core::ResourceKind;
use seat_ledger::{Moves, Seat};
use store::WriteTx;

use crate::{
    ProvisioningError,
    facts::{Cause, Facts, SeatFacts},
    records,
};

pub(crate) fn record(tx: &mut WriteTx<'_>, moves: &Moves, cause: Cause<'_>) -> Result<(), ProvisioningError> {
    let all = [("promoted", &moves.promoted), ("reseated", &moves.altered)];
    for (verb, seat) in all.into_iter().flat_map(|(verb, seats)| seats.iter().map(move |seat| (verb, seat))) {
        record_one(tx, verb, seat, cause.followed())?;
    }
    Ok(())
}

fn record_one(
    tx: &mut WriteTx<'_>,
    verb: &str,
    seat: &Seat,
    cause: Cause<'_>,
) -> Result<(), ProvisioningError> {
    let kind = ResourceKind::User;
    let Some(record) = resources::find(tx, kind, &seat.user_id)? else { return Ok(()) };
    let record = resources::touch(tx, kind, &record)?;
    let seat = SeatFacts { before: None, after: Some(seat) };
    records::record(tx, cause, kind, verb, &record, &Facts { seat, ..Facts::default() })
}
